import { type Edit, importMutants } from '../mutants.ts';
import type { LockParts } from './lock-life.ts';

/** Rules of locks in a replicated log, broken one at a time; `seed` is where the search for a life that shows it begins. */
export const lockMutations: readonly (Edit & { readonly name: string; readonly seed: number })[] = [
  {
    name: 'a lock is held for longer than the log keeps it',
    in: 'lock-raft',
    file: 'open-claim.ts',
    find: 'const VALID_PART = 0.8;',
    replace: 'const VALID_PART = 1.3;',
    seed: 10,
  },
  {
    name: 'a lock lasts for its whole time from when its holder hears of it',
    in: 'lock-raft',
    file: 'open-claim.ts',
    find: 'return (this.#signAt ?? -Infinity) + this.request.ttlMs * VALID_PART;',
    replace: 'return this.#clock.now() + this.request.ttlMs + 0 * VALID_PART;',
    seed: 1,
  },
  {
    name: 'a renewal does not count',
    in: 'lock-raft',
    file: 'lock-machine.ts',
    find: 'claim.expiresAt = Math.max(claim.expiresAt, this.#time + claim.ttlMs);',
    replace: 'claim.expiresAt += 0;',
    seed: 1,
  },
  {
    name: 'what has run out is taken to be held',
    in: 'lock-raft',
    file: 'raft-locks.ts',
    find: "if (state.type === 'gone') {",
    replace: "if (state.type === 'gone' && sentAt < 0) {",
    seed: 7,
  },
  {
    name: 'a node takes what it had before for its own',
    in: 'lock-raft',
    file: 'raft-locks.ts',
    find: 'incarnation: context.incarnation }',
    replace: 'incarnation: 0 * context.incarnation }',
    seed: 2,
  },
  {
    name: 'a snapshot forgets who holds',
    in: 'lock-raft',
    file: 'lock-snapshot.ts',
    find: 'token: integer(token) || undefined,',
    replace: 'token: integer(token) * 0 || undefined,',
    seed: 1,
  },
  {
    name: 'a snapshot forgets the last token',
    in: 'lock-raft',
    file: 'lock-machine.ts',
    find: 'this.#lastToken = lastToken;',
    replace: 'this.#lastToken = 0 * lastToken;',
    seed: 1,
  },
  {
    name: 'who gives up keeps its place',
    in: 'lock-raft',
    file: 'raft-locks.ts',
    find: 'claim.giveUp();\n',
    replace: '\n',
    seed: 1,
  },
  {
    name: 'nobody is told that a lock is free',
    in: 'lock-raft',
    file: 'lock-machine.ts',
    find: 'const queue = this.#remove(key, claim);\n    this.#grant(claim.name, queue);',
    replace: 'this.#remove(key, claim);',
    seed: 1,
  },
  {
    name: 'what a node had once is taken for what it is granted now',
    in: 'lock-raft',
    file: 'open-claim.ts',
    find: 'token >= this.#leastToken;',
    replace: 'token >= 0 * this.#leastToken;',
    seed: 23,
  },
  {
    name: 'time in the log is that of the clock of whoever leads',
    in: 'raft-host',
    file: 'log-time.ts',
    find: 'this.#from + Math.floor(this.#clock.now() - this.#since)',
    replace: 'Math.floor(this.#clock.now())',
    seed: 2,
  },
];

/** From the bottom up: whoever imports what was changed has to be a copy as well. */
const STACK = ['raft-host', 'lock-raft'];

/** The package with this rule broken, and what it stands on where that is what is broken. */
export async function brokenLocks(mutation: Edit & { readonly name: string }): Promise<LockParts> {
  const stack = STACK.slice(STACK.indexOf(mutation.in));
  const broken = await importMutants<LockParts>(`locks ${mutation.name}`, stack, [mutation]);
  if (broken.raftLocks === undefined) throw new Error(`${mutation.name}: the copy exports no locks`);
  return { raftLocks: broken.raftLocks };
}

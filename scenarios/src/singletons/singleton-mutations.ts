import { importMutant, type Mutation } from '../mutants.ts';
import type { SingletonParts } from './singleton-life.ts';

export type SingletonMutation = Mutation & {
  /** Where the search for a life that shows it begins. */
  readonly seed: number;
};

/** The rules of tasks that run once in a cluster, broken one at a time. */
export const singletonMutations: readonly SingletonMutation[] = [
  {
    name: 'a holder begins with the present',
    file: 'slots/slot-table.ts',
    find: 'const entry = { ...(known ?? fresh), fence: token };',
    replace: 'const entry = { ...known, ...fresh, fence: token };',
    seed: 1,
  },
  {
    name: 'a claim that is refused is taken for one',
    file: 'singleton/slot-loop.ts',
    find: 'if (!(await this.#insist((signal) => this.#claims.claim(claim, { signal })))) return await this.#open();',
    replace: 'await this.#insist((signal) => this.#claims.claim({ ...claim, after: 0 }, { signal }));',
    seed: 1,
  },
  {
    name: 'what was interrupted is taken for done',
    file: 'singleton/slot-loop.ts',
    find: 'if (record.outcome === undefined) await this.#takeUp(record);',
    replace: '',
    seed: 1,
  },
  {
    name: 'what was stopped is taken for done',
    file: 'singleton/slot-loop.ts',
    find: "if (end === 'stopped') this.#isOver = true;\n    else await this.#settle(time, end);",
    replace: "await this.#settle(time, end === 'stopped' ? 'completed' : end);",
    seed: 2,
  },
  {
    name: 'a slot is claimed behind one that was left',
    file: 'singleton/slot-loop.ts',
    find: "if (end === 'stopped') this.#isOver = true;\n    else",
    replace: "if (end !== 'stopped')",
    seed: 2,
  },
  {
    name: 'an interrupted slot is begun again, though it is to be skipped',
    file: 'singleton/slot-loop.ts',
    find: "if (settings.onInterrupted === 'skip' || starts >= settings.maxStarts) {",
    replace: 'if (starts >= settings.maxStarts) {',
    seed: 3,
  },
  {
    name: 'the grant is not asked once there is a claim',
    file: 'singleton/attempts.ts',
    find: "if (signal.aborted || !tenure.isValid()) return 'stopped';",
    replace: '',
    seed: 1,
  },
  {
    name: 'of what was missed only the last is done',
    file: 'slots/due-slots.ts',
    find: "policy.catchUp === 'all' ? policy.maxCatchUp : 1",
    replace: 'Math.min(policy.maxCatchUp, 1)',
    seed: 1,
  },
  {
    name: 'slots follow the wall clock back',
    file: 'singleton/slot-loop.ts',
    find: 'this.#tellIfHeld(now);',
    replace: 'this.#tellIfHeld(now); this.#cursor = Math.min(this.#cursor, now);',
    seed: 1,
  },
  {
    name: 'a snapshot leaves the slots out',
    file: 'replicated/coordination-codec.ts',
    find: 'return encode({ slots: flat, requests });',
    replace: 'return encode({ slots: flat.slice(1), requests });',
    seed: 1,
  },
];

/** The package with one rule broken. */
export function brokenSingletons(mutation: SingletonMutation): Promise<SingletonParts> {
  return importMutant<SingletonParts>('coordination', mutation);
}

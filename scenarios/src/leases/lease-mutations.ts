import { importMutant, type Mutation } from '../mutants.ts';
import type { LeaseParts } from './lease-life.ts';

export type LeaseMutation = Mutation & {
  /** Part of what the life that shows it ends with. */
  readonly shows: string;
  /** Where the search for a life that shows it begins. */
  readonly seed: number;
};

/** The rules of those who hold leases, broken one at a time. */
export const leaseMutations: readonly LeaseMutation[] = [
  {
    name: 'a renewal counts from its answer',
    file: 'lease-renewal.ts',
    find: 'Math.min(sentAt, clock.now())',
    replace: 'sentAt < 0 ? sentAt : clock.now()',
    shows: 'two valid grants',
    seed: 10,
  },
  {
    name: 'a grant lasts as long as the lease',
    file: 'lease-keeper.ts',
    find: 'kept.sentAt + this.#machine.timings.validForMs',
    replace: 'kept.sentAt + this.#machine.timings.ttlMs',
    shows: 'two valid grants',
    seed: 1,
  },
  {
    name: 'what may not be used yet is used',
    file: 'lease-keeper.ts',
    find: 'const { usableFrom } = kept.hold;',
    replace: 'const usableFrom = 0 * kept.hold.usableFrom;',
    shows: 'two valid grants',
    seed: 7,
  },
  {
    name: 'that another has it is ignored',
    file: 'lease-keeper.ts',
    find: 'view.revision >= kept.hold.token && holder !== kept.hold.token',
    replace: 'view.revision < 0n && holder !== kept.hold.token',
    shows: 'the end of a leadership that was taken away',
    seed: 3,
  },
  {
    name: 'the lease is given back before the grant has ended',
    file: 'lease-keeper.ts',
    find: '    this.#grant?.end(reason);\n',
    replace:
      '    const early = this.#grant;\n    if (this.#kept !== undefined && early !== undefined) this.#leave(this.#kept);\n' +
      '    this.#machine.clock.setTimer(50, () => early?.end(reason));\n',
    shows: 'two valid grants',
    seed: 1,
  },
  {
    name: 'a token is granted twice',
    file: 'lease-keeper.ts',
    find: 'this.#granted !== undefined && hold.token <= this.#granted',
    replace: 'this.#granted !== undefined && hold.token < 0n',
    shows: 'got token',
    seed: 11,
  },
  {
    name: 'a node is the same in each of its runs',
    file: 'leased-election.ts',
    find: 'const identity = { nodeId: self.id, incarnation, claim: 0 };',
    replace: 'const identity = { nodeId: self.id, incarnation: 0 * incarnation, claim: 0 };',
    shows: 'calls itself',
    seed: 1,
  },
  {
    name: 'two claims of one node are one',
    file: 'leased-locks.ts',
    find: 'claim: (this.#claims += 1)',
    replace: 'claim: (this.#claims = 1)',
    shows: 'calls itself',
    seed: 1,
  },
  {
    name: 'a place in the queue is kept by one who gave up',
    file: 'lease-keeper.ts',
    find: 'return this.#placed ? () => this.#unplace() : undefined;',
    replace: 'return undefined;',
    shows: 'left behind',
    seed: 1,
  },
  {
    name: 'what the engine tells of a change is not listened to',
    file: 'lease-keeper.ts',
    find: 'if (!this.#exclusive || holder === undefined || holder !== this.#holder) this.#rouse();',
    replace: '',
    shows: 'a leader after one has resigned',
    seed: 5,
  },
];

/** The package with this rule broken. */
export function brokenLeases(mutation: LeaseMutation): Promise<LeaseParts> {
  return importMutant<LeaseParts>('lease', mutation);
}

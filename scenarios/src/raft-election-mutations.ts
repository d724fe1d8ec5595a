import type { Mutation } from './mutants.ts';

export interface RaftElectionMutation extends Mutation {
  /** Where the search for a run that shows it begins. */
  readonly seed: number;
  /** Whether it shows beside a replicator only, which goes on without a candidate. */
  readonly isShared: boolean;
}

/** The rules of elections on Raft, broken one at a time. */
export const raftElectionMutations: readonly RaftElectionMutation[] = [
  {
    name: 'a grant outlasts its lease',
    file: 'raft-leadership.ts',
    find: '&& this.#now() < this.#leaseUntil()',
    replace: '&& this.#leaseUntil() > -Infinity * this.#now()',
    seed: 1,
    isShared: false,
  },
  {
    name: 'a vote is told before it is durable',
    in: 'raft-host',
    file: 'consensus.ts',
    find: 'responses: [...responses],',
    replace: 'responses: responses.filter((each) => each.to === this.#id || this.#hooks.send(each)),',
    seed: 18,
    isShared: false,
  },
  {
    name: 'who leads the group need not stand',
    file: 'raft-election.ts',
    find: 'this.#leadership !== undefined || this.#campaigners.size === 0) return;',
    replace: 'this.#leadership !== undefined) return;',
    seed: 5,
    isShared: true,
  },
];

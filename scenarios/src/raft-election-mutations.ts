import type { Edit } from './mutants.ts';

/** Rules of what stands on a Raft group, broken one at a time; `seed` is where the search for a run that shows it begins. */
export const raftElectionMutations: readonly (Edit & { readonly name: string; readonly seed: number })[] = [
  {
    name: 'a grant outlasts its lease',
    in: 'election-raft',
    file: 'raft-leadership.ts',
    find: '&& this.#now() < this.#leaseUntil()',
    replace: '&& this.#leaseUntil() > -Infinity * this.#now()',
    seed: 2,
  },
  {
    name: 'who leads the group need not stand',
    in: 'election-raft',
    file: 'raft-election.ts',
    find: 'this.#leadership !== undefined || this.#campaigners.size === 0) return;',
    replace: 'this.#leadership !== undefined) return;',
    seed: 5,
  },
  {
    name: 'what is not durable is told',
    in: 'raft-host',
    file: 'consensus.ts',
    find: 'responses: [...responses],',
    replace: 'responses: responses.filter((each) => each.to === this.#id || this.#hooks.send(each)),',
    seed: 7,
  },
  {
    name: 'a session does not know what it has let through',
    in: 'raft-host',
    file: 'commands/session-table.ts',
    find: "if (known !== undefined) return { kind: 'duplicate', admitted: known };",
    replace: '',
    seed: 7,
  },
];

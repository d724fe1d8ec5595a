import type { Mutation } from '../mutants.ts';

/** What makes reads by lease safe, broken one at a time; `seed` is where the search for a life that shows it begins. */
export const leaseMutations: readonly (Mutation & { readonly seed: number })[] = [
  {
    name: 'the drift of clocks is ignored',
    file: 'lease.ts',
    find: ' * tickMs * (1 - maxDrift);',
    replace: ' * tickMs * (1 - 0 * maxDrift);',
    seed: 11,
  },
  {
    name: 'the first tick of a promise is counted on',
    file: 'lease.ts',
    find: '(electionTicks - 1)',
    replace: '(electionTicks - 0)',
    seed: 11,
  },
  {
    name: 'a lease is counted from when its round was answered',
    file: 'lease.ts',
    find: 'this.#until = oldest.sentAt + this.#durationMs;',
    replace: 'this.#until = this.#now() + this.#durationMs;',
    seed: 151,
  },
  {
    name: 'an answer to an older round renews the lease',
    file: 'reading.ts',
    find: 'raft.reads.answer(m.from, round);',
    replace: 'raft.reads.answer(m.from, raft.reads.lastRound);',
    seed: 6,
  },
  {
    name: 'a restart forgets promises',
    file: 'raft-state.ts',
    find: 'if (this.term > config.leaderlessTerm) this.#promise();',
    replace: '',
    seed: 12,
  },
  {
    name: 'a promise ends with its term',
    file: 'step.ts',
    find: '(raft.promisedTicks > 0 || (m.term > raft.term && raft.isLoyal))',
    replace: '(m.term > raft.term && raft.isLoyal)',
    seed: 428,
  },
  {
    name: 'a promise does not bind the promiser',
    file: 'step.ts',
    find: "if (raft.promisedTicks > 0) return 'not-electable';",
    replace: '',
    seed: 13,
  },
  {
    name: 'a transfer leaves the lease as it is',
    file: 'transfer.ts',
    find: '  raft.lease?.forfeit();\n',
    replace: '',
    seed: 29,
  },
  {
    name: 'a lease comes back after a transfer that was given up',
    file: 'lease.ts',
    find: 'this.#isForfeited = true;',
    replace: 'this.void();',
    seed: 163,
  },
  {
    name: 'a lease is used before the first commit of the term',
    file: 'reading.ts',
    find: "return raft.role === 'leader' && isSettled(raft) ? until : -Infinity;",
    replace: "return raft.role === 'leader' ? until : -Infinity;",
    seed: 76,
  },
];

import type { majorityElection } from '@quorate/election-majority';
import { describe, expect, it } from 'vitest';
import { runElectionSeed } from '../src/election-seeds.ts';
import { importMutant, type Mutation } from '../src/mutants.ts';
import { memoryParts } from '../src/parts.ts';
import { shownBy } from '../src/shown-by.ts';

/** The rules of the election, broken one at a time; `seed` is where the search for a run that shows it begins. */
const mutations: readonly (Mutation & { readonly seed: number })[] = [
  {
    name: 'a vote is told before it is durable',
    file: 'outbox.ts',
    find: '{ to, message, needsRecord }',
    replace: '{ to, message, needsRecord: 0 }',
    seed: 273,
  },
  {
    name: 'no check of the quorum',
    file: 'lease-ledger.ts',
    find: 'return newestFirst[this.#needed - 1] ?? -Infinity;',
    replace: 'return newestFirst[0] ?? now;',
    seed: 92,
  },
  {
    name: 'the deadline is counted from the answer',
    file: 'held-grant.ts',
    find: 'if (!this.#ledger.acknowledge(voter, round)) return false;',
    replace: 'this.#ledger.record(voter, now);',
    seed: 16,
  },
  {
    name: 'the term of a request for a vote is not checked',
    file: 'voter.ts',
    find: 'if (term !== this.#term) return term > this.#term;',
    replace: 'if (term !== this.#term) return true;',
    seed: 286,
  },
  {
    name: 'the term of a reply is not checked',
    file: 'candidacy.ts',
    find: 'reply.term !== ballot?.term',
    replace: 'ballot === undefined',
    seed: 558,
  },
  {
    name: 'the promise is forgotten at restart',
    file: 'majority-vote.ts',
    find: 'if (config.mayHavePromised) this.#voter.resumePromise(now);',
    replace: '',
    seed: 379,
  },
  {
    name: 'a heartbeat makes no promise',
    file: 'voter.ts',
    find: 'this.#promise = { to: leader, term, until: now + this.#promiseMs };',
    replace: '',
    seed: 4,
  },
  {
    name: 'a vote makes no promise',
    file: 'voter.ts',
    find: 'this.#promise = { to: candidate, term, until: now + this.#promiseMs };',
    replace: '',
    seed: 989,
  },
  {
    name: 'two votes in a term',
    file: 'voter.ts',
    find: 'if (term !== this.#term) return term > this.#term;',
    replace: 'if (term < this.#term) return false; if (term === this.#term) return true;',
    seed: 5983,
  },
  {
    name: 'the grant is as long as the promise',
    file: 'timings.ts',
    find: '(promiseMs * (1 - maxDrift)) / (1 + maxDrift)',
    replace: 'promiseMs + 0 * maxDrift',
    seed: 642,
  },
  {
    name: 'a hand-over leaves the grant valid',
    file: 'majority-vote.ts',
    find: 'this.#becomeFollower(now);\n    this.#observe(undefined, now);\n    // This node would',
    replace: '// This node would',
    seed: 1,
  },
  {
    name: 'an electorate goes on with the terms of the one before',
    file: 'electorate-change.ts',
    find: 'stored !== undefined && stored.term >= first.term ? stored : first',
    replace: 'stored ?? { term: 0 * first.term, votedFor: undefined }',
    seed: 177,
  },
];

const BROKEN_PROMISE = /two valid grants at once|has two leaders|went back|did not hold within/u;
const MAX_SEEDS = 2000;

describe('the suite notices when', () => {
  it.each(mutations)(
    '$name',
    async (mutation) => {
      const mutant = await importMutant<{ majorityElection: typeof majorityElection }>('election-majority', mutation);
      const live = (seed: number) => runElectionSeed(seed, memoryParts(mutant.majorityElection));
      expect(await shownBy(mutation, MAX_SEEDS, live)).toMatch(BROKEN_PROMISE);
    },
    120_000,
  );

  it('a mutation does not find the text that it breaks', async () => {
    const lost = { name: 'lost', file: 'voter.ts', find: 'there is no such text', replace: '' };
    await expect(importMutant('election-majority', lost)).rejects.toThrow(/0 times/u);
  });
});

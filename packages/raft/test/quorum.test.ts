import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jointCommitted, jointVote, voterIds } from '../src/quorum/joint.ts';
import { majorityCommitted, majoritySize, majorityVote } from '../src/quorum/majority.ts';

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 }).map((ids) => new Set(ids));
const acknowledged = fc.array(fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }), {
  minLength: 10,
  maxLength: 10,
});
const votes = fc.array(fc.option(fc.boolean(), { nil: undefined }), { minLength: 10, maxLength: 10 });

describe('a majority', () => {
  it('has committed the highest index that more than half have', () => {
    fc.assert(
      fc.property(voters, acknowledged, (voters, indices) => {
        const naive = [0, 1, 2, 3, 4, 5, 6].findLast((index) => {
          const having = [...voters].filter((id) => (indices[id] ?? 0) >= index);
          return having.length * 2 > voters.size || voters.size === 0;
        });
        const committed = majorityCommitted(voters, (id) => indices[id]);
        expect(committed).toBe(voters.size === 0 ? Infinity : naive);
      }),
    );
  });

  it('has won or lost once no missing vote could change that', () => {
    fc.assert(
      fc.property(voters, votes, (voters, votes) => {
        expect(majorityVote(voters, (id) => votes[id])).toBe(naiveVote([voters], votes));
      }),
    );
  });

  it('shares a voter with every other majority', () => {
    for (let size = 1; size < 10; size += 1) {
      const voters = new Set(Array.from({ length: size }, (_, at) => at + 1));
      expect(majoritySize(voters) * 2).toBeGreaterThan(size);
      expect((majoritySize(voters) - 1) * 2).toBeLessThanOrEqual(size);
    }
  });
});

describe('a joint majority', () => {
  it('has committed what both halves have', () => {
    fc.assert(
      fc.property(voters, voters, acknowledged, (incoming, outgoing, indices) => {
        const of = (id: number): number | undefined => indices[id];
        const both = Math.min(majorityCommitted(incoming, of), majorityCommitted(outgoing, of));
        expect(jointCommitted({ incoming, outgoing }, of)).toBe(both);
      }),
    );
  });

  it('has won if both halves have, and lost as soon as one has', () => {
    fc.assert(
      fc.property(voters, voters, votes, (incoming, outgoing, votes) => {
        const halves = [incoming, outgoing].map((half) => naiveVote([half], votes));
        const expected = halves.includes('lost') ? 'lost' : halves.includes('pending') ? 'pending' : 'won';
        expect(jointVote({ incoming, outgoing }, (id) => votes[id])).toBe(expected);
      }),
    );
  });

  it('names its voters once, in order', () => {
    expect(voterIds({ incoming: new Set([11, 2, 3]), outgoing: new Set([3, 1]) })).toEqual([1, 2, 3, 11]);
  });
});

/** By asking what would come of every way in which the missing votes could be cast. */
function naiveVote(halves: readonly ReadonlySet<number>[], votes: readonly (boolean | undefined)[]): string {
  const missing = votes.findIndex((vote, id) => vote === undefined && halves.some((half) => half.has(id)));
  if (missing >= 0) {
    const outcomes = [true, false].map((vote) => naiveVote(halves, votes.with(missing, vote)));
    return outcomes[0] === outcomes[1] ? (outcomes[0] ?? '') : 'pending';
  }
  const won = halves.every((half) => half.size === 0 || [...half].filter((id) => votes[id]).length * 2 > half.size);
  return won ? 'won' : 'lost';
}

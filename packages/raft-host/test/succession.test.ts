import { describe, expect, it } from 'vitest';

import { ticksUntilTurn } from '../src/succession.ts';

const ELECTION_TICKS = 20;
const voters = [3, 1, 4, 9, 5, 12, 30, 31];

function turns(lost: number): number[] {
  const left = voters.filter((voter) => voter !== lost).toSorted((a, b) => a - b);
  return left.map((number) => ticksUntilTurn(ELECTION_TICKS, { number, voters, lost }));
}

describe('who stands when a leader is lost', () => {
  it('is one voter after the other', () => {
    const [first = 0, second = 0, third = 0] = turns(1);
    expect(second - first).toBe(5);
    expect(third - second).toBe(5);
    expect(turns(9).slice(0, 3)).toEqual([first, second, third]);
  });

  it('is nobody before all may vote for it, nor later than without the loss', () => {
    for (const ticks of turns(4)) {
      expect(ticks).toBeGreaterThan(ELECTION_TICKS);
      expect(ticks).toBeLessThanOrEqual(2 * ELECTION_TICKS);
    }
  });
});

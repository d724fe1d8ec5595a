import { RaftNode } from '@quorate/raft';
import { describe, expect, it } from 'vitest';
import { runLeaseChaos } from '../src/raft/lease-chaos.ts';

const SEEDS = Number(process.env['RAFT_LEASE_SEEDS'] ?? 50);
const BLOCK = 50;
const blocks = Array.from({ length: Math.ceil(SEEDS / BLOCK) }, (_, i) => 1 + i * BLOCK);

describe('reads by lease see all that is committed', () => {
  it.each(blocks)('while clocks drift as far as they may, from seed %i on', (from) => {
    for (let seed = from; seed < from + BLOCK; seed += 1) {
      expect(() => runLeaseChaos(seed), `seed ${seed}`).not.toThrow();
    }
  });

  it('and where clocks drift five times as far, nothing but such reads is wrong', () => {
    const failures = Array.from({ length: 30 }, (_, i) => failureOf(1 + i)).filter((failure) => failure !== undefined);
    expect(failures.filter((failure) => !/^stale (?:lease|read):/u.test(failure))).toEqual([]);
    // Or this chaos would not notice if it were so within the bounds.
    expect(failures.length).toBeGreaterThan(0);
  });

  it('and reads by rounds of heartbeats do so whatever the clocks', () => {
    const world = { driftFactor: 5, leaseReads: false };
    for (let seed = 1; seed <= 30; seed += 1) {
      expect(() => runLeaseChaos(seed, RaftNode, world), `seed ${seed}`).not.toThrow();
    }
  });
});

/** What is wrong in a life in which clocks break their promise. */
function failureOf(seed: number): string | undefined {
  try {
    runLeaseChaos(seed, RaftNode, { driftFactor: 5 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

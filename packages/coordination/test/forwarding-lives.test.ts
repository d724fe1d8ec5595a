import { faults } from '@quorate/simulator';
import { ClusterError, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { type ForwardedRequest, forwardToLeader, rememberedRequests, termMemory } from '../src/index.ts';
import { byMajority, byRaft, type CoordinatedCluster, Nodes } from './nodes.ts';

interface Fate {
  done: number;
  outcome: 'asked' | 'answered' | 'not-applied' | 'unknown';
}

/** One life of nodes that ask their leader for things amid faults; what became of each. */
async function live(seed: number, keeps: 'term' | 'cluster'): Promise<ReadonlyMap<string, Fate>> {
  const fates = new Map<string, Fate>();
  const over = new AbortController();
  let asked = 0;
  const ask = async (cluster: CoordinatedCluster, name: string): Promise<void> => {
    const memory = keeps === 'cluster' ? rememberedRequests(cluster.replicator) : termMemory();
    const work = async (key: string, { isValid }: ForwardedRequest): Promise<string> => {
      const fate = fates.get(key);
      if (fate === undefined) throw new ClusterError('NOT_FOUND', key);
      // Begun under a grant that is over counts as too often.
      fate.done += isValid() ? 1 : 100;
      const { clock, random } = cluster.system;
      await new Promise<void>((resolve) => void clock.setTimer(random.next() * 30, resolve));
      return `done ${key}`;
    };
    const leader = forwardToLeader(cluster, work, { memory, timeoutMs: 3000, attemptTimeoutMs: 400 });
    while (!over.signal.aborted) {
      asked += 1;
      const key = `${name}${asked}`;
      const fate: Fate = { done: 0, outcome: 'asked' };
      fates.set(key, fate);
      try {
        expect(await leader(key)).toBe(`done ${key}`);
        fate.outcome = 'answered';
      } catch (error) {
        fate.outcome = isClusterError(error) && error.outcome === 'not-applied' ? 'not-applied' : 'unknown';
      }
      const { clock, random } = cluster.system;
      await new Promise<void>((resolve) => void clock.setTimer(random.next() * 100, resolve));
    }
  };
  const nodes = new Nodes(seed, keeps === 'cluster' ? byRaft : byMajority, (cluster, name) => void ask(cluster, name));
  nodes.startAll();
  await nodes.world.run(1000);
  const schedule = faults(nodes.world, nodes.world.hosts, { everyMs: 400, restart: ({ name }) => nodes.start(name) });
  await nodes.world.run(8000);
  schedule.stop();
  over.abort();
  await nodes.world.run(4000);
  return fates;
}

describe('what is forwarded amid faults', () => {
  it.each(['term', 'cluster'] as const)(
    'is done at most once, and as its outcome says: remembered for the %s',
    async (keeps) => {
      const sums = { answered: 0, 'not-applied': 0, unknown: 0, asked: 0 };
      for (let seed = 1; seed <= 20; seed += 1) {
        for (const [key, { done, outcome }] of await live(seed, keeps)) {
          sums[outcome] += 1;
          expect(done, `seed ${seed}: ${key} was ${outcome}`).toBeLessThanOrEqual(1);
          if (outcome === 'answered') expect(done, `seed ${seed}: ${key} was answered`).toBe(1);
          if (outcome === 'not-applied') expect(done, `seed ${seed}: ${key} was not applied`).toBe(0);
        }
      }
      console.log(keeps, sums);
      expect(sums.answered).toBeGreaterThan(1000);
      expect(sums.unknown).toBeGreaterThan(10);
    },
    60_000,
  );
});

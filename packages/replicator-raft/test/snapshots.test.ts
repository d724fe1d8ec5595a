import { isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { raftReplicator } from '../src/index.ts';
import { KeyValues } from './key-values.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const WRITES = 60;

/** How many of the writes a node applies itself that was away for all of them. */
async function appliedAfterAbsence(snapshots: ConstructorParameters<typeof SimulatedCluster>[2]): Promise<number> {
  const cluster = new SimulatedCluster('absence', ['a', 'b', 'c'], snapshots);
  cluster.startAll();
  await cluster.elected();
  cluster.crash('c');
  for (let n = 1; n <= WRITES; n += 1)
    await cluster.soon(cluster.node('a').replicate({ type: 'add', key: 'n', by: 1 }));
  cluster.start('c');
  await cluster.world.runUntil(() => cluster.machines.get('c')?.values.get('n') === String(WRITES), 10_000);
  return cluster.machines.get('c')?.applied ?? 0;
}

describe('the option snapshots', () => {
  it('has the log cut behind snapshots, so that a node that was away gets one instead of the log', async () => {
    expect(await appliedAfterAbsence({ everyEntries: 10, keepEntries: 3 })).toBeLessThan(20);
  });

  it('has the log kept for as long as a node may be away', async () => {
    expect(await appliedAfterAbsence({ everyEntries: 10, keepEntries: 1000 })).toBe(WRITES);
  });

  it.each([{ everyEntries: 0 }, { keepBytes: -1 }, { every: 5 }])('is checked: %o', (snapshots) => {
    const refused = () => raftReplicator({ voters: ['a'], machine: () => new KeyValues(), snapshots });
    expect(refused).toThrowError(expect.toSatisfy((error) => isClusterError(error, 'INVALID_OPTIONS')));
    expect(refused).toThrowError(/raftReplicator snapshots/u);
  });
});

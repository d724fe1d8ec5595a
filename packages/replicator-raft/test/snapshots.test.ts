import { isClusterError, type OutgoingStream, type Transport } from '@quorate/core';
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

/** A node that was away while the others took in so much that they have just a snapshot of it. */
async function laggard(
  cluster: SimulatedCluster,
  name: string,
  bytes: number,
): Promise<{ readonly leader: string; readonly restart: () => void }> {
  cluster.startAll();
  await cluster.elected();
  cluster.crash(name);
  const leader = await cluster.elected();
  for (let at = 0; at < bytes; at += 50_000) {
    const put = { type: 'put', key: `k${at}`, value: 'x'.repeat(50_000) } as const;
    await cluster.soon(cluster.node(leader).replicate(put));
  }
  return { leader, restart: () => cluster.start(name) };
}

/** Counts what a node sends in streams. */
function countStreamed(transport: Transport): { bytes: number } {
  const counted = { bytes: 0 };
  const openStream = transport.openStream.bind(transport);
  transport.openStream = async (...args): Promise<OutgoingStream> => {
    const stream = await openStream(...args);
    const write = stream.write.bind(stream);
    stream.write = (chunk) => {
      counted.bytes += chunk.length;
      return write(chunk);
    };
    return stream;
  };
  return counted;
}

const OFTEN = { everyEntries: 5, keepEntries: 1 };
const SLOW = { snapshotTransfer: { snapshotBytesPerSecond: 65_536 } };

describe('the option snapshotTransfer', () => {
  it('has snapshots sent at the pace that is given', async () => {
    const cluster = new SimulatedCluster('pace', ['a', 'b', 'c'], OFTEN, SLOW);
    const { restart } = await laggard(cluster, 'c', 500_000);
    const began = cluster.world.now;
    restart();
    await cluster.world.runUntil(() => cluster.machines.get('c')?.values.has('k450000') === true, 60_000);
    expect(cluster.world.now - began).toBeGreaterThan(4000);
  });

  it.each([{ maxSends: 0 }, { snapshotBytesPerSecond: 1 }, { patience: 5 }])('is checked: %o', (snapshotTransfer) => {
    const refused = () => raftReplicator({ voters: ['a'], machine: () => new KeyValues(), snapshotTransfer });
    expect(refused).toThrowError(expect.toSatisfy((error) => isClusterError(error, 'INVALID_OPTIONS')));
    expect(refused).toThrowError(/raftReplicator snapshotTransfer/u);
  });
});

describe('a leader that is deposed', () => {
  it('stops sending its snapshot', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const cluster = new SimulatedCluster('deposed', names, OFTEN, SLOW);
    const { leader, restart } = await laggard(cluster, 'c', 500_000);
    const counted = countStreamed(cluster.transport(leader));
    restart();
    await cluster.world.runUntil(() => counted.bytes > 0, 10_000);
    const others = names.filter((name) => name !== leader && name !== 'c').map((name) => cluster.host(name));
    cluster.world.partition(cluster.host(leader), others);
    await cluster.world.runUntil(() => cluster.node(leader).status().role !== 'leader', 10_000);
    await cluster.world.run(300);
    const { bytes } = counted;
    await cluster.world.run(5000);
    expect(counted.bytes).toBe(bytes);
    expect(bytes).toBeLessThan(200_000);
    cluster.world.heal();
    await cluster.world.runUntil(() => cluster.machines.get('c')?.values.has('k450000') === true, 60_000);
  });
});

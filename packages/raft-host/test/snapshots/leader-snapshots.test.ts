import { describe, expect, it } from 'vitest';
import { LeaderSnapshots } from '../../src/snapshots/leader-snapshots.ts';
import { unmeasured } from '../unmeasured.ts';
import {
  countingReads,
  expectContent,
  FORMATION,
  GROUP,
  makeSnapshot,
  snapMessage,
  type TransferNode,
  TransferWorld,
} from './transfer-world.ts';

const MB = 1_000_000;

interface Scene {
  readonly cluster: TransferWorld;
  readonly a: TransferNode;
  readonly b: TransferNode;
  readonly counted: ReturnType<typeof countingReads>;
  readonly snapshots: LeaderSnapshots;
  /** Members, and whether they were told to have the snapshot. */
  readonly reports: (readonly [number, boolean])[];
}

async function scene(seed: string): Promise<Scene> {
  const cluster = new TransferWorld(seed);
  const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: MB })) as [TransferNode, TransferNode];
  const counted = countingReads(a.store.group(GROUP));
  const reports: (readonly [number, boolean])[] = [];
  const snapshots = new LeaderSnapshots({
    log: counted.log,
    formation: FORMATION,
    transfer: () => a.transfer,
    logger: a.host.system.logger,
    clock: a.host.system.clock,
    instruments: unmeasured.sent,
    report: (member, isThere) => reports.push([member, isThere]),
  });
  return { cluster, a, b, counted, snapshots, reports };
}

describe('LeaderSnapshots', () => {
  it('tells who has got the snapshot', async () => {
    const { cluster, a, b, snapshots, reports } = await scene('sent');
    const info = await makeSnapshot(cluster, a, MB);
    await cluster.world.settled(snapshots.send('b', snapMessage(info)), 60_000);
    expect(reports).toEqual([[2, true]]);
    await expectContent(cluster, b, info);
  });

  it('tells who has not, where there is nothing to send', async () => {
    const { cluster, snapshots, reports } = await scene('none');
    await cluster.world.settled(snapshots.send('b', snapMessage({ index: 100, term: 3 })), 60_000);
    expect(reports).toEqual([[2, false]]);
  });

  it('stops with the leader, and sends again once this node leads again', async () => {
    const { cluster, a, b, counted, snapshots, reports } = await scene('deposed');
    const info = await makeSnapshot(cluster, a, 5 * MB);
    const sending = snapshots.send('b', snapMessage(info));
    await cluster.world.runUntil(() => counted.bytes > MB, 60_000);
    snapshots.stop();
    await cluster.world.settled(sending, 1000);
    const { bytes } = counted;
    await cluster.world.run(5000);
    expect(counted.bytes).toBe(bytes);
    expect(bytes).toBeLessThan(2 * MB);
    expect(a.transfer.isSending(GROUP)).toBe(false);
    expect(reports).toEqual([]);
    await cluster.world.settled(snapshots.send('b', snapMessage(info)), 60_000);
    expect(reports).toEqual([[2, true]]);
    await expectContent(cluster, b, info);
  });
});

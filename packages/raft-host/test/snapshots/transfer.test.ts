import { isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import {
  countingReads,
  DIRECTORY,
  expectContent,
  failure,
  GROUP,
  makeSnapshot,
  send,
  type TransferNode,
  TransferWorld,
  type WorldKind,
} from './transfer-world.ts';

const MB = 1_000_000;
const kinds: readonly WorldKind[] = [
  { transport: 'memory', storage: 'memory' },
  { transport: 'tcp', storage: 'file' },
];
type Pair = [TransferNode, TransferNode];
type Three = [TransferNode, TransferNode, TransferNode];

describe.each(kinds)('over $transport, into $storage storage, a snapshot', (kind) => {
  it.each([0, 1, 300_000, 5 * MB])('of %i bytes arrives, and is durable when it is said to', async (size) => {
    const cluster = new TransferWorld(`size ${size}`, kind);
    const [a, b] = (await cluster.start(['a', 'b'])) as Pair;
    const info = await makeSnapshot(cluster, a, size);
    await cluster.world.settled(send(a, b), 60_000);
    expect(b.received).toEqual([{ from: 'a', group: GROUP, index: 100, term: 4 }]);
    b.host.crash({ powerLoss: true });
    b.host.restart();
    await cluster.connected();
    await expectContent(cluster, b, info);
  });

  it('that is there already is not sent again, but told again', async () => {
    const cluster = new TransferWorld('there', kind);
    const [a, b] = (await cluster.start(['a', 'b'])) as Pair;
    const info = await makeSnapshot(cluster, a, MB);
    await cluster.world.settled(send(a, b), 60_000);
    const counted = countingReads(a.store.group(GROUP));
    await cluster.world.settled(send(a, b, counted), 60_000);
    expect(counted.bytes).toBe(0);
    expect(b.received).toHaveLength(2);
    await expectContent(cluster, b, info);
  });

  it('comes although its receiver takes one of its own meanwhile', async () => {
    const cluster = new TransferWorld('own', kind);
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 2 * MB })) as Pair;
    const info = await makeSnapshot(cluster, a, 3 * MB);
    const counted = countingReads(a.store.group(GROUP));
    const sending = send(a, b, counted);
    await cluster.world.runUntil(() => counted.bytes > MB, 60_000);
    const own = await makeSnapshot(cluster, b, 1000, { index: 50 });
    await expectContent(cluster, b, own);
    await cluster.world.settled(sending, 60_000);
    await expectContent(cluster, b, info);
    expect(counted.bytes).toBe(3 * MB);
  });

  it('goes on where its stream broke, however often', async () => {
    for (let seed = 0; seed < 4; seed += 1) {
      const cluster = new TransferWorld(`cuts ${seed}`, kind);
      const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 2 * MB })) as Pair;
      const info = await makeSnapshot(cluster, a, 5 * MB);
      const counted = countingReads(a.store.group(GROUP));
      let cuts = 0;
      for (let isDone = false; !isDone; cuts += 1) {
        const sending = send(a, b, counted).then(
          () => true,
          (error: unknown) => {
            expect(isClusterError(error, 'DISCONNECTED')).toBe(true);
            return false;
          },
        );
        await cluster.world.run(cluster.world.random.next() * 1500);
        await cluster.reconnect(a, b);
        isDone = await cluster.world.settled(sending, 60_000);
      }
      expect(cuts).toBeGreaterThan(2);
      await expectContent(cluster, b, info);
      // What was under way at a cut was lost: a chunk, and what window and buffers held.
      expect(counted.bytes).toBeGreaterThanOrEqual(5 * MB);
      expect(counted.bytes).toBeLessThan(5 * MB + cuts * 1.1 * MB);
    }
  });

  it('of a sender that vanishes is given up after a while, and leaves nothing', async () => {
    const cluster = new TransferWorld('vanished', kind);
    const options = { snapshotBytesPerSecond: 2 * MB, maxReceives: 1, patienceMs: 20_000 };
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'], options)) as Three;
    await makeSnapshot(cluster, a, 5 * MB);
    const other = await makeSnapshot(cluster, c, MB, { group: 8 });
    void failure(send(a, b));
    await cluster.world.run(1000);
    a.host.crash({ powerLoss: true });
    await cluster.world.run(15_000);
    const refused = await cluster.world.settled(failure(send(c, b, { group: 8 })), 10_000);
    expect(refused.code).toBe('OVERLOADED');
    await cluster.world.run(10_000);
    expect(b.store.group(GROUP).snapshot).toBeUndefined();
    expect(b.host.disk.files.filter((path) => path.endsWith('.draft'))).toEqual([]);
    await cluster.world.settled(send(c, b, { group: 8 }), 10_000);
    await expectContent(cluster, b, other, 8);
    expect(b.received).toHaveLength(1);
  });

  it('that waits for its sender gives way to one of another', async () => {
    const cluster = new TransferWorld('gives way', kind);
    const options = { snapshotBytesPerSecond: 2 * MB };
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'], options)) as Three;
    await makeSnapshot(cluster, a, 5 * MB, { index: 200 });
    const info = await makeSnapshot(cluster, c, MB, { index: 150 });
    void failure(send(a, b));
    await cluster.world.run(1000);
    const busy = await cluster.world.settled(failure(send(c, b)), 10_000);
    expect(busy.code).toBe('OVERLOADED');
    a.host.crash();
    await cluster.world.run(100);
    await cluster.world.settled(send(c, b), 10_000);
    await expectContent(cluster, b, info);
  });

  it('gives way to a newer one', async () => {
    const cluster = new TransferWorld('newer', kind);
    const options = { snapshotBytesPerSecond: 2 * MB };
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'], options)) as Three;
    await makeSnapshot(cluster, a, 5 * MB, { index: 150 });
    const info = await makeSnapshot(cluster, c, MB, { index: 200 });
    const first = failure(send(a, b));
    await cluster.world.run(1000);
    await cluster.world.settled(send(c, b), 10_000);
    expect((await first).code).toBe('REFUSED');
    await expectContent(cluster, b, info);
    const late = await cluster.world.settled(failure(send(a, b)), 10_000);
    expect(late.code).toBe('REFUSED');
    expect(b.received.map(({ index }) => index)).toEqual([200]);
  });

  it('of a receiver that crashes at any time is whole or not there, and comes once it is back', async () => {
    for (let seed = 0; seed < 6; seed += 1) {
      const cluster = new TransferWorld(`receiver crashes ${seed}`, kind);
      const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 4 * MB })) as Pair;
      const info = await makeSnapshot(cluster, a, MB);
      const first = send(a, b).catch((error: unknown) => expect(isClusterError(error, 'DISCONNECTED')).toBe(true));
      await cluster.world.run(cluster.world.random.next() * 300);
      b.host.crash({ powerLoss: seed % 2 === 0 });
      b.host.restart();
      await cluster.connected();
      const { snapshot } = b.store.group(GROUP);
      if (snapshot !== undefined) await expectContent(cluster, b, info);
      await cluster.world.settled(first, 60_000);
      await cluster.world.settled(send(a, b), 60_000);
      await expectContent(cluster, b, info);
    }
  });
});

describe('a receiver whose disk', () => {
  const kind = { transport: 'tcp', storage: 'file' } as const;

  it('is full says so, and takes the snapshot when there is room', async () => {
    const cluster = new TransferWorld('full', kind);
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 4 * MB })) as Pair;
    const info = await makeSnapshot(cluster, a, MB);
    const sending = failure(send(a, b));
    await cluster.world.run(100);
    b.host.disk.fail({ full: true });
    expect((await cluster.world.settled(sending, 10_000)).code).toBe('IO');
    expect(b.store.group(GROUP).snapshot).toBeUndefined();
    expect(b.host.disk.files.filter((path) => path.startsWith(`${DIRECTORY}/`) && path.endsWith('.draft'))).toEqual([]);
    b.host.disk.recover();
    await cluster.world.settled(send(a, b), 10_000);
    await expectContent(cluster, b, info);
    expect(b.received).toHaveLength(1);
  });

  it('fails to sync says so, and tells nobody of the snapshot', async () => {
    const cluster = new TransferWorld('sync', kind);
    const [a, b] = (await cluster.start(['a', 'b'])) as Pair;
    await makeSnapshot(cluster, a, MB);
    b.host.disk.fail({ sync: true });
    const failed = await cluster.world.settled(failure(send(a, b)), 10_000);
    expect(failed.code).toBe('IO');
    expect(b.received).toEqual([]);
    expect(b.store.group(GROUP).snapshot).toBeUndefined();
  });

  it('stands still is waited for, but not for ever', async () => {
    const cluster = new TransferWorld('stalled', kind);
    const options = { patienceMs: 5000, maxSends: 1 };
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'], options)) as Three;
    const info = await makeSnapshot(cluster, a, 3 * MB);
    b.host.disk.fail({ stallMs: 3_600_000 });
    const begin = cluster.world.now;
    const failed = await cluster.world.settled(failure(send(a, b)), 60_000);
    expect(failed.code).toBe('TIMEOUT');
    expect(cluster.world.now - begin).toBeLessThan(11_000);
    // The place that it held is free.
    await cluster.world.settled(send(a, c), 10_000);
    await expectContent(cluster, c, info);
  });
});

describe('a sender', () => {
  it('keeps to its pace, over all that it sends', async () => {
    const cluster = new TransferWorld('pace');
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'], { snapshotBytesPerSecond: MB })) as Three;
    await makeSnapshot(cluster, a, 2 * MB);
    const begin = cluster.world.now;
    await cluster.world.settled(Promise.all([send(a, b), send(a, c)]), 60_000);
    expect(cluster.world.now - begin).toBeGreaterThan(3800);
    expect(cluster.world.now - begin).toBeLessThan(4300);
  });

  it('is as quick as the world where no pace is set', async () => {
    const cluster = new TransferWorld('no pace');
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: Infinity })) as Pair;
    const info = await makeSnapshot(cluster, a, 5 * MB);
    const begin = cluster.world.now;
    await cluster.world.settled(send(a, b), 60_000);
    expect(cluster.world.now - begin).toBeLessThan(200);
    await expectContent(cluster, b, info);
  });

  it('sends few at a time, and the others when there is room', async () => {
    const cluster = new TransferWorld('slots');
    const options = { snapshotBytesPerSecond: MB, maxSends: 1, maxReceives: 4 };
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'], options)) as Three;
    const info = await makeSnapshot(cluster, a, MB);
    const order: string[] = [];
    const controller = new AbortController();
    const first = send(a, b).then(() => order.push('b'));
    const given = failure(send(a, c, { signal: controller.signal }));
    await makeSnapshot(cluster, a, MB, { group: 8 });
    const second = send(a, c, { group: 8 }).then(() => order.push('c'));
    const again = await cluster.world.settled(failure(send(a, b)), 1000);
    expect(again.code).toBe('OVERLOADED');
    expect([a.transfer.isSending(GROUP), a.transfer.isSending(8), a.transfer.isSending(9)]).toEqual([
      true,
      true,
      false,
    ]);
    controller.abort();
    expect((await cluster.world.settled(given, 10)).code).toBe('ABORTED');
    expect(c.transport.peers.length).toBe(2);
    await cluster.world.settled(Promise.all([first, second]), 10_000);
    expect(order).toEqual(['b', 'c']);
    expect([a.transfer.isSending(GROUP), a.transfer.isSending(8)]).toEqual([false, false]);
    await expectContent(cluster, b, info);
  });

  it('that is told to stop does, and goes on there when it is told to send again', async () => {
    const cluster = new TransferWorld('aborted');
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 2 * MB })) as Pair;
    const info = await makeSnapshot(cluster, a, 5 * MB);
    const counted = countingReads(a.store.group(GROUP));
    const controller = new AbortController();
    const sending = failure(send(a, b, { ...counted, signal: controller.signal }));
    await cluster.world.run(1500);
    controller.abort();
    expect((await cluster.world.settled(sending, 10)).code).toBe('ABORTED');
    await cluster.world.run(1000);
    await cluster.world.settled(send(a, b, counted), 10_000);
    expect(counted.bytes).toBeLessThan(6 * MB);
    await expectContent(cluster, b, info);
  });

  it('whose snapshot is replaced by a newer one fails, and sends that one then', async () => {
    const cluster = new TransferWorld('replaced');
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 2 * MB })) as Pair;
    await makeSnapshot(cluster, a, 5 * MB);
    const sending = failure(send(a, b));
    await cluster.world.run(1000);
    const info = await makeSnapshot(cluster, a, MB, { index: 101 });
    expect((await cluster.world.settled(sending, 10_000)).code).toBe('NOT_FOUND');
    await cluster.world.settled(send(a, b), 10_000);
    await expectContent(cluster, b, info);
  });

  it('says so when its node stops', async () => {
    const cluster = new TransferWorld('stop sender');
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 2 * MB })) as Pair;
    await makeSnapshot(cluster, a, 5 * MB);
    const sending = failure(send(a, b));
    await cluster.world.run(1000);
    await cluster.world.settled(a.transfer[Symbol.asyncDispose](), 10);
    expect((await cluster.world.settled(sending, 10)).code).toBe('CLOSED');
    expect((await cluster.world.settled(failure(send(a, b)), 10)).code).toBe('CLOSED');
  });
});

describe('a receiver', () => {
  it('takes few at a time, and refuses the others', async () => {
    const cluster = new TransferWorld('receives');
    const options = { snapshotBytesPerSecond: MB, maxSends: 4, maxReceives: 2 };
    const [a, b] = (await cluster.start(['a', 'b'], options)) as Pair;
    for (const group of [1, 2, 3]) await makeSnapshot(cluster, a, MB, { group });
    const two = Promise.all([send(a, b, { group: 1 }), send(a, b, { group: 2 })]);
    await cluster.world.run(100);
    expect((await cluster.world.settled(failure(send(a, b, { group: 3 })), 1000)).code).toBe('OVERLOADED');
    await cluster.world.settled(two, 10_000);
    await cluster.world.settled(send(a, b, { group: 3 }), 10_000);
    expect(b.received.map(({ group }) => group).toSorted((x, y) => x - y)).toEqual([1, 2, 3]);
  });

  it('asks its group again when all has come', async () => {
    const cluster = new TransferWorld('unwanted');
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: MB })) as Pair;
    await makeSnapshot(cluster, a, MB);
    const sending = failure(send(a, b));
    await cluster.world.run(500);
    b.accepts = false;
    expect((await cluster.world.settled(sending, 10_000)).code).toBe('REFUSED');
    expect(b.received).toEqual([]);
    expect((await cluster.world.settled(failure(send(a, b)), 10_000)).code).toBe('REFUSED');
  });

  it('whose group fails with a saved snapshot tells so, and tells the group again next time', async () => {
    const cluster = new TransferWorld('group fails');
    const [a, b] = (await cluster.start(['a', 'b'])) as Pair;
    const info = await makeSnapshot(cluster, a, MB);
    b.onReceived = () => Promise.reject(new Error('not now'));
    const counted = countingReads(a.store.group(GROUP));
    expect((await cluster.world.settled(failure(send(a, b, counted)), 10_000)).code).toBe('REMOTE');
    b.onReceived = () => Promise.resolve();
    await cluster.world.settled(send(a, b, counted), 10_000);
    expect(counted.bytes).toBe(MB);
    expect(b.received).toHaveLength(2);
    await expectContent(cluster, b, info);
  });

  it('does not begin another while its group is busy with one', async () => {
    const cluster = new TransferWorld('busy group');
    const [a, b, c] = (await cluster.start(['a', 'b', 'c'])) as Three;
    await makeSnapshot(cluster, a, MB);
    const newer = await makeSnapshot(cluster, c, MB, { index: 200 });
    let done: () => void = () => undefined;
    b.onReceived = () => new Promise((resolve) => (done = resolve));
    const sending = send(a, b);
    await cluster.world.run(1000);
    expect(b.received).toHaveLength(1);
    expect((await cluster.world.settled(failure(send(c, b)), 1000)).code).toBe('OVERLOADED');
    done();
    await cluster.world.settled(sending, 1000);
    b.onReceived = () => Promise.resolve();
    await cluster.world.settled(send(c, b), 1000);
    await expectContent(cluster, b, newer);
  });

  it('that stops gives up what it was receiving', async () => {
    const cluster = new TransferWorld('stop receiver');
    const [a, b] = (await cluster.start(['a', 'b'], { snapshotBytesPerSecond: 2 * MB })) as Pair;
    await makeSnapshot(cluster, a, 5 * MB);
    const sending = failure(send(a, b));
    await cluster.world.run(1000);
    await cluster.world.settled(b.transfer[Symbol.asyncDispose](), 1000);
    expect((await cluster.world.settled(sending, 1000)).code).toBe('CLOSED');
    expect((await cluster.world.settled(failure(send(a, b)), 1000)).code).toBe('UNSUPPORTED');
    expect(b.store.group(GROUP).snapshot).toBeUndefined();
  });
});

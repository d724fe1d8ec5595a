import { describe, expect, it } from 'vitest';
import { createCluster, isClusterError, type Lock, type Locks } from '../src/index.ts';
import { code } from './cluster-scene.ts';
import { fakeLocks, FakeLocks } from './fake-parts.ts';
import { ManualClock, manualSystem } from './manual-clock.ts';

interface Alone {
  readonly clock: ManualClock;
  readonly locks: Locks;
  readonly order: string[];
  /** Asks for a lock, and notes when it is there. */
  readonly note: (name: string, lock: Promise<Lock>) => Promise<Lock>;
}

async function alone(): Promise<Alone> {
  const clock = new ManualClock();
  const options = { nodeId: 'a', enabled: false, locks: fakeLocks(new FakeLocks()) };
  const cluster = await createCluster({ ...options, system: manualSystem(clock) }).start();
  const order: string[] = [];
  const note = async (name: string, lock: Promise<Lock>): Promise<Lock> => {
    const held = await lock;
    order.push(name);
    return held;
  };
  return { clock, locks: cluster.locks, order, note };
}

describe('the locks of a cluster of one', () => {
  it('keep others out until they are given back, and tokens grow', async () => {
    const { locks, clock } = await alone();
    const first = await locks.lock('x');
    expect([first.isValid(), first.name, await locks.tryLock('x')]).toEqual([true, 'x', undefined]);
    await expect(locks.lock('x', { waitMs: 0 })).rejects.toEqual(code('TIMEOUT'));
    const second = locks.lock('x');
    await first.release();
    await first.release();
    expect([first.isValid(), first.signal.aborted]).toEqual([false, true]);
    expect((await second).token).toBeGreaterThan(first.token);
    const late = locks.lock('x', { waitMs: 100 });
    late.catch(() => undefined);
    await clock.advance(100);
    await expect(late).rejects.toEqual(code('TIMEOUT'));
    await (await second)[Symbol.asyncDispose]();
    expect((await locks.tryLock('x'))?.isValid()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('let readers in together, and none of them past a writer who waits', async () => {
    const { locks, order, note, clock } = await alone();
    const readers = await Promise.all([locks.readLock('x'), locks.readLock('x')]);
    const writer = note('writer', locks.writeLock('x'));
    const late = note('late reader', locks.readLock('x'));
    await readers[0].release();
    await clock.advance(0);
    expect(order).toEqual([]);
    await readers[1].release();
    await (await writer).release();
    await late;
    expect(order).toEqual(['writer', 'late reader']);
  });

  it('have as many holders of a semaphore as it has permits', async () => {
    const { locks, order, note } = await alone();
    const [first] = await Promise.all([1, 2].map(() => locks.semaphore('x', { permits: 2 })));
    const third = note('third', locks.semaphore('x', { permits: 2 }));
    await expect(locks.semaphore('x', { permits: 2, waitMs: 0 })).rejects.toEqual(code('TIMEOUT'));
    expect(order).toEqual([]);
    await first?.release();
    expect((await third).isValid()).toBe(true);
  });

  it('are shared by one owner, and free when it has released each', async () => {
    const { locks } = await alone();
    const first = await locks.lock('x', { owner: 'me' });
    const second = await locks.lock('x', { owner: 'me' });
    expect(second.token).toBe(first.token);
    await first.release();
    await first.release();
    expect([first.isValid(), second.isValid(), await locks.tryLock('x')]).toEqual([false, true, undefined]);
    await expect(locks.readLock('x', { owner: 'me' })).rejects.toEqual(code('INVALID_OPTIONS'));
    await second.release();
    expect((await locks.tryLock('x'))?.token).toBeGreaterThan(second.token);
  });

  it('are waited for once by an owner, whoever of its calls gives up', async () => {
    const { locks, clock } = await alone();
    const other = await locks.lock('x');
    const giving = new AbortController();
    const first = locks.lock('x', { owner: 'me', signal: giving.signal });
    first.catch(() => undefined);
    const second = locks.lock('x', { owner: 'me' });
    expect(await locks.tryLock('x', { owner: 'me' })).toBe(undefined);
    giving.abort();
    await expect(first).rejects.toEqual(code('ABORTED'));
    await clock.advance(0);
    await other.release();
    expect((await second).isValid()).toBe(true);
  });

  it('refuse a name that is in use in another way, and what is wrong by itself', async () => {
    const { locks } = await alone();
    const held = await locks.lock('x');
    for (const call of [
      () => locks.readLock('x'),
      () => locks.semaphore('x', { permits: 1 }),
      () => locks.lock(''),
      () => locks.lock('a\nb'),
      () => locks.lock('y', { ttlMs: 0 }),
      () => locks.lock('y', { waitMs: -1 }),
      () => locks.lock('y', { owner: '' }),
      () => locks.lock('y', { permits: 1 } as object),
      () => locks.semaphore('y', {} as { permits: number }),
    ]) {
      await expect(call()).rejects.toEqual(code('INVALID_OPTIONS'));
    }
    await held.release();
    expect((await locks.readLock('x')).isValid()).toBe(true);
  });

  it('end with the cluster', async () => {
    const { locks } = await alone();
    const held = await locks.lock('x');
    const waiting = locks.lock('x').catch((error: unknown) => error);
    await locks[Symbol.asyncDispose]();
    expect([held.isValid(), held.signal.aborted]).toEqual([false, true]);
    expect(isClusterError(await waiting, 'CLOSED')).toBe(true);
    await expect(locks.lock('y')).rejects.toEqual(code('CLOSED'));
    await expect(locks.start()).rejects.toEqual(code('CLOSED'));
  });
});

import { describe, expect, it } from 'vitest';
import { BaseLocks, type HeldLock, type LockRequest } from '../src/index.ts';
import { code } from './cluster-scene.ts';
import { ManualClock } from './manual-clock.ts';

/** Gives locks when the test says so, whatever became of the call. */
class SlowLocks extends BaseLocks {
  readonly supports = { fair: false, shared: false, semaphore: false };
  readonly journal: string[] = [];
  readonly requests: LockRequest[] = [];
  #give: (() => void)[] = [];

  constructor() {
    super('slow', new ManualClock());
  }

  give(): void {
    for (const give of this.#give.splice(0)) give();
  }

  protected async open(): Promise<void> {}

  protected acquire(request: LockRequest): Promise<HeldLock> {
    this.requests.push(request);
    const ended = new AbortController();
    const held: HeldLock = {
      token: 1n,
      deadline: Infinity,
      signal: ended.signal,
      isValid: () => !ended.signal.aborted,
      release: async () => {
        ended.abort();
        this.journal.push('released');
      },
    };
    return new Promise((resolve) => void this.#give.push(() => resolve(held)));
  }

  protected async close(released: Promise<unknown>): Promise<void> {
    this.journal.push('closing');
    this.give();
    await released;
    this.journal.push('closed');
  }
}

describe('what all backends of locks have in common', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'has or gives back a lock whose caller gives up %i steps after it came',
    async (steps) => {
      const locks = new SlowLocks();
      await locks.start();
      const giveUp = new AbortController();
      const call = locks.lock('door', { waitMs: 1000, signal: giveUp.signal }).then(
        () => 'held',
        () => 'refused',
      );
      await Promise.resolve();
      locks.give();
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      giveUp.abort();
      const outcome = await call;
      // What follows is done within this turn.
      for (let step = 0; step < 20; step += 1) await Promise.resolve();
      expect(locks.journal).toEqual(outcome === 'held' ? [] : ['released']);
    },
  );

  it('gives back a lock that comes when its caller has given up', async () => {
    const locks = new SlowLocks();
    await locks.start();
    const giving = new AbortController();
    const call = locks.lock('x', { signal: giving.signal });
    giving.abort();
    locks.give();
    await expect(call).rejects.toEqual(code('ABORTED'));
    expect(locks.journal).toEqual(['released']);
  });

  it('gives back a lock that comes when it is being closed, before the backend ends', async () => {
    const locks = new SlowLocks();
    await locks.start();
    const call = locks.lock('x');
    const closed = locks[Symbol.asyncDispose]();
    await expect(call).rejects.toEqual(code('CLOSED'));
    await closed;
    expect(locks.journal).toEqual(['closing', 'released', 'closed']);
  });

  it('asks for nothing that the backend does not have, before it is started, or with a wrong name', async () => {
    const locks = new SlowLocks();
    await expect(locks.lock('x')).rejects.toEqual(code('CLOSED'));
    await locks.start();
    await expect(locks.readLock('x')).rejects.toEqual(code('UNSUPPORTED'));
    await expect(locks.semaphore('x', { permits: 1 })).rejects.toEqual(code('UNSUPPORTED'));
    await expect(locks.lock('x'.repeat(257))).rejects.toEqual(code('INVALID_OPTIONS'));
    expect(locks.requests).toEqual([]);
  });

  it('asks for 15 seconds where nobody says', async () => {
    const locks = new SlowLocks();
    await locks.start();
    const calls = [locks.lock('x'), locks.tryLock('x', { ttlMs: 7 })];
    locks.give();
    await Promise.all(calls);
    expect(locks.requests.map(({ ttlMs, waits }) => [ttlMs, waits])).toEqual([
      [15_000, true],
      [7, false],
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff, type Clock, ClusterError, Grant, settleWithin, sleep, withDeadline } from '../src/index.ts';
import { ManualClock, middle, settle } from './manual-clock.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('sleep', () => {
  it('wakes at its time, and leaves no timer', async () => {
    const clock = new ManualClock();
    let awake = false;
    void sleep(clock, 100).then(() => (awake = true));
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    expect(awake).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends with the signal before and during, and leaves no timer', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 100, { signal: controller.signal });
    controller.abort(new Error('why'));
    await expect(sleeping).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'why' } });
    await expect(sleep(clock, 100, { signal: controller.signal })).rejects.toEqual(code('ABORTED'));
    expect(clock.pending).toBe(0);
  });
});

describe('withDeadline', () => {
  it('gives the result in time, and leaves no timer', async () => {
    const clock = new ManualClock();
    await expect(withDeadline(clock, 100, 'call', async () => 7)).resolves.toBe(7);
    expect(clock.pending).toBe(0);
  });

  it('gives up at the deadline and tells the call', async () => {
    const clock = new ManualClock();
    let told: unknown = undefined;
    const call = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => (told = signal.reason));
      return new Promise<never>(() => undefined);
    };
    const outcome = withDeadline(clock, 100, 'call', call).catch((error: unknown) => error);
    await clock.advance(100);
    expect(await outcome).toEqual(code('TIMEOUT'));
    expect(told).toEqual(code('TIMEOUT'));
  });

  it('tells the call when the caller aborts', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    let told = false;
    const call = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => (told = true));
      return new Promise<never>(() => undefined);
    };
    const outcome = withDeadline(clock, 100, 'call', call, { signal: controller.signal });
    controller.abort();
    await expect(outcome).rejects.toEqual(code('ABORTED'));
    expect([told, clock.pending]).toEqual([true, 0]);
  });

  it('undoes a call that throws at once', async () => {
    const clock = new ManualClock();
    const call = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(withDeadline(clock, 100, 'call', call)).rejects.toThrow('at once');
    expect(clock.pending).toBe(0);
  });

  it('undoes a start that settles while it runs', async () => {
    let undone = 0;
    const result = settleWithin<number>(undefined, 'call', (resolve) => {
      resolve(1);
      return () => void (undone += 1);
    });
    await expect(result).resolves.toBe(1);
    expect(undone).toBe(1);
  });
});

describe('Backoff', () => {
  it('stays between half and all of a ceiling that doubles up to the cap', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 60 }),
      (baseMs, maxMs, drawn, attempts) => {
        const backoff = new Backoff({ ...middle, next: () => drawn }, { baseMs, maxMs });
        for (let attempt = 0; attempt < attempts; attempt += 1) {
          const ceiling = Math.min(maxMs, baseMs * 2 ** attempt);
          const delay = backoff.next();
          expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
          expect(delay).toBeLessThanOrEqual(ceiling);
        }
      },
    );
    fc.assert(property);
  });

  it('begins again after success', () => {
    const backoff = new Backoff(middle, { baseMs: 100, maxMs: 1_000 });
    expect([backoff.next(), backoff.next(), backoff.attempts]).toEqual([75, 150, 2]);
    backoff.reset();
    expect([backoff.attempts, backoff.next()]).toEqual([0, 75]);
  });
});

describe('Grant', () => {
  const grant = (clock: ManualClock, deadline: number, ends: ClusterError[] = []) =>
    new Grant(clock, { nodeId: 'a', token: 5n, deadline }, (reason) => ends.push(reason));

  it('holds until its deadline and not at it', async () => {
    const clock = new ManualClock();
    const ends: ClusterError[] = [];
    const held = grant(clock, clock.now() + 100, ends);
    await clock.advance(99);
    expect([held.isValid(), held.signal.aborted]).toEqual([true, false]);
    await clock.advance(1);
    expect([held.isValid(), held.signal.aborted]).toEqual([false, true]);
    expect(ends).toEqual([code('QUORUM_LOST')]);
  });

  it('is over at the deadline even while its timer is late', () => {
    let now = 0;
    const noTimer = { cancel: () => undefined };
    const late: Clock = { now: () => now, wallTime: () => now, setTimer: () => noTimer, defer: () => undefined };
    const held = new Grant(late, { nodeId: 'a', token: 1n, deadline: 100 }, () => undefined);
    now = 100;
    expect([held.isValid(), held.renew(200), held.signal.aborted]).toEqual([false, false, true]);
  });

  it('moves its deadline forward only', async () => {
    const clock = new ManualClock();
    const held = grant(clock, clock.now() + 100);
    const start = clock.now();
    expect([held.renew(start + 300), held.renew(start + 200), held.deadline]).toEqual([true, true, start + 300]);
    await clock.advance(299);
    expect(held.isValid()).toBe(true);
    await clock.advance(1);
    expect([held.isValid(), held.renew(start + 999)]).toEqual([false, false]);
  });

  it('ends once, tells its holder before others, and leaves no timer', async () => {
    const clock = new ManualClock();
    const order: string[] = [];
    const held = new Grant(clock, { nodeId: 'a', token: 1n, deadline: clock.now() + 100 }, () => order.push('holder'));
    held.signal.addEventListener('abort', () => order.push(`others, valid ${held.isValid()}`));
    held.end(new ClusterError('CLOSED', 'resigned'));
    held.end(new ClusterError('CLOSED', 'again'));
    await settle();
    expect(order).toEqual(['holder', 'others, valid false']);
    expect([clock.pending, held.deadline <= clock.now()]).toEqual([0, true]);
  });
});

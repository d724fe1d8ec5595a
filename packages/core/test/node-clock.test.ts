import { describe, expect, it } from 'vitest';
import { clockOf, systemClock } from '../src/node/clock.ts';

/** A machine whose time is set by hand. Uptime advances in steps of 10 ms, as on Linux. */
function machine() {
  const at = { monotonic: 5000, wall: 1_700_000_000_000, uptime: 90_003 };
  let looks = 0;
  let beforeUptime: (() => void) | undefined;
  const advance = (ms: number, slept = 0) => {
    at.monotonic += ms;
    at.wall += ms + slept;
    at.uptime += ms + slept;
  };
  const clock = clockOf({
    monotonic: () => at.monotonic,
    wall: () => at.wall,
    uptime: () => {
      looks += 1;
      beforeUptime?.();
      return Math.floor(at.uptime / 10) * 10;
    },
    uptimeStepMs: 10,
  });
  return {
    clock,
    at,
    advance,
    looks: () => looks,
    interrupt: (by: (() => void) | undefined) => {
      beforeUptime = by;
    },
  };
}

describe('the clock of a real machine', () => {
  it('is the monotonic time while nothing happens, and rarely reads the uptime', () => {
    const { clock, advance, looks } = machine();
    const [start, looksAtStart] = [clock.now(), looks()];
    for (let ms = 1; ms <= 5000; ms += 1) {
      advance(1);
      expect(clock.now() - start).toBe(ms);
    }
    expect(looks() - looksAtStart).toBeLessThanOrEqual(5);
  });

  it('counts a sleep at the first look after it', () => {
    const { clock, advance } = machine();
    const start = clock.now();
    advance(100, 60_000);
    expect(clock.now() - start).toBeGreaterThan(60_080);
    expect(clock.now() - start).toBeLessThanOrEqual(60_110);
  });

  it('counts every one of many sleeps', () => {
    const { clock, advance } = machine();
    const start = clock.now();
    for (let night = 0; night < 20; night += 1) {
      advance(250, 700);
      clock.now();
    }
    advance(2000);
    expect(clock.now() - start).toBeGreaterThan(20 * 950 + 2000 - 50);
    expect(clock.now() - start).toBeLessThanOrEqual(20 * 950 + 2000 + 10);
  });

  it('counts a sleep that a change of the wall clock hides, within a second', () => {
    const { clock, at, advance } = machine();
    const start = clock.now();
    advance(0, 30_000);
    at.wall -= 30_000;
    advance(1001);
    expect(clock.now() - start).toBeGreaterThan(30_980);
  });

  it.each([3_600_000, -3_600_000, 501, -501])('is not moved by a wall clock set by %i ms', (by) => {
    const { clock, at, advance } = machine();
    const start = clock.now();
    advance(10);
    at.wall += by;
    advance(10);
    expect(clock.now() - start).toBe(20);
    advance(5000);
    expect(clock.now() - start).toBe(5020);
  });

  it('looks once after the wall clock was set, not at every reading', () => {
    const { clock, at, looks } = machine();
    clock.now();
    at.wall += 7_200_000;
    const before = looks();
    for (let reading = 0; reading < 50; reading += 1) clock.now();
    expect(looks() - before).toBe(1);
  });

  it('never takes a process that was stopped between two readings for a machine that slept', () => {
    const { clock, at, advance, interrupt } = machine();
    const start = clock.now();
    const awakeSince = at.monotonic;
    at.wall += 10_000;
    interrupt(() => advance(8000));
    expect(clock.now() - start).toBe(at.monotonic - awakeSince);
    advance(3000);
    expect(clock.now() - start).toBe(at.monotonic - awakeSince);
    interrupt(undefined);
    advance(3000, 20_000);
    expect(Math.abs(clock.now() - start - 20_000 - (at.monotonic - awakeSince))).toBeLessThanOrEqual(10);
  });

  it('never goes back', () => {
    const { clock, at, advance } = machine();
    let last = clock.now();
    for (let step = 0; step < 2000; step += 1) {
      advance((step * 7) % 13, step % 97 === 0 ? 5000 : 0);
      if (step % 31 === 0) at.wall -= 40_000;
      const next = clock.now();
      expect(next).toBeGreaterThanOrEqual(last);
      last = next;
    }
  });
});

describe('timers of a real machine', () => {
  const clock = systemClock();

  it('are never early', async () => {
    const delays = Array.from({ length: 60 }, (_, index) => (index % 12) * 0.7);
    const early = await Promise.all(
      delays.map(
        (delayMs) =>
          new Promise<boolean>((resolve) => {
            const due = clock.now() + delayMs;
            clock.setTimer(delayMs, () => resolve(clock.now() < due));
          }),
      ),
    );
    expect(early).not.toContain(true);
  });

  it('do not run at once when the delay is beyond what setTimeout takes, or once they are cancelled', async () => {
    const ran: string[] = [];
    const timers = [2 ** 31, 2 ** 40, Infinity].map((delayMs) => clock.setTimer(delayMs, () => ran.push('far')));
    const cancelled = clock.setTimer(0, () => ran.push('cancelled'));
    cancelled.cancel();
    cancelled.cancel();
    await new Promise<void>((resolve) => void clock.setTimer(20, resolve));
    for (const timer of timers) timer.cancel();
    expect(ran).toEqual([]);
  });

  it('take a moment that has passed already, without a warning of the process', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.name);
    process.on('warning', onWarning);
    await new Promise<void>((resolve) => void clock.setTimer(-5, resolve));
    await new Promise<void>((resolve) => void clock.setTimer(0, resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('defer comes after what this turn has yet to do', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.defer(() => {
        order.push('deferred');
        resolve();
      });
      process.nextTick(() => order.push('tick'));
      void Promise.resolve().then(() => order.push('microtask'));
      order.push('now');
    });
    expect(order[0]).toBe('now');
    expect(order.at(-1)).toBe('deferred');
    expect(order).toHaveLength(4);
  });
});

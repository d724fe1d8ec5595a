import type { Clock } from '@quorate/core';
import { createWorld, type World } from '@quorate/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATCH_UP_TICKS, Ticker } from '../src/ticker.ts';

const TICK_MS = 10;

/** A clock whose timers are late. */
function lateClock(clock: Clock, lateness: () => number): Clock {
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs + lateness(), callback),
    defer: (callback) => clock.defer(callback),
  };
}

/** When each tick came, from the beginning. */
async function ticksOf(forMs: number, lateness: (world: World) => number): Promise<readonly number[]> {
  const world = createWorld({ seed: 1 });
  const host = world.host('a');
  host.start(() => undefined);
  const clock = lateClock(host.system.clock, () => lateness(world));
  const began = clock.now();
  const ticks: number[] = [];
  const ticker = new Ticker(clock, TICK_MS, (act) => act());
  ticker.add({ tick: () => ticks.push(Math.round((clock.now() - began) * 1000) / 1000) });
  await world.run(forMs);
  return ticks;
}

describe('Ticker', () => {
  it('keeps to its schedule where each timer is a little late', async () => {
    const ticks = await ticksOf(1000, () => 3);
    expect(ticks.slice(0, 4)).toEqual([13, 23, 33, 43]);
    expect(ticks).toHaveLength(99);
  });

  it('makes up for one tick after a pause, and no more', async () => {
    let pauses = [0, 0, 500];
    const ticks = await ticksOf(600, () => {
      const [pause = 0, ...others] = pauses;
      pauses = others;
      return pause;
    });
    expect(ticks.slice(0, 6)).toEqual([10, 20, 530, 530, 540, 550]);
  });

  it('never gives more ticks in a time than leases count on, however late timers are', async () => {
    const latenesses = fc.array(fc.double({ min: 0, max: 4 * TICK_MS, noNaN: true }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(latenesses, async (late) => {
        let at = 0;
        const ticks = await ticksOf(400, () => late[at++ % late.length] ?? 0);
        for (const [n, first] of ticks.entries()) {
          for (const [m, last] of ticks.entries()) {
            if (m <= n) continue;
            expect(last - first).toBeGreaterThanOrEqual((m - n - CATCH_UP_TICKS) * TICK_MS - 0.01);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('has no timer while nobody ticks, and begins a new schedule then', async () => {
    const world = createWorld({ seed: 1 });
    const host = world.host('a');
    host.start(() => undefined);
    const { clock } = host.system;
    const began = clock.now();
    const ticks: number[] = [];
    const ticker = new Ticker(clock, TICK_MS, (act) => act());
    const ticking = { tick: () => ticks.push(Math.round(clock.now() - began)) };
    ticker.add(ticking);
    await world.run(25);
    ticker.delete(ticking);
    await world.run(100);
    ticker.add(ticking);
    await world.run(25);
    expect(ticks).toEqual([10, 20, 135, 145]);
  });
});

import type { Lock } from '@quorate/core';

import { expectThat } from '../expectations.ts';
import type { Runner } from '../runner.ts';
import { Suite } from '../suite.ts';
import type { TestBed } from '../test-bed.ts';
import { LockFixture, type Waiter } from './lock-fixture.ts';
import type { LockProcess, LockServerHarness } from './lock-server-harness.ts';

/** A process that begins on a busy machine. */
const STARTED_MS = 15_000;
/** A server that is back is asked again after a pause of those who ask. */
const RECONNECTED_MS = 5_000;
/** So many looks of a process that goes on are looked at. */
const LOOKS = 20;

/**
 * What `Locks` promises where a server keeps them, as tests with processes that are killed and stopped: those of holders,
 * and the server's own. Nobody else may use the server meanwhile.
 */
export function lockServerContract(runner: Runner, harness: LockServerHarness): void {
  runner.describe(`${harness.name} keeps the contract of locks when processes fail`, () => {
    const suite = new Suite<LockFixture>(runner, harness, (bed) => LockFixture.open(harness, bed));
    holderCases(suite, harness);
    serverCases(suite, harness);
  });
}

function holderCases(suite: Suite<LockFixture>, { holder, now }: LockServerHarness): void {
  suite.test('when a holder is killed the next one has the lock, with a greater token', async (fixture, bed) => {
    await using process = holder('x', fixture.ttlMs);
    const token = await tokenOf(process, bed);
    const waiter = await fixture.queue('b', 'x');
    expectThat(!waiter.isServed && process.looks.at(-1)?.isValid === true, 'the process holds it');
    process.kill();
    const next = await waiter.lock(fixture.expiredWithinMs);
    expectThat(next.isValid() && next.token > token, 'it has it, with a greater token');
  });
  suite.test('a holder that is stopped finds that it has the lock no more when it goes on', async (fixture, bed) => {
    await using process = holder('x', fixture.ttlMs);
    const token = await tokenOf(process, bed);
    const waiter = await fixture.queue('b', 'x');
    expectThat(!waiter.isServed && process.looks.at(-1)?.isValid === true, 'the process holds it');
    process.pause();
    const next = await waiter.lock(fixture.expiredWithinMs);
    const granted = now();
    const seen = process.looks.length;
    expectThat(next.token > token, 'the next token is greater');
    process.resume();
    await bed.until('the process to go on, and its signal', () => {
      expectThat(next.isValid(), 'the next one has it still');
      return process.looks.length > seen + LOOKS && process.looks.at(-1)?.isAborted === true;
    });
    expectThat(
      // By when it looked, and not by when that was heard of: what it told before it was stopped may come late.
      process.looks.every(({ isValid, at }) => !isValid || at < granted),
      'the process has seen it valid at no time at which the next one had it',
    );
  });
}

function serverCases(suite: Suite<LockFixture>, { server, holder }: LockServerHarness): void {
  suite.test(
    'when a holder is killed and the server too, the next one has the lock afterwards',
    async (fixture, bed) => {
      await using process = holder('x', fixture.ttlMs);
      const token = await tokenOf(process, bed);
      const waiter = await fixture.queue('b', 'x');
      expectThat(!waiter.isServed && process.looks.at(-1)?.isValid === true, 'the process holds it');
      await server.kill();
      process.kill();
      await server.start();
      const next = await waiter.lock(fixture.expiredWithinMs + RECONNECTED_MS);
      expectThat(next.isValid() && next.token > token, 'it has it, with a greater token');
    },
  );
  suite.test(
    'when the server is killed and is back, locks are held until their deadlines at least',
    async (fixture, bed) => {
      const longMs = 3 * fixture.ttlMs;
      const lock = await fixture.take('a', 'x');
      const long = await fixture.take('a', 'y', { ttlMs: longMs });
      const waiters = [await fixture.queue('b', 'x'), await fixture.queue('c', 'x')];
      const waitersForLong = [await fixture.queue('b', 'y'), await fixture.queue('c', 'y')];
      await server.kill();
      const { deadline } = long;
      try {
        await theEnd(lock, fixture, bed, waiters);
      } finally {
        await server.start();
      }
      await eachInTurn(fixture, bed, waiters, fixture.expiredWithinMs + RECONNECTED_MS);
      await bed.until('a renewal, or the end', () => long.deadline > deadline || !long.isValid(), longMs);
      expectThat(long.isValid() || bed.clock.now() >= deadline, 'it is held until its deadline');
      if (long.isValid()) expectThat(!waitersForLong.some(({ isServed }) => isServed), 'nobody else has it');
      await fixture.release(long);
      await eachInTurn(fixture, bed, waitersForLong, longMs + RECONNECTED_MS);
    },
  );
  suite.test(
    'while the server hangs the lock ends in time, and no earlier; then others have it',
    async (fixture, bed) => {
      const lock = await fixture.take('a', 'x');
      const waiters = [await fixture.queue('b', 'x'), await fixture.queue('c', 'x')];
      await using _resumed = { [Symbol.asyncDispose]: async () => server.resume() };
      server.pause();
      const shortMs = fixture.ttlMs / 2;
      await bed.until('a renewal to be missed', () => lock.deadline < bed.clock.now() + shortMs, fixture.ttlMs);
      const { deadline } = lock;
      server.resume();
      await bed.until('a renewal', () => lock.deadline > deadline, fixture.ttlMs);
      expectThat(lock.isValid() && !waiters.some(({ isServed }) => isServed), 'it holds');
      server.pause();
      await theEnd(lock, fixture, bed, waiters);
      server.resume();
      await eachInTurn(fixture, bed, waiters, fixture.expiredWithinMs + RECONNECTED_MS);
    },
  );
}

/** Of the lock that a process holds, as soon as it does. */
async function tokenOf(process: LockProcess, bed: TestBed): Promise<bigint> {
  await bed.until('the process to hold the lock', () => process.looks.at(-1)?.isValid === true, STARTED_MS);
  return process.looks.at(-1)?.token ?? 0n;
}

/** The lock ends by its deadline, and nobody has it while nothing can be asked. */
async function theEnd(lock: Lock, { ttlMs }: LockFixture, bed: TestBed, waiters: readonly Waiter[]): Promise<void> {
  await bed.until('the lock to end', () => !lock.isValid(), ttlMs);
  await bed.until('its signal', () => lock.signal.aborted);
  expectThat(!waiters.some(({ isServed }) => isServed), 'nobody else has it');
}

/** Each has the lock once, in whatever order; the audit sees to it that tokens grow. */
async function eachInTurn(
  fixture: LockFixture,
  bed: TestBed,
  waiters: readonly Waiter[],
  withinMs: number,
): Promise<void> {
  let left = waiters;
  while (left.length > 0) {
    await bed.until(
      `the next of ${left.length} to have the lock`,
      () => left.some(({ isServed }) => isServed),
      withinMs,
    );
    const served = left.filter(({ isServed }) => isServed);
    for (const waiter of served) await fixture.release(await waiter.lock());
    left = left.filter((waiter) => !served.includes(waiter));
  }
}

import { expectEqual, expectThat } from '../expectations.ts';
import type { SkipReason, Suite } from '../suite.ts';
import type { LockFixture, LockHarness } from './lock-fixture.ts';

/** What may befall nodes. That no two have a lock at one time is checked at every step of each of these. */
export function lockFaultCases(suite: Suite<LockFixture>, { cutOff }: LockHarness): void {
  suite.group('faults', () => {
    crashCases(suite);
    pauseCases(suite);
    separationCases(suite, cutOff === undefined ? suite.withoutFaults : undefined);
  });
}

function crashCases(suite: Suite<LockFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'when a holder crashes the next one has the lock, with a greater token',
    async (fixture) => {
      const lock = await fixture.take('a', 'x');
      const waiter = await fixture.queue('b', 'x');
      fixture.cluster.crash('a');
      expectThat((await waiter.lock(fixture.expiredWithinMs)).token > lock.token, 'the next token is greater');
    },
    skipped,
  );
  suite.test(
    'one who waits and crashes is not waited for',
    async (fixture) => {
      const lock = await fixture.take('a', 'x');
      await fixture.queue('b', 'x');
      const last = await fixture.queue('c', 'x');
      fixture.cluster.crash('b');
      await fixture.release(lock);
      expectThat((await last.lock(fixture.expiredWithinMs)).token > lock.token, 'the next token is greater');
    },
    skipped,
  );
  suite.test(
    'a node that is back does not have what it had before',
    async (fixture) => {
      const lock = await fixture.take('a', 'x');
      fixture.cluster.crash('a');
      await fixture.cluster.start('a');
      const again = await fixture.queue('a', 'x');
      const next = await again.lock(fixture.expiredWithinMs);
      expectThat(next.token > lock.token, 'its token is another, and greater');
    },
    skipped,
  );
  suite.test(
    'tokens grow across restarts of every node',
    async (fixture) => {
      for (let round = 0; round < 3; round += 1) {
        const before = fixture.audit.highestToken('x');
        const lock = await (await fixture.queue('a', 'x')).lock(fixture.expiredWithinMs);
        expectThat(lock.token > before, `the token of round ${round} is greater`);
        for (const id of fixture.cluster.ids) fixture.cluster.crash(id);
        await fixture.cluster.startAll();
      }
    },
    skipped,
  );
}

function pauseCases(suite: Suite<LockFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'a holder that stood still for long finds that it has the lock no more',
    async (fixture, bed) => {
      const lock = await fixture.take('a', 'x');
      const waiter = await fixture.queue('b', 'x');
      fixture.cluster.pause('a');
      const next = await waiter.lock(fixture.expiredWithinMs);
      expectThat(!lock.isValid(), 'the lock of the one who stands still has ended');
      await bed.pass(1_000);
      fixture.cluster.resume('a');
      expectThat(!lock.isValid(), 'it is not valid when it goes on');
      await bed.until('its signal', () => lock.signal.aborted, fixture.takenWithinMs);
      await bed.pass(fixture.ttlMs);
      expectThat(next.isValid() && next.token > lock.token, 'the next one has it still');
      await fixture.release(lock).catch(() => undefined);
      await bed.pass(1_000);
      expectThat(next.isValid(), 'what the former holder releases is its own');
      expectEqual(await fixture.try('c', 'x'), undefined, 'what a third gets');
    },
    skipped,
  );
}

function separationCases(suite: Suite<LockFixture>, skipped: SkipReason): void {
  suite.test(
    'a holder that is cut off loses the lock before another has it',
    async (fixture, bed) => {
      const lock = await fixture.take('a', 'x');
      const waiter = await fixture.queue('b', 'x');
      {
        await using _cut = await fixture.cutOff('a');
        const next = await waiter.lock(fixture.expiredWithinMs);
        expectThat(!lock.isValid(), 'the lock of the one who is cut off has ended');
        await bed.until('its signal', () => lock.signal.aborted, fixture.takenWithinMs);
        expectThat(next.token > lock.token, 'the next token is greater');
        await fixture.release(next);
      }
      const again = await (await fixture.queue('a', 'x')).lock(fixture.expiredWithinMs);
      expectThat(again.token > lock.token, 'who was cut off can have it again');
    },
    skipped,
  );
  suite.test(
    'a short separation costs nobody its lock or its place',
    async (fixture, bed) => {
      const lock = await fixture.take('a', 'x');
      const waiter = await fixture.queue('b', 'x');
      {
        await using _cut = await fixture.cutOff('a');
        await bed.pass(fixture.ttlMs / 4);
      }
      {
        await using _cut = await fixture.cutOff('b');
        await bed.pass(fixture.ttlMs / 4);
      }
      await bed.until(
        'a renewal',
        () => lock.deadline > fixture.cluster.node('a').machine.clock.now() + fixture.ttlMs / 2,
      );
      expectThat(lock.isValid() && !waiter.isServed, 'it holds');
      await fixture.release(lock);
      await waiter.lock(fixture.expiredWithinMs);
    },
    skipped,
  );
}

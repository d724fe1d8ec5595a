import type { LockSupport } from '@quorate/core';
import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import type { Suite } from '../suite.ts';
import type { LockFixture } from './lock-fixture.ts';

/** How calls wait for a lock that another has, and how they give up. */
export function lockWaitCases(suite: Suite<LockFixture>, { fair }: LockSupport): void {
  suite.test('who waits has the lock soon when it is released', async (fixture) => {
    const lock = await fixture.take('a', 'x');
    const waiter = await fixture.queue('b', 'x');
    expectThat(!waiter.isServed, 'it waits while another has it');
    await fixture.release(lock);
    const next = await waiter.lock(fixture.handedOverWithinMs);
    expectThat(next.isValid() && !lock.isValid(), 'it has it now');
    expectThat(next.token > lock.token, 'the next token is greater');
  });
  suite.test('waitMs 0 asks once, and tryLock says that another has it', async (fixture) => {
    const lock = await fixture.take('a', 'x');
    const once = expectRejection(() => fixture.ask('b', 'x', { waitMs: 0 }), 'TIMEOUT', 'lock');
    await fixture.bed.soon('lock', once, fixture.takenWithinMs);
    expectEqual(await fixture.try('b', 'x'), undefined, 'what tryLock gives');
    await fixture.release(lock);
    await fixture.release(await fixture.take('b', 'x', { waitMs: 0 }));
    expectThat((await fixture.try('b', 'x'))?.isValid() === true, 'tryLock takes what is free');
  });
  suite.test('who has waited for waitMs gets TIMEOUT, and never the lock', async (fixture, bed) => {
    const lock = await fixture.take('a', 'x');
    const began = bed.clock.now();
    await expectRejection(() => fixture.ask('b', 'x', { waitMs: 300 }), 'TIMEOUT', 'lock');
    const waited = bed.clock.now() - began;
    expectThat(waited >= 299, `it waited for 300 ms: ${waited}`);
    await fixture.release(lock);
    expectThat((await fixture.take('c', 'x')).token > lock.token, 'another has it');
  });
  suite.test('who aborts leaves the queue to the others', async (fixture, bed) => {
    const lock = await fixture.take('a', 'x');
    const controller = new AbortController();
    const given = await fixture.queue('b', 'x', { signal: controller.signal });
    const kept = await fixture.queue('c', 'x');
    controller.abort();
    await bed.soon(
      'the aborted call',
      expectRejection(() => given.rejection(), 'ABORTED', 'lock'),
      1_000,
    );
    await fixture.release(lock);
    expectThat((await kept.lock()).token > lock.token, 'the other has it');
    await bed.quiet();
    expectThat(!given.isServed, 'who aborted never gets it');
  });
  suite.test(
    'those who wait have it in the order in which they came',
    async (fixture) => {
      let held = await fixture.take('a', 'x');
      const waiters = [];
      for (const id of ['c', 'a', 'b', 'c']) waiters.push(await fixture.queue(id, 'x'));
      for (const [at, waiter] of waiters.entries()) {
        await fixture.release(held);
        held = await waiter.lock();
        expectEqual(
          waiters.map(({ isServed }) => isServed),
          waiters.map((_, other) => other <= at),
          'who has been served',
        );
      }
    },
    fair ? undefined : 'supports.fair is false',
  );
}

import type { LockSupport } from '@quorate/core';
import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import type { SkipReason, Suite } from '../suite.ts';
import type { LockFixture, Taking } from './lock-fixture.ts';

const READ: Taking = { mode: 'read' };
const WRITE: Taking = { mode: 'write' };

/** Locks that several may hold at one time. */
export function lockKindCases(suite: Suite<LockFixture>, { shared, semaphore }: LockSupport): void {
  sharedCases(suite, shared ? undefined : 'supports.shared is false');
  semaphoreCases(suite, semaphore ? undefined : 'supports.semaphore is false');
  unsupportedCases(suite, { shared, semaphore });
}

function sharedCases(suite: Suite<LockFixture>, skipped: SkipReason): void {
  suite.test(
    'readers have it together, and keep a writer out',
    async (fixture, bed) => {
      const readers = await Promise.all(['a', 'b', 'c'].map((id) => fixture.take(id, 'x', READ)));
      expectThat(
        readers.every((lock) => lock.isValid()),
        'all readers have it',
      );
      const writer = await fixture.queue('b', 'x', WRITE);
      for (const reader of readers) {
        await bed.quiet();
        expectThat(!writer.isServed, 'the writer waits while anybody reads');
        await fixture.release(reader);
      }
      const lock = await writer.lock();
      expectThat(
        readers.every(({ token }) => lock.token > token),
        'its token is greater than those of the readers',
      );
    },
    skipped,
  );
  suite.test(
    'a writer keeps out readers and writers',
    async (fixture) => {
      const first = await fixture.take('a', 'x', WRITE);
      await expectRejection(() => fixture.ask('b', 'x', { ...READ, waitMs: 0 }), 'TIMEOUT', 'readLock');
      await expectRejection(() => fixture.ask('b', 'x', { ...WRITE, waitMs: 0 }), 'TIMEOUT', 'writeLock');
      const reader = await fixture.queue('c', 'x', READ);
      await fixture.release(first);
      const read = await reader.lock();
      expectThat(read.token > first.token, 'the token of the reader is greater');
      await fixture.release(read);
      expectThat((await fixture.take('b', 'x', WRITE)).token > read.token, 'the token of the next writer is greater');
    },
    skipped,
  );
  suite.test(
    'a writer who waits is not overtaken by readers',
    async (fixture, bed) => {
      const first = await fixture.take('a', 'x', READ);
      const writer = await fixture.queue('b', 'x', WRITE);
      const late = await fixture.queue('c', 'x', READ);
      await bed.quiet();
      expectEqual([writer.isServed, late.isServed], [false, false], 'who has it beside the first reader');
      await fixture.release(first);
      const lock = await writer.lock();
      await bed.quiet();
      expectThat(!late.isServed, 'the later reader waits for the writer');
      await fixture.release(lock);
      await late.lock();
    },
    skipped,
  );
  suite.test(
    'a writer who gives up lets the readers behind it go on',
    async (fixture) => {
      await fixture.take('a', 'x', READ);
      const controller = new AbortController();
      const writer = await fixture.queue('b', 'x', { ...WRITE, signal: controller.signal });
      const late = await fixture.queue('c', 'x', READ);
      controller.abort();
      await expectRejection(() => writer.rejection(), 'ABORTED', 'writeLock');
      await late.lock();
    },
    skipped,
  );
}

function semaphoreCases(suite: Suite<LockFixture>, skipped: SkipReason): void {
  suite.test(
    'a semaphore has as many holders as it has permits',
    async (fixture, bed) => {
      const mode = { permits: 2 };
      const first = await fixture.take('a', 'x', { mode });
      const second = await fixture.take('a', 'x', { mode });
      const third = await fixture.queue('b', 'x', { mode });
      await expectRejection(() => fixture.ask('c', 'x', { mode, waitMs: 0 }), 'TIMEOUT', 'semaphore');
      await bed.quiet();
      expectThat(first.isValid() && second.isValid() && !third.isServed, 'two have it, the third waits');
      await fixture.release(first);
      const lock = await third.lock();
      expectThat(second.isValid() && lock.isValid(), 'two have it again');
      expectThat(lock.token > first.token && lock.token > second.token, 'the next token is greater');
    },
    skipped,
  );
  suite.test(
    'permits must be a number that can be had',
    async (fixture) => {
      for (const permits of [0, -1, 1.5, Number.NaN]) {
        const call = (): Promise<unknown> => fixture.locks('a').semaphore('x', { permits });
        await expectRejection(call, 'INVALID_OPTIONS', `${permits} permits`);
      }
    },
    skipped,
  );
}

function unsupportedCases(suite: Suite<LockFixture>, supports: Omit<LockSupport, 'fair'>): void {
  suite.test(
    'read and write locks reject with UNSUPPORTED',
    async (fixture) => {
      const locks = fixture.locks('a');
      await expectRejection(() => locks.readLock('x'), 'UNSUPPORTED', 'readLock');
      await expectRejection(() => locks.writeLock('x'), 'UNSUPPORTED', 'writeLock');
    },
    supports.shared ? 'supports.shared is true' : undefined,
  );
  suite.test(
    'semaphores reject with UNSUPPORTED',
    async (fixture) => {
      await expectRejection(() => fixture.locks('a').semaphore('x', { permits: 1 }), 'UNSUPPORTED', 'semaphore');
    },
    supports.semaphore ? 'supports.semaphore is true' : undefined,
  );
}

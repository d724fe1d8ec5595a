import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import { lifecycleRules, optionRules } from '../lifecycle.ts';
import type { Runner } from '../runner.ts';
import { Suite } from '../suite.ts';
import { lockFaultCases } from './lock-fault-cases.ts';
import { LockFixture, type LockHarness } from './lock-fixture.ts';
import { lockKindCases } from './lock-kind-cases.ts';
import { lockWaitCases } from './lock-wait-cases.ts';

/** What `Locks` promises, as tests of an adapter. */
export function lockContract(runner: Runner, harness: LockHarness): void {
  runner.describe(`${harness.name} keeps the contract of locks`, () => {
    const suite = new Suite<LockFixture>(runner, harness, (bed) => LockFixture.open(harness, bed));
    suite.test('supports is what the harness says', async (fixture) => {
      expectEqual(fixture.locks('a').supports, harness.supports, 'supports');
      expectEqual(harness.create({ voters: ['a'] }).kind, 'locks', 'the kind of the plugin');
    });
    holdingCases(suite);
    ownerCases(suite);
    lockWaitCases(suite, harness.supports);
    lockKindCases(suite, harness.supports);
    lockFaultCases(suite, harness);
    startCases(suite);
    heldLifecycle(runner, harness);
    optionRules(suite, harness.refuses);
  });
}

function holdingCases(suite: Suite<LockFixture>): void {
  suite.test('a lock is held by one at a time, and its token grows from holder to holder', async (fixture) => {
    let token = -1n;
    for (const id of ['a', 'b', 'a', 'c', 'b', 'b']) {
      const lock = await fixture.take(id, 'x');
      expectThat(lock.isValid() && !lock.signal.aborted, 'it holds');
      expectEqual(lock.name, 'x', 'its name');
      expectThat(lock.deadline > fixture.cluster.node(id).machine.clock.now(), 'its deadline is to come');
      expectThat(lock.token > token, `the token grows: ${lock.token} after ${token}`);
      token = lock.token;
      const others = ['a', 'b', 'c'].filter((other) => other !== id);
      for (const other of others) expectEqual(await fixture.try(other, 'x'), undefined, `what ${other} gets`);
      await fixture.release(lock);
    }
  });
  suite.test('locks of other names are free', async (fixture) => {
    const locks = await Promise.all(['x', 'y', 'x/y', 'Ä b'].map((name) => fixture.take('a', name)));
    expectThat(
      locks.every((lock) => lock.isValid()),
      'all are held',
    );
    expectThat((await fixture.try('b', 'z'))?.isValid() === true, 'another name is free');
  });
  suite.test('a lock is renewed while it is held', async (fixture, bed) => {
    const lock = await fixture.take('a', 'x');
    const { deadline, token } = lock;
    await bed.until('a renewal', () => lock.deadline > deadline, fixture.takenWithinMs);
    if (bed.world !== undefined) await bed.pass(3 * fixture.ttlMs);
    expectThat(lock.isValid(), 'it holds');
    expectEqual(lock.token, token, 'the token');
    expectEqual(await fixture.try('b', 'x'), undefined, 'what another gets');
  });
  suite.test(
    'release ends it here at once, and lets another have it; a second time it does nothing',
    async (fixture) => {
      const lock = await fixture.take('a', 'x');
      const releasing = lock.release();
      expectThat(!lock.isValid(), 'it is not valid while it is being released');
      await fixture.bed.soon('release', releasing, fixture.takenWithinMs);
      expectThat(lock.signal.aborted, 'its signal has aborted');
      const next = await fixture.take('b', 'x');
      expectThat(next.token > lock.token, 'the next token is greater');
      await fixture.release(lock);
      await lock[Symbol.asyncDispose]();
      expectThat(next.isValid(), 'the next one has it still');
      expectEqual(await fixture.try('c', 'x'), undefined, 'what a third gets');
    },
  );
  suite.test('disposing a lock releases it', async (fixture) => {
    const lock = await fixture.take('a', 'x');
    await fixture.bed.soon('dispose', Promise.resolve(lock[Symbol.asyncDispose]()), fixture.takenWithinMs);
    expectThat(!lock.isValid() && lock.signal.aborted, 'it has ended');
    expectThat((await fixture.take('a', 'x')).token > lock.token, 'the next token is greater');
  });
  suite.test('many who want it at one time have it one after the other', async (fixture) => {
    let done = 0;
    const work = async (id: string): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        const lock = await fixture.take(id, 'x');
        await fixture.bed.pass(5);
        expectThat(lock.isValid(), 'it is held while it is worked with');
        await fixture.release(lock);
        done += 1;
      }
    };
    await Promise.all(['a', 'a', 'b', 'b', 'c', 'c'].map(work));
    expectEqual(done, 18, 'what was done');
  });
}

function ownerCases(suite: Suite<LockFixture>): void {
  suite.test('who locks twice waits for itself', async (fixture) => {
    const lock = await fixture.take('a', 'x');
    expectEqual(await fixture.try('a', 'x'), undefined, 'what the same node gets');
    const second = await fixture.queue('a', 'x');
    expectThat(!second.isServed, 'the second call waits');
    await fixture.release(lock);
    expectThat((await second.lock()).token > lock.token, 'the next token is greater');
  });
  suite.test('one owner has the same lock as often as it asks, until it has released each', async (fixture) => {
    const first = await fixture.take('a', 'x', { owner: 'me' });
    const second = await fixture.take('a', 'x', { owner: 'me' });
    const third = await fixture.try('a', 'x', { owner: 'me' });
    expectEqual([second.token, third?.token], [first.token, first.token], 'the tokens');
    expectEqual(await fixture.try('a', 'x', { owner: 'you' }), undefined, 'what another owner gets');
    expectEqual(await fixture.try('b', 'x', { owner: 'me' }), undefined, 'what the owner of another node gets');
    await fixture.release(first);
    await fixture.release(first);
    await third?.release();
    expectThat(!first.isValid() && second.isValid(), 'what was not released holds');
    expectEqual(await fixture.try('b', 'x'), undefined, 'what another gets');
    await fixture.release(second);
    expectThat((await fixture.take('b', 'x')).token > first.token, 'the next token is greater');
  });
}

function startCases(suite: Suite<LockFixture>): void {
  suite.test('start after dispose rejects with CLOSED', async (fixture) => {
    const { part } = fixture.cluster.node('a');
    await part[Symbol.asyncDispose]();
    await expectRejection(() => part.start(), 'CLOSED', 'start');
  });
  suite.test('what a node holds when it is disposed of is given back', async (fixture) => {
    const [x, y] = [await fixture.take('a', 'x'), await fixture.take('a', 'y')];
    const waiter = await fixture.queue('b', 'x');
    await fixture.bed.soon('dispose', fixture.cluster.stop('a'), fixture.takenWithinMs);
    expectThat(!x.isValid() && x.signal.aborted && !y.isValid() && y.signal.aborted, 'its locks have ended');
    expectThat((await waiter.lock()).token > x.token, 'the next token is greater');
    expectThat((await fixture.take('b', 'y')).token > y.token, 'the next token is greater');
  });
  suite.test('a name that is none, and options that are wrong, are refused', async (fixture) => {
    const locks = fixture.locks('a');
    for (const call of [
      () => locks.lock(''),
      () => locks.lock('x', { ttlMs: 0 }),
      () => locks.lock('x', { ttlMs: Number.NaN }),
      () => locks.lock('x', { waitMs: -1 }),
      () => locks.lock('x', { owner: '' }),
      () => locks.tryLock('x', { ttlMs: -1 }),
    ]) {
      await expectRejection(call, 'INVALID_OPTIONS', 'the call');
    }
  });
}

/** With `b` holding them, `a` has to wait. */
function heldLifecycle(runner: Runner, harness: LockHarness): void {
  const { shared, semaphore } = harness.supports;
  const suite = new Suite<LockFixture>(runner, harness, async (bed) => {
    const fixture = await LockFixture.open(harness, bed);
    await fixture.take('b', 'x');
    if (shared) await fixture.take('b', 'rw', { mode: 'write' });
    if (semaphore) await fixture.take('b', 's', { mode: { permits: 1 } });
    return fixture;
  });
  const stall = (): void => undefined;
  const withoutShared = shared ? undefined : 'supports.shared is false';
  const withoutSemaphore = semaphore ? undefined : 'supports.semaphore is false';
  lifecycleRules(suite, {
    part: (fixture) => fixture.locks('a'),
    clock: ({ cluster }) => cluster.node('a').machine.clock,
    alsoDispose: ({ cluster }) => cluster.stop('a'),
    methods: [
      { name: 'lock', call: (fixture, options) => fixture.locks('a').lock('x', options), stall },
      { name: 'tryLock', call: (fixture, options) => fixture.locks('a').tryLock('x', options) },
      {
        name: 'readLock',
        call: (fixture, options) => fixture.locks('a').readLock('rw', options),
        stall,
        skipped: withoutShared,
      },
      {
        name: 'writeLock',
        call: (fixture, options) => fixture.locks('a').writeLock('rw', options),
        stall,
        skipped: withoutShared,
      },
      {
        name: 'semaphore',
        call: (fixture, options) => fixture.locks('a').semaphore('s', { ...options, permits: 1 }),
        stall,
        skipped: withoutSemaphore,
      },
    ],
    watches: [],
  });
}

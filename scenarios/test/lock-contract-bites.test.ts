import { type ClusterContext, type Lock, type LockOptions, type Locks, sleep } from '@quorate/core';
import { raftLocks } from '@quorate/lock-raft';
import { lockContract, type LockHarness } from '@quorate/testkit';
import { describe, expect, it } from 'vitest';

import { altered, failuresOf } from '../../packages/testkit/test/recording-runner.ts';

type Change = (locks: Locks, context: ClusterContext) => Partial<Locks>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'believes in its lock for ever',
    'faults: a holder that is cut off loses the lock before another has it',
    (locks) => ofEach(locks, (lock) => altered(lock, () => ({ isValid: () => true }))),
  ],
  [
    'gives a token out again',
    'a lock is held by one at a time, and its token grows from holder to holder',
    (locks) => ofEach(locks, (lock) => altered(lock, () => ({ token: 1n }))),
  ],
  [
    'keeps what is released',
    'release ends it here at once, and lets another have it; a second time it does nothing',
    (locks) => ofEach(locks, (lock) => altered(lock, () => ({ release: () => Promise.resolve() }))),
  ],
  [
    'gives back when it suits it',
    'who waits has the lock soon when it is released',
    (locks, { clock }) =>
      ofEach(locks, (lock) =>
        altered(lock, () => ({ release: async () => void sleep(clock, 3_000).then(() => lock.release()) })),
      ),
  ],
  [
    'has a lock for each node',
    'a lock is held by one at a time, and its token grows from holder to holder',
    (locks, { self }) => ({
      lock: (name, options) => locks.lock(`${name} ${self.id}`, options),
      tryLock: (name, options) => locks.tryLock(`${name} ${self.id}`, options),
    }),
  ],
  [
    'lets its own node in again',
    'who locks twice waits for itself',
    (locks) => ({
      lock: (name, options) => locks.lock(name, { owner: 'any', ...options }),
      tryLock: (name, options) => locks.tryLock(name, { owner: 'any', ...options }),
    }),
  ],
  [
    'knows no owners',
    'one owner has the same lock as often as it asks, until it has released each',
    (locks) => ({
      lock: (name, options) => locks.lock(name, ownerless(options)),
      tryLock: (name, options) => locks.tryLock(name, ownerless(options)),
    }),
  ],
  [
    'never says that a lock is taken',
    'waitMs 0 asks once, and tryLock says that another has it',
    (locks) => ({ tryLock: (name, options) => locks.lock(name, options) }),
  ],
  [
    'waits on when the call was aborted',
    'who aborts leaves the queue to the others',
    (locks) => ({
      lock: (name, options) => {
        const { signal, ...others } = options ?? {};
        if (signal !== undefined) locks.lock(name, others).catch(() => undefined);
        return locks.lock(name, options);
      },
    }),
  ],
  ['is unfair', 'those who wait have it in the order in which they came', (locks, { clock }) => polling(locks, clock)],
  [
    'lets writers in beside readers',
    'readers have it together, and keep a writer out',
    (locks) => ({ readLock: (name, options) => locks.semaphore(`${name} read`, { permits: 100, ...options }) }),
  ],
  [
    'has readers overtake a writer',
    'a writer who waits is not overtaken by readers',
    (locks, context) => ({
      writeLock: async (name, options) => {
        for (;;) {
          const lock = await locks.writeLock(name, { ...options, waitMs: 0 }).catch(() => undefined);
          if (lock !== undefined) return lock;
          await sleep(context.clock, 100, options);
        }
      },
    }),
  ],
  [
    'has a permit too many',
    'a semaphore has as many holders as it has permits',
    (locks) => ({
      semaphore: (name, options) => locks.semaphore(name, { ...options, permits: options.permits + 1 }),
    }),
  ],
  [
    'leaves what a node has to run out when it stops',
    'what a node holds when it is disposed of is given back',
    (locks) => ({ [Symbol.asyncDispose]: () => Promise.resolve(void locks) }),
  ],
];

function ownerless(options: LockOptions = {}): LockOptions {
  const { owner: _, ...others } = options;
  return others;
}

/** Every lock that is had, changed. */
function ofEach(locks: Locks, change: (lock: Lock) => Lock): Partial<Locks> {
  return {
    lock: async (name, options) => change(await locks.lock(name, options)),
    tryLock: async (name, options) => {
      const lock = await locks.tryLock(name, options);
      return lock && change(lock);
    },
  };
}

/** Whoever asks at the right moment has it. */
function polling(locks: Locks, clock: ClusterContext['clock']): Partial<Locks> {
  let calls = 0;
  return {
    lock: async (name, options: LockOptions = {}) => {
      calls += 1;
      // The later it came, the more often it asks.
      const pauseMs = 1_000 / calls;
      const { waitMs: _, ...asked } = options;
      for (;;) {
        const lock = await locks.tryLock(name, asked);
        if (lock !== undefined) return lock;
        await sleep(clock, pauseMs, options);
      }
    },
  };
}

function harness(change: Change): LockHarness {
  return {
    name: 'locks, altered',
    supports: { fair: true, shared: true, semaphore: true },
    create: ({ voters }) => {
      const plugin = raftLocks({ voters });
      return { ...plugin, create: (context) => altered(plugin.create(context), (locks) => change(locks, context)) };
    },
  };
}

describe('the suite for locks', () => {
  it('passes those that keep the contract', async () => {
    const failures = await failuresOf((runner) =>
      lockContract(
        runner,
        harness(() => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches those of which one ${breach}`, async () => {
      const failures = await failuresOf((runner) => lockContract(runner, harness(change)), { only: caughtBy });
      expect([...failures.keys()]).toEqual([caughtBy]);
    });
  }
});

import { MAX_RECORD_BYTES, type Plugin, type Storage, type System } from '@quorate/core';

import { expectDefined, expectEqual, expectRejection, expectThat } from './expectations.ts';
import { lifecycleRules, optionRules, type RefusedOptions } from './lifecycle.ts';
import type { Runner } from './runner.ts';
import { StorageFixture } from './storage-fixture.ts';
import { type Harness, type SkipReason, Suite } from './suite.ts';

/** How to test a storage. */
export interface StorageHarness<M = unknown> extends Harness {
  /** What `supports` of the storage says. */
  readonly supports: Storage['supports'];
  /** Makes, for one case, what the records are kept in and what outlives a process. The machine's disk needs nothing. */
  readonly medium?: (system: System) => M | Promise<M>;
  /** The adapter, on that medium; called for each process that uses it. */
  readonly create: (medium: M) => Plugin<Storage, 'storage'>;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
}

/** What `Storage` and `RecordStore` promise, as tests of an adapter. */
export function storageContract<M>(runner: Runner, harness: StorageHarness<M>): void {
  runner.describe(`${harness.name} keeps the contract of a storage`, () => {
    const suite = new Suite<StorageFixture<M>>(runner, harness, (bed) => StorageFixture.open(harness, bed));
    recordCases(suite, harness);
    orderCases(suite);
    boundCases(suite);
    durabilityCases(suite, harness);
    lockCases(suite, harness);
    lifecycleRules(suite, {
      part: ({ storage }) => storage,
      clock: ({ machine }) => machine.clock,
      methods: [
        { name: 'read', call: ({ storage }) => storage.records.read('vote'), abortable: false },
        { name: 'write', call: ({ storage }) => storage.records.write('vote', bytes(1)), abortable: false },
        { name: 'remove', call: ({ storage }) => storage.records.remove('vote'), abortable: false },
        { name: 'names', call: ({ storage }) => storage.records.names(), abortable: false },
      ],
      watches: [],
    });
    optionRules(suite, harness.refuses);
  });
}

type StorageSuite<M> = Suite<StorageFixture<M>>;

function bytes(fill: number, length = 100): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

function volatile({ supports }: StorageHarness<never> | { readonly supports: Storage['supports'] }): SkipReason {
  return supports.durable ? undefined : 'supports.durable is false';
}

function recordCases<M>(suite: StorageSuite<M>, { supports }: { readonly supports: Storage['supports'] }): void {
  suite.test('supports is what the harness says', async ({ storage }) => {
    expectEqual(storage.supports, supports, 'supports');
  });
  suite.test('what was never written is undefined', async ({ storage: { records } }) => {
    expectEqual(await records.read('vote'), undefined, 'the record');
    expectEqual(await records.names(), [], 'the names');
  });
  suite.test('reads what was written last, be it shorter, longer or empty', async ({ storage: { records } }) => {
    for (const value of [bytes(1), bytes(2, 7), bytes(3, 5_000), bytes(0, 0), bytes(4, 1)]) {
      await records.write('vote', value);
      expectEqual(await records.read('vote'), value, 'the record');
    }
  });
  suite.test('names are told in order, without the removed', async ({ storage: { records } }) => {
    for (const name of ['vote', 'a.b-c_d', 'Z9', '0']) await records.write(name, bytes(1));
    expectEqual(await records.names(), ['0', 'Z9', 'a.b-c_d', 'vote'], 'the names');
    await records.remove('Z9');
    expectEqual(await records.names(), ['0', 'a.b-c_d', 'vote'], 'the names');
    expectEqual(await records.read('Z9'), undefined, 'the removed record');
  });
  suite.test('removing what is not there is fine', async ({ storage: { records } }) => {
    await records.remove('vote');
    await records.write('vote', bytes(1));
    await records.remove('vote');
    await records.remove('vote');
    await records.write('vote', bytes(2));
    expectEqual(await records.read('vote'), bytes(2), 'the record written after it was removed');
  });
  suite.test('keeps bytes of its own', async ({ storage: { records } }) => {
    const written = bytes(1);
    await records.write('vote', written);
    written.fill(9);
    const read = expectDefined(await records.read('vote'), 'the record');
    expectEqual(read, bytes(1), 'the record after the writer changed its bytes');
    read.fill(9);
    expectEqual(await records.read('vote'), bytes(1), 'the record after a reader changed its bytes');
  });
}

function orderCases<M>(suite: StorageSuite<M>): void {
  suite.test('writes of one name take effect in the order of the calls', async ({ storage: { records } }) => {
    const writes = Array.from({ length: 20 }, (_, at) => records.write('vote', bytes(at, 1 + ((at * 37) % 90))));
    await Promise.all(writes);
    expectEqual(await records.read('vote'), bytes(19, 1 + ((19 * 37) % 90)), 'the record');
  });
  suite.test('a removal keeps its place among writes', async ({ storage: { records } }) => {
    await Promise.all([records.write('vote', bytes(1)), records.remove('vote')]);
    expectEqual(await records.read('vote'), undefined, 'the record');
    await Promise.all([records.remove('vote'), records.write('vote', bytes(2))]);
    expectEqual(await records.read('vote'), bytes(2), 'the record');
  });
  suite.test('writes of several names at one time are all kept', async ({ storage: { records } }) => {
    const names = Array.from({ length: 10 }, (_, at) => `record-${at}`);
    await Promise.all(names.map((name, at) => records.write(name, bytes(at))));
    expectEqual(await records.names(), names, 'the names');
    for (const [at, name] of names.entries()) expectEqual(await records.read(name), bytes(at), name);
  });
  suite.test('a read beside a write sees either, never a mixture', async ({ storage: { records } }) => {
    const [before, after] = [bytes(1, 30_000), bytes(2, 30_000)];
    await records.write('vote', before);
    const write = records.write('vote', after);
    const seen = expectDefined(await records.read('vote'), 'the record');
    expectEqual(seen, seen[0] === 1 ? before : after, 'the record');
    await write;
    expectEqual(await records.read('vote'), after, 'the record after the write');
  });
}

function boundCases<M>(suite: StorageSuite<M>): void {
  suite.test('a record of the largest size is kept, a larger one refused', async ({ storage: { records } }) => {
    const largest = bytes(1, MAX_RECORD_BYTES);
    await records.write('vote', largest);
    const write = () => records.write('vote', bytes(2, MAX_RECORD_BYTES + 1));
    await expectRejection(write, 'OVERLOADED', 'a record that is too large');
    expectEqual(await records.read('vote'), largest, 'the record after the refused write');
  });
  suite.test('what is no bytes is refused', async ({ storage: { records } }) => {
    for (const value of ['text', undefined, [1, 2], new ArrayBuffer(2)]) {
      await expectRejection(() => records.write('vote', value as never), 'INVALID_OPTIONS', 'write');
    }
    expectEqual(await records.read('vote'), undefined, 'the record');
  });
  const bad = ['', '.', '..', 'a/b', '../vote', '.vote', '-vote', 'a b', 'é', 'vote\0', 'a\\b', 'v'.repeat(101)];
  for (const name of bad) {
    suite.test(`refuses the name ${JSON.stringify(name.slice(0, 20))}`, async ({ storage: { records } }) => {
      await expectRejection(() => records.write(name, bytes(1)), 'INVALID_OPTIONS', 'write');
      await expectRejection(() => records.read(name), 'INVALID_OPTIONS', 'read');
      await expectRejection(() => records.remove(name), 'INVALID_OPTIONS', 'remove');
      expectEqual(await records.names(), [], 'the names');
    });
  }
}

function durabilityCases<M>(suite: StorageSuite<M>, harness: { readonly supports: Storage['supports'] }): void {
  const skipped = volatile(harness);
  suite.test(
    'records outlive the process',
    async (fixture) => {
      await fixture.storage.records.write('vote', bytes(1));
      await fixture.storage.records.write('gone', bytes(2));
      await fixture.storage.records.remove('gone');
      await fixture.reopen();
      expectEqual(await fixture.storage.records.read('vote'), bytes(1), 'the record');
      expectEqual(await fixture.storage.records.names(), ['vote'], 'the names');
    },
    skipped,
  );
  suite.test(
    'a write that resolved while the storage was disposed is kept',
    async (fixture) => {
      const write = fixture.storage.records.write('vote', bytes(1)).then(
        () => true,
        () => false,
      );
      await fixture.reopen();
      const kept = await fixture.storage.records.read('vote');
      if (await write) expectEqual(kept, bytes(1), 'the record whose write resolved');
    },
    skipped,
  );
  suite.test(
    'a crash takes nothing that was acknowledged',
    async (fixture) => {
      for (let round = 1; round <= 10; round += 1) {
        await fixture.storage.records.write('vote', bytes(round, round * 100));
        await fixture.storage.records.write(`round-${round}`, bytes(round));
        await fixture.crash();
        expectEqual(
          await fixture.storage.records.read('vote'),
          bytes(round, round * 100),
          `the vote of round ${round}`,
        );
        expectEqual((await fixture.storage.records.names()).length, round + 1, `the records after round ${round}`);
      }
    },
    skipped ?? suite.withoutFaults,
  );
  suite.test(
    'a crash during a write leaves the old record or the new one',
    async (fixture, bed) => {
      let acknowledged = bytes(0);
      await fixture.storage.records.write('vote', acknowledged);
      for (let round = 1; round <= 60; round += 1) {
        const next = bytes(round, 100 + ((round * 997) % 3_000));
        let done = false;
        void fixture.storage.records.write('vote', next).then(() => {
          done = true;
        });
        await bed.pass(round * 0.05);
        if (done) acknowledged = next;
        await fixture.crash();
        const found = expectDefined(await fixture.storage.records.read('vote'), `the vote after round ${round}`);
        const expected = found[0] === round ? next : acknowledged;
        expectEqual(found, expected, `the vote after round ${round}`);
        acknowledged = found;
      }
    },
    skipped ?? suite.withoutFaults,
  );
}

function lockCases<M>(suite: StorageSuite<M>, harness: { readonly supports: Storage['supports'] }): void {
  const skipped = volatile(harness);
  suite.test(
    'a second one is refused with LOCKED until the first is disposed',
    async (fixture) => {
      const second = fixture.another('b');
      await expectRejection(() => second.open(), 'LOCKED', 'opening it twice');
      await fixture.storage.records.write('vote', bytes(1));
      await second[Symbol.asyncDispose]();
      await fixture.storage.records.write('vote', bytes(2));
      await expectRejection(() => fixture.another('b').open(), 'LOCKED', 'opening it after a refused one was disposed');
      await fixture.reopen();
      expectEqual(await fixture.storage.records.read('vote'), bytes(2), 'the record');
    },
    skipped,
  );
  suite.test('open after dispose rejects with CLOSED', async ({ storage }) => {
    await storage[Symbol.asyncDispose]();
    await expectRejection(() => storage.open(), 'CLOSED', 'open');
  });
  suite.test('disposing one that was never opened is fine', async (fixture) => {
    const idle = fixture.another();
    await idle[Symbol.asyncDispose]();
    expectThat(fixture.storage.records !== idle.records, 'each has records of its own');
  });
}

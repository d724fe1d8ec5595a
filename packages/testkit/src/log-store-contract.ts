import type { GroupLog } from '@quorate/core';

import { expectDefined, expectEqual, expectRejection, expectThat, expectThrow } from './expectations.ts';
import { lifecycleRules, type WaitingMethod } from './lifecycle.ts';
import { boundCases, concurrentSnapshotCases, entryCases, snapshotCases, stateCases } from './log-store-cases.ts';
import { batch, chunksOf, entries, expectEntries, LogStoreFixture, type LogStoreHarness } from './log-store-fixture.ts';
import type { Runner } from './runner.ts';
import { type SkipReason, Suite } from './suite.ts';

/** What `LogStore` and `GroupLog` promise, as tests of the storage that has them. */
export function logStoreContract<M>(runner: Runner, harness: LogStoreHarness<M>): void {
  runner.describe(`${harness.name} keeps the contract of a log store`, () => {
    const suite = new Suite<LogStoreFixture<M>>(runner, harness, (bed) => LogStoreFixture.open(harness, bed));
    entryCases(suite);
    boundCases(suite);
    stateCases(suite);
    snapshotCases(suite);
    concurrentSnapshotCases(suite);
    durabilityCases(suite, harness.supports.durable ? undefined : 'supports.durable is false');
    openingCases(suite);
    const about = { index: 1, term: 1, metadata: new Uint8Array(0) };
    const method = (name: string, ask: (group: GroupLog) => Promise<unknown>): WaitingMethod<LogStoreFixture<M>> => ({
      name,
      call: ({ group }) => ask(group),
      abortable: false,
      otherwise: 'NOT_FOUND',
    });
    lifecycleRules(suite, {
      part: ({ storage }) => storage,
      clock: ({ machine }) => machine.clock,
      methods: [
        method('append', (group) => group.append([batch(1, 1, 1)])),
        method('read', (group) => group.read(1, 100)),
        method('truncatePrefix', (group) => group.truncatePrefix(1, 1)),
        method('saveSnapshot', (group) => group.saveSnapshot(about, chunksOf())),
        method('readSnapshot', (group) => group.readSnapshot({ ...about, size: 0 }, 0, 1)),
        method('remove', (group) => group.remove()),
      ],
      watches: [],
    });
  });
}

function openingCases<M>(suite: Suite<LogStoreFixture<M>>): void {
  suite.test('is opened once, after the storage, and not when that was disposed of', async (fixture) => {
    await expectRejection(() => fixture.log.open(), 'INVALID_OPTIONS', 'opening it twice');
    const { log } = fixture;
    await fixture.storage[Symbol.asyncDispose]();
    await expectRejection(() => log.open(), 'CLOSED', 'opening it after dispose');
    expectThrow(() => log.group(1), 'CLOSED', 'group');
    expectThrow(() => log.groups(), 'CLOSED', 'groups');
    const unopened = expectDefined(fixture.another().log, 'a log');
    await expectRejection(() => unopened.open(), 'CLOSED', 'opening it before the storage');
  });
}

function durabilityCases<M>(suite: Suite<LogStoreFixture<M>>, skipped: SkipReason): void {
  suite.test(
    'all of it outlives the process',
    async (fixture) => {
      const content = new Uint8Array(100_000).fill(4);
      const { log, group } = fixture;
      await group.append([batch(1, 6, 1)], { state: Uint8Array.of(1), commit: 3 });
      await group.append([batch(5, 2, 2)], { state: Uint8Array.of(2) });
      await log.group(2).append([batch(1, 1, 1)]);
      await log.group(3).truncatePrefix(50, 4);
      await log.group(2).remove();
      await group.saveSnapshot({ index: 2, term: 1, metadata: Uint8Array.of(8) }, chunksOf(content));
      await group.truncatePrefix(2, 1);
      await fixture.reopen();
      await expectEntries(fixture.group, 2, [...entries(3, 2, 1), ...entries(5, 2, 2)]);
      expectEqual([fixture.group.state, fixture.group.commit], [Uint8Array.of(2), 3], 'state and commit');
      expectEqual(fixture.log.groups(), [1, 3], 'the groups');
      await expectEntries(fixture.log.group(3), 50, []);
      expectEqual([fixture.group.term(2), fixture.log.group(3).term(50)], [1, 4], 'terms before the first entries');
      const snapshot = expectDefined(fixture.group.snapshot, 'the snapshot');
      const info = { index: 2, term: 1, metadata: Uint8Array.of(8), size: content.length };
      expectEqual(snapshot, info, 'what is known of the snapshot');
      expectEqual(await fixture.group.readSnapshot(snapshot, 0, 200_000), content, 'the snapshot');
    },
    skipped,
  );
  suite.test(
    'a crash takes nothing that was acknowledged',
    async (fixture) => {
      for (let round = 1; round <= 20; round += 1) {
        await fixture.group.append([batch(round, 1, round)], { state: Uint8Array.of(round), commit: round });
        if (round % 5 === 0) await fixture.group.truncatePrefix(round - 3, round - 3);
        await fixture.crash();
        const base = round - (round % 5) - 3;
        const expected = Array.from({ length: round }, (_, at) => entries(at + 1, 1, at + 1)).flat();
        await expectEntries(fixture.group, Math.max(0, base), expected.slice(Math.max(0, base)));
        expectEqual(fixture.group.state, Uint8Array.of(round), `the state of round ${round}`);
      }
    },
    skipped ?? suite.withoutFaults,
  );
  suite.test(
    'a crash leaves of an append all or nothing',
    async (fixture, bed) => {
      let acknowledged = 0;
      for (let round = 1; round <= 60; round += 1) {
        const [first, state] = [fixture.group.lastIndex + 1, Uint8Array.of(round)];
        let done = false;
        const batches = [batch(first, 2, round, 3000), batch(first + 2, 1, round)];
        void fixture.group.append(batches, { state }).then(() => {
          done = true;
        });
        await bed.pass((round % 20) * 0.3);
        if (done) acknowledged = round;
        await fixture.crash();
        const [found = 0] = fixture.group.state ?? [];
        expectThat(found === acknowledged || found === round, `after round ${round}, the state is of ${found}`);
        acknowledged = found;
        expectEqual(fixture.group.lastIndex, first - 1 + (found === round ? 3 : 0), 'the last index');
      }
    },
    skipped ?? suite.withoutFaults,
  );
}

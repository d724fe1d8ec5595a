import { encodeBatch, MAX_APPEND_BYTES, MAX_STATE_BYTES, readBatch, type SnapshotInfo } from '@quorate/core';

import { expectDefined, expectEqual, expectRejection, expectThat, expectThrow } from './expectations.ts';
import { batch, chunksOf, entries, expectEntries, type LogStoreFixture } from './log-store-fixture.ts';
import type { Suite } from './suite.ts';

type LogSuite<M> = Suite<LogStoreFixture<M>>;

export function entryCases<M>(suite: LogSuite<M>): void {
  suite.test('begins with nothing', async ({ log, group }) => {
    await expectEntries(group, 0, []);
    expectEqual([group.commit, group.state, group.snapshot, group.term(0)], [0, undefined, undefined, 0], 'the rest');
    expectEqual(log.groups(), [], 'the groups');
    expectEqual(await group.read(1, 100), [], 'what is read');
  });
  suite.test('keeps what is appended, one batch or several at a time', async ({ group }) => {
    await group.append([batch(1, 3, 1)]);
    await group.append([batch(4, 1, 1), batch(5, 2, 2), batch(7, 1, 2)]);
    await expectEntries(group, 0, [...entries(1, 4, 1), ...entries(5, 3, 2)]);
  });
  suite.test('a batch cuts off what was there from its first entry on', async ({ group }) => {
    await group.append([batch(1, 10, 1)]);
    await group.append([batch(4, 2, 2)]);
    await expectEntries(group, 0, [...entries(1, 3, 1), ...entries(4, 2, 2)]);
    await group.append([batch(6, 2, 2), batch(7, 1, 3)]);
    await expectEntries(group, 0, [...entries(1, 3, 1), ...entries(4, 3, 2), ...entries(7, 1, 3)]);
    await group.append([batch(1, 1, 4)]);
    await expectEntries(group, 0, entries(1, 1, 4));
  });
  suite.test('what is asked for at one time takes effect in order', async ({ log, group }) => {
    const appends = Array.from({ length: 50 }, (_, at) => group.append([batch(at + 1, 1, 1)], { commit: at }));
    const others = Array.from({ length: 50 }, (_, at) => log.group(2 + (at % 5)).append([batch(1, 1 + at, at + 1)]));
    let truncated = false;
    const truncation = group.truncatePrefix(20, 1).then(() => void (truncated = true));
    const last = group.append([batch(51, 1, 2)]).then(() => expectThat(truncated, 'the earlier call resolves first'));
    await Promise.all([...appends, ...others, truncation, last]);
    await expectEntries(group, 20, [...entries(21, 30, 1), ...entries(51, 1, 2)]);
    expectEqual(group.commit, 49, 'the commit');
    for (let id = 2; id <= 6; id += 1) await expectEntries(log.group(id), 0, entries(1, 44 + id, 44 + id));
  });
}

export function boundCases<M>(suite: LogSuite<M>): void {
  suite.test('refuses a gap, and goes on', async ({ group }) => {
    await group.append([batch(1, 3, 1)]);
    await expectRejection(() => group.append([batch(5, 1, 1)]), 'INVALID_OPTIONS', 'a gap behind the end');
    const withGap = () => group.append([batch(4, 1, 1), batch(6, 1, 1)], { commit: 9 });
    await expectRejection(withGap, 'INVALID_OPTIONS', 'a gap between batches');
    await expectEntries(group, 0, entries(1, 3, 1));
    expectEqual(group.commit, 0, 'the commit');
    await group.append([batch(4, 1, 1)]);
    await group.truncatePrefix(2, 1);
    await expectRejection(() => group.append([batch(2, 1, 1)]), 'INVALID_OPTIONS', 'an entry that was truncated');
    await expectEntries(group, 2, entries(3, 2, 1));
  });
  suite.test('reads from any entry, up to so many bytes but one entry at least', async ({ group }) => {
    await group.append([batch(1, 10, 1, 50), batch(11, 10, 2, 50)]);
    const [first, ...more] = await group.read(3, 1);
    expectEqual([first?.firstIndex, more.length], [3, 0], 'the first entry, and batches behind it');
    const all = await group.read(1, 1_000_000);
    expectEqual(
      all.map(({ count }) => count).reduce((sum, count) => sum + count, 0),
      20,
      'entries read',
    );
    for (const each of all) expectEqual(readBatch(each.bytes, each.checksum), each, 'a batch, decoded anew');
    expectEqual(await group.read(21, 100), [], 'beyond the end');
    await group.truncatePrefix(5, 1);
    await expectRejection(() => group.read(5, 100), 'NOT_FOUND', 'reading what was truncated');
    expectEqual((await group.read(6, 100))[0]?.firstIndex, 6, 'the first index that is left');
  });
  suite.test('takes entries without data, and large ones', async ({ group }) => {
    const large = { index: 2, term: 1, kind: 255, data: new Uint8Array(3_000_000).fill(3) };
    const empty = { index: 1, term: 1, kind: 0, data: new Uint8Array(0) };
    await group.append([encodeBatch([empty]), encodeBatch([large])]);
    await expectEntries(group, 0, [empty, large]);
  });
  suite.test('refuses what is too large', async ({ group }) => {
    const half = batch(1, 1, 1, MAX_APPEND_BYTES / 2);
    const append = () => group.append([half, { ...half, firstIndex: 2 }]);
    await expectRejection(append, 'OVERLOADED', 'an append of too many bytes');
    const state = new Uint8Array(MAX_STATE_BYTES + 1);
    await expectRejection(() => group.append([], { state }), 'OVERLOADED', 'a state of too many bytes');
    await expectEntries(group, 0, []);
  });
}

export function stateCases<M>(suite: LogSuite<M>): void {
  suite.test('keeps state and commit, with entries or without', async ({ group }) => {
    const state = Uint8Array.of(1, 2, 3);
    const append = group.append([batch(1, 2, 1)], { state, commit: 1 });
    state.fill(9);
    await append;
    expectEqual([group.state, group.commit], [Uint8Array.of(1, 2, 3), 1], 'state and commit');
    await group.append([], { commit: 2 });
    expectEqual([group.state, group.commit], [Uint8Array.of(1, 2, 3), 2], 'state and commit');
    await group.append([], { state: new Uint8Array(MAX_STATE_BYTES) });
    expectEqual([group.state, group.commit], [new Uint8Array(MAX_STATE_BYTES), 2], 'state and commit');
    await expectEntries(group, 0, entries(1, 2, 1));
  });
  suite.test('forgets a prefix, and remembers the term before the first entry', async ({ group }) => {
    await group.append([batch(1, 4, 1), batch(5, 4, 2)]);
    await group.truncatePrefix(6, 2);
    await expectEntries(group, 6, entries(7, 2, 2));
    expectEqual([group.term(6), group.term(5)], [2, undefined], 'terms');
    await group.truncatePrefix(3, 1);
    await expectEntries(group, 6, entries(7, 2, 2));
    await group.truncatePrefix(8, 2);
    await expectEntries(group, 8, []);
    await group.append([batch(9, 1, 3)]);
    await expectEntries(group, 8, entries(9, 1, 3));
  });
  suite.test('goes on behind a snapshot that has more, or other entries', async ({ group }) => {
    await group.append([batch(1, 4, 1)]);
    await group.truncatePrefix(3, 2);
    await expectEntries(group, 3, []);
    await group.append([batch(4, 2, 2)]);
    await group.truncatePrefix(100, 5);
    await expectEntries(group, 100, []);
    expectEqual(group.term(100), 5, 'the term of the last entry in the snapshot');
    await group.append([batch(101, 2, 5)]);
    await expectEntries(group, 100, entries(101, 2, 5));
  });
  suite.test('groups are apart, listed in order, and removed alone', async ({ log }) => {
    for (const id of [7, 0, 4_294_967_295]) await log.group(id).append([batch(1, 2, id + 1)]);
    expectEqual(log.groups(), [0, 7, 4_294_967_295], 'the groups');
    expectThat(log.group(7) === log.group(7), 'a group has one log');
    await log.group(7).remove();
    expectEqual(log.groups(), [0, 4_294_967_295], 'the groups');
    await expectEntries(log.group(7), 0, []);
    await expectEntries(log.group(0), 0, entries(1, 2, 1));
    await log.group(7).append([batch(1, 1, 9)]);
    await expectEntries(log.group(7), 0, entries(1, 1, 9));
  });
  for (const id of [-1, 1.5, 2 ** 32, Number.NaN]) {
    suite.test(`refuses the group ${id}`, async ({ log }) => {
      expectThrow(() => log.group(id), 'INVALID_OPTIONS', 'group');
    });
  }
}

export function snapshotCases<M>(suite: LogSuite<M>): void {
  const content = Uint8Array.from({ length: 200_000 }, (_, at) => at % 253);
  const about = { index: 5, term: 2, metadata: Uint8Array.of(4, 5) };
  suite.test('keeps a snapshot, and gives any part of it', async ({ log, group }) => {
    const saved = await group.saveSnapshot(about, chunksOf(content.subarray(0, 70_000), content.subarray(70_000)));
    expectEqual(saved, { ...about, size: content.length }, 'what was saved');
    expectEqual(group.snapshot, saved, 'the snapshot');
    expectEqual(log.groups(), [1], 'the groups');
    expectEqual(await group.readSnapshot(saved, 0, 1_000_000), content, 'all of it');
    for (const [from, length] of [
      [0, 1],
      [65_535, 2],
      [65_536, 65_536],
      [199_999, 10],
      [130_000, 5],
    ] as const) {
      const expected = content.subarray(from, from + length);
      expectEqual(await group.readSnapshot(saved, from, length), expected, `${length} bytes from ${from}`);
    }
    expectEqual(await group.readSnapshot(saved, 200_000, 10), new Uint8Array(0), 'behind the end');
  });
  suite.test('has only the newest snapshot', async ({ group }) => {
    const first = await group.saveSnapshot(about, chunksOf(content));
    const same = () => group.saveSnapshot(about, chunksOf(content));
    await expectRejection(same, 'INVALID_OPTIONS', 'a snapshot that is not newer');
    const second = await group.saveSnapshot({ ...about, index: 6 }, chunksOf());
    expectEqual([group.snapshot, second.size], [second, 0], 'the snapshot and its size');
    await expectRejection(() => group.readSnapshot(first, 0, 10), 'NOT_FOUND', 'reading the older one');
  });
  suite.test('a snapshot that does not come to its end is none', async ({ group }) => {
    const first = await group.saveSnapshot(about, chunksOf(content));
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield content;
      throw new Error('no more');
    };
    const failure = await group.saveSnapshot({ ...about, index: 9 }, failing()).catch((error: unknown) => error);
    expectThat(failure instanceof Error && failure.message === 'no more', 'the source of the chunks is told');
    expectEqual(group.snapshot, first, 'the snapshot');
    expectEqual(await group.readSnapshot(first, 100, 3), content.subarray(100, 103), 'a part of it');
    const next = await group.saveSnapshot({ ...about, index: 9 }, chunksOf(content.subarray(0, 10)));
    expectEqual(await group.readSnapshot(next, 0, 100), content.subarray(0, 10), 'the next snapshot');
  });
  suite.test('leaves the log to be truncated by whoever saved it', async ({ group }) => {
    await group.append([batch(1, 8, 2)]);
    await group.saveSnapshot(about, chunksOf(content));
    await expectEntries(group, 0, entries(1, 8, 2));
    await group.truncatePrefix(5, 2);
    await expectEntries(group, 5, entries(6, 3, 2));
    await group.remove();
    expectEqual(group.snapshot, undefined, 'the snapshot of a removed group');
    expectDefined(await group.saveSnapshot(about, chunksOf()), 'a snapshot of the new group');
  });
}

/** A node's own snapshot, and one that its leader sends it. */
export function concurrentSnapshotCases<M>(suite: LogSuite<M>): void {
  const content = Uint8Array.from({ length: 200_000 }, (_, at) => at % 253);
  const about = { index: 5, term: 2, metadata: Uint8Array.of(4, 5) };
  suite.test('two snapshots that are saved at one time leave the newer one', async ({ group }) => {
    for (const [slow, quick] of [
      [5, 9],
      [20, 15],
      [30, 30],
    ] as const) {
      let goOn: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (goOn = resolve));
      const waiting = async function* (): AsyncGenerator<Uint8Array> {
        yield content.subarray(0, 100_000);
        await held;
        yield content.subarray(100_000);
      };
      const first = group.saveSnapshot({ ...about, index: slow }, waiting());
      const outcome = first.catch((error: unknown) => error);
      const second = await group.saveSnapshot({ ...about, index: quick }, chunksOf(content.subarray(0, 10)));
      expectEqual(group.snapshot, second, 'what did not wait for the other');
      goOn();
      if (slow > quick) expectEqual(await outcome, { ...about, index: slow, size: content.length }, 'both');
      else await expectRejection(() => first, 'INVALID_OPTIONS', 'the one that is older by now');
      const newest = group.snapshot as SnapshotInfo;
      expectEqual(newest.index, Math.max(slow, quick), 'the newer one');
      const part = await group.readSnapshot(newest, 0, 10);
      expectEqual(part, content.subarray(0, 10), 'what is in it');
    }
  });
}

import type { NodeId } from '@quorate/core';

import { expectEqual, expectRejection, expectThat, show } from '../expectations.ts';
import type { Suite } from '../suite.ts';
import type { ReplicatorFixture, ReplicatorHarness } from './replicator-fixture.ts';

const next = { type: 'next', key: 'n' } as const;
const BATCH = 8;

/** What becomes of commands when nodes fail: nothing that was acknowledged is lost, and nothing comes from a few alone. */
export function replicatorFaultCases(suite: Suite<ReplicatorFixture>, harness: ReplicatorHarness): void {
  restartCases(suite);
  suite.group('faults', () => {
    crashCases(suite);
    minorityCases(suite);
    batchCase(suite, harness.forwards);
  });
}

function restartCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('all that was acknowledged is there when all nodes were stopped and started', async (fixture) => {
    for (let at = 1; at <= 20; at += 1) expectEqual(await fixture.write(next), at, 'the number');
    const { ids } = fixture.cluster;
    await fixture.soon('the stop of all', Promise.all(ids.map((id) => fixture.cluster.stop(id))));
    await fixture.cluster.startAll();
    expectEqual(await fixture.write(next), 21, 'the next number');
    await fixture.converged(21);
  });
  suite.test('one node after another is stopped and started, and the rest goes on', async (fixture) => {
    let count = 0;
    for (const id of fixture.cluster.ids) {
      await fixture.soon(`the stop of ${id}`, fixture.cluster.stop(id));
      for (let at = 0; at < 5; at += 1) expectEqual(await fixture.write(next), (count += 1), 'the number');
      await fixture.cluster.start(id);
      expectEqual(await fixture.write(next), (count += 1), 'the number');
    }
    await fixture.converged(count);
  });
}

function crashCases(suite: Suite<ReplicatorFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'all that was acknowledged is there when all nodes crashed at once',
    async (fixture) => {
      for (let round = 0; round < 3; round += 1) {
        let acknowledged = Number((await fixture.get(await fixture.ready(), 'n')) ?? 0);
        const stop = new AbortController();
        const { signal } = stop;
        keepWriting(fixture, signal, (number) => (acknowledged = number)).catch(() => undefined);
        await fixture.bed.pass(300);
        for (const id of fixture.cluster.ids) fixture.cluster.crash(id);
        stop.abort();
        const before = acknowledged;
        await fixture.cluster.startAll();
        const after = Number(await fixture.write(next));
        expectThat(
          after > before,
          `the number after the crash, ${after}, is greater than the last one before, ${before}`,
        );
      }
      await fixture.converged(1);
    },
    skipped,
  );
  suite.test(
    'a crashed minority stops nobody, and catches up when it is back',
    async (fixture) => {
      let count = 0;
      for (const who of ['leader', 'follower'] as const) {
        const id = who === 'leader' ? await fixture.ready() : await fixture.follower();
        fixture.cluster.crash(id);
        for (let at = 0; at < 10; at += 1) expectEqual(await fixture.write(next), (count += 1), 'the number');
        await fixture.cluster.start(id);
        await fixture.converged(count);
      }
    },
    skipped,
  );
  suite.test(
    'a node that was away for long catches up',
    async (fixture) => {
      const away = await fixture.follower();
      fixture.cluster.isolate(away);
      const leader = await fixture.ready(fixture.others(away));
      const replicator = fixture.replicator(leader);
      for (let round = 0; round < 20; round += 1) {
        const batch = Array.from({ length: 100 }, () => next);
        await fixture.soon('a batch', replicator.replicateBatch(batch));
      }
      fixture.cluster.heal();
      await fixture.ready();
      await fixture.converged(2_000);
      expectEqual(await fixture.get(away, 'n', { consistency: 'local' }), '2000', 'what it has');
    },
    skipped,
  );
}

function minorityCases(suite: Suite<ReplicatorFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'a node alone accepts nothing, and says what became of it',
    async (fixture) => {
      await fixture.write(next);
      const alone = await fixture.ready();
      for (const other of fixture.others(alone)) fixture.cluster.crash(other);
      const outcomes = await refusedWrites(fixture, alone);
      const [first = alone, second = alone] = fixture.cluster.ids.filter((id) => id !== alone);
      // With one other only, so that what the node alone has in its log is not outvoted.
      await fixture.cluster.start(first);
      await fixture.write({ type: 'next', key: 'other' });
      await fixture.cluster.start(second);
      await expectOutcomes(fixture, 1, outcomes);
    },
    skipped,
  );
  suite.test(
    'a leader that is cut off accepts nothing, and what the others accept stays',
    async (fixture) => {
      const away = await fixture.ready();
      fixture.cluster.isolate(away);
      const outcomes = await refusedWrites(fixture, away);
      const leader = await fixture.ready(fixture.others(away));
      const meanwhile = await fixture.soon('a write of the others', fixture.replicator(leader).replicate(next));
      expectEqual(meanwhile, 1, 'the first number that is given');
      fixture.cluster.heal();
      await expectOutcomes(fixture, 1, outcomes);
    },
    skipped,
  );
  suite.test(
    'a leader that stood still for long accepts nothing more by itself',
    async (fixture) => {
      const still = await fixture.ready();
      fixture.cluster.pause(still);
      const leader = await fixture.ready(fixture.others(still));
      expectEqual(await fixture.soon('a write', fixture.replicator(leader).replicate(next)), 1, 'the number');
      fixture.cluster.resume(still);
      await fixture.ready();
      expectEqual(await fixture.write(next), 2, 'the next number');
      await fixture.converged(2);
    },
    skipped,
  );
}

function batchCase(suite: Suite<ReplicatorFixture>, forwards: boolean): void {
  suite.test(
    'a batch takes effect as a whole or not at all, also when the leader crashes',
    async (fixture) => {
      const home = await fixture.follower();
      const replicator = fixture.replicator(home);
      const batches = Array.from({ length: 60 }, async (_none, round) => {
        await fixture.bed.pass(5 * round);
        const batch = Array.from({ length: BATCH }, (_nothing, at) => `${round}-${at}`);
        const commands = batch.map((value) => ({ type: 'append', key: 'l', value }) as const);
        await replicator.replicateBatch(commands, { timeoutMs: 3_000 }).catch(() => undefined);
      });
      await fixture.bed.pass(100);
      const leader = await fixture.ready();
      if (leader !== home) {
        fixture.cluster.crash(leader);
        await fixture.bed.pass(500);
        await fixture.cluster.start(leader);
      }
      await fixture.soon('all batches', Promise.all(batches));
      await fixture.write({ type: 'append', key: 'l', value: 'end' });
      await fixture.converged(1);
      const list = ((await fixture.get(home, 'l', { consistency: 'local' })) ?? '').split(',').slice(0, -2);
      expectThat(list.length > 0, 'some batches took effect');
      for (let at = 0; at < list.length; at += BATCH) {
        const round = list[at]?.split('-')[0] ?? '';
        const batch = Array.from({ length: BATCH }, (_none, place) => `${round}-${place}`);
        expectEqual(list.slice(at, at + BATCH), batch, 'a batch in the list');
      }
      expectEqual(new Set(list).size, list.length, 'values in the list, each of them once');
    },
    forwards ? suite.withoutFaults : 'the harness says that followers do not forward',
  );
}

/** Three writes that must not be acknowledged. Returns how many may have had an effect nevertheless. */
async function refusedWrites(fixture: ReplicatorFixture, alone: NodeId): Promise<number> {
  let unknown = 0;
  for (let at = 0; at < 3; at += 1) {
    const call = () => fixture.replicator(alone).replicate(next, { timeoutMs: 1_500 });
    const rejection = expectRejection(call, ['TIMEOUT', 'QUORUM_LOST', 'NOT_LEADER'], 'a write on a node alone');
    const { outcome } = await fixture.soon('the rejection', rejection);
    expectThat(outcome !== undefined, 'the error has an outcome');
    if (outcome === 'unknown') unknown += 1;
  }
  return unknown;
}

/** So many commands have taken effect, and perhaps those of unknown outcome, but none that was said not to have. */
async function expectOutcomes(fixture: ReplicatorFixture, certain: number, unknown: number): Promise<void> {
  const number = Number(await fixture.write(next));
  const fits = number > certain && number <= certain + unknown + 1;
  expectThat(fits, `the next number ${show(number)} is from ${certain + 1} to ${certain + unknown + 1}`);
  await fixture.converged(number);
}

/** One write after another on the leader, until it fails or the signal aborts; then nothing is told any more. */
async function keepWriting(
  fixture: ReplicatorFixture,
  signal: AbortSignal,
  onNumber: (number: number) => void,
): Promise<void> {
  const leader = fixture.replicator(await fixture.ready());
  while (!signal.aborted) {
    const number = Number(await leader.replicate(next));
    if (!signal.aborted) onNumber(number);
  }
}

import type { ReplicatorSupport } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import type { Suite } from '../suite.ts';
import type { KeyValueCommand, KeyValueResult } from './key-value-machine.ts';
import type { ReplicatorFixture, ReplicatorHarness } from './replicator-fixture.ts';

const CLIENT_WRITES = 20;
const BATCH = 10;

/** Commands, their results and their order, while nothing goes wrong. */
export function replicatorWriteCases(suite: Suite<ReplicatorFixture>, harness: ReplicatorHarness): void {
  commandCases(suite, harness.forwards);
  orderCases(suite);
  batchCases(suite);
  consistencyCases(suite, harness.supports.write);
}

function commandCases(suite: Suite<ReplicatorFixture>, forwards: boolean): void {
  suite.test('each command has the result that the machine gave', async (fixture) => {
    const steps: readonly (readonly [KeyValueCommand, KeyValueResult])[] = [
      [{ type: 'put', key: 'x', value: 'one' }, null],
      [{ type: 'cas', key: 'x', expected: 'two', value: 'three' }, false],
      [{ type: 'cas', key: 'x', expected: 'one', value: 'two' }, true],
      [{ type: 'cas', key: 'y', expected: null, value: 'first' }, true],
      [{ type: 'append', key: 'l', value: '1' }, '1,'],
      [{ type: 'append', key: 'l', value: '2' }, '1,2,'],
      [{ type: 'next', key: 'n' }, 1],
      [{ type: 'next', key: 'n' }, 2],
      [{ type: 'put', key: 'text', value: 'Ünïcödé \u0000 \u{1F600}' }, null],
    ];
    for (const [command, result] of steps)
      expectEqual(await fixture.write(command), result, `result of ${command.type}`);
    expectEqual(await fixture.get(await fixture.ready(), 'x', { consistency: 'local' }), 'two', 'what is there');
  });
  suite.test(
    'a command on any node takes effect, and returns there',
    async (fixture) => {
      for (const [at, id] of fixture.cluster.ids.entries()) {
        const result = fixture.replicator(id).replicate({ type: 'next', key: 'n' });
        expectEqual(await fixture.soon(`next on ${id}`, result), at + 1, `the result on ${id}`);
      }
      await fixture.converged(fixture.cluster.ids.length);
    },
    forwards ? undefined : 'the harness says that followers do not forward',
  );
  suite.test(
    'a command on a follower rejects with NOT_LEADER, and tells who leads',
    async (fixture) => {
      const leader = await fixture.ready();
      const follower = await fixture.follower();
      const call = () => fixture.replicator(follower).replicate({ type: 'next', key: 'n' });
      const error = await fixture.soon('the rejection', expectRejection(call, 'NOT_LEADER', 'replicate'));
      expectEqual(error.leader?.nodeId, leader, 'the leader that the error tells');
      expectEqual(error.outcome, 'not-applied', 'the outcome');
      expectEqual(await fixture.write({ type: 'next', key: 'n' }), 1, 'the next number');
    },
    forwards ? 'the harness says that followers forward' : undefined,
  );
}

function orderCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('commands of many clients take effect in one order on every replica', async (fixture) => {
    const { ids } = fixture.cluster;
    const appended = ids.map(async (id) => {
      const replicator = fixture.replicator(await fixture.writer(id));
      for (let at = 0; at < CLIENT_WRITES; at += 1) {
        await replicator.replicate({ type: 'append', key: 'l', value: `${id}${at}` });
      }
    });
    await fixture.soon('all commands', Promise.all(appended));
    await fixture.converged(ids.length * CLIENT_WRITES);
    const texts = await Promise.all(ids.map((id) => fixture.get(id, 'l', { consistency: 'local' })));
    for (const text of texts) expectEqual(text, texts[0], 'the list on each replica');
    const entries = (texts[0] ?? '').split(',').slice(0, -1);
    expectEqual(entries.length, ids.length * CLIENT_WRITES, 'entries of the list');
    for (const id of ids) {
      const own = entries.filter((entry) => entry.startsWith(id));
      expectEqual(own, numbered(id, CLIENT_WRITES), `what the client of ${id} appended, one after another`);
    }
  });
  suite.test('commands that are given at once take effect once each, with a result each', async (fixture) => {
    const replicator = fixture.replicator(await fixture.ready());
    const calls = Array.from({ length: 500 }, () => replicator.replicate({ type: 'next', key: 'n' }));
    const results = await fixture.soon('all of them', Promise.all(calls));
    expectEqual(
      results.map(Number).sort((a, b) => a - b),
      calls.map((_call, at) => at + 1),
      'the numbers given',
    );
  });
  suite.test('a command that follows on a result sees it, wherever it is given', async (fixture) => {
    for (let round = 0; round < 12; round += 1) {
      const id = await fixture.writer(fixture.cluster.ids[round % fixture.cluster.ids.length] ?? 'a');
      const result = fixture.replicator(id).replicate({ type: 'next', key: 'n' });
      expectEqual(await fixture.soon(`next on ${id}`, result), round + 1, 'the number');
    }
  });
}

function batchCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('a batch has its results in order', async (fixture) => {
    const replicator = fixture.replicator(await fixture.ready());
    const batch: readonly KeyValueCommand[] = [
      { type: 'next', key: 'n' },
      { type: 'put', key: 'x', value: 'one' },
      { type: 'cas', key: 'x', expected: 'one', value: 'two' },
      { type: 'next', key: 'n' },
      { type: 'append', key: 'l', value: 'a' },
    ];
    const results = await fixture.soon('the batch', replicator.replicateBatch(batch));
    expectEqual(results, [1, null, true, 2, 'a,'], 'results');
    expectEqual(await fixture.soon('no commands', replicator.replicateBatch([])), [], 'results of an empty batch');
  });
  suite.test('no other command comes between those of a batch', async (fixture) => {
    const { ids } = fixture.cluster;
    const clients = ids.map(async (id) => {
      const replicator = fixture.replicator(await fixture.writer(id));
      for (let round = 0; round < 5; round += 1) {
        const batch = numbered(`${id}${round}-`, BATCH).map((value) => ({ type: 'append', key: 'l', value }) as const);
        const single = replicator.replicate({ type: 'append', key: 'l', value: 'single' });
        await Promise.all([replicator.replicateBatch(batch), single]);
      }
    });
    await fixture.soon('all batches', Promise.all(clients));
    await fixture.converged(ids.length * 5 * (BATCH + 1));
    const list = ((await fixture.get('a', 'l', { consistency: 'local' })) ?? '').split(',');
    for (const id of ids) {
      for (let round = 0; round < 5; round += 1) {
        const values = numbered(`${id}${round}-`, BATCH);
        const at = list.indexOf(values[0] ?? '');
        expectEqual(list.slice(at, at + BATCH), values, `batch ${round} of ${id} in the list`);
      }
    }
  });
}

function consistencyCases(suite: Suite<ReplicatorFixture>, supported: ReplicatorSupport['write']): void {
  const levels = [
    ['local', 'local'],
    ['acks', { acks: 2 }],
    ['quorum', 'quorum'],
    ['all', 'all'],
  ] as const;
  for (const [name, consistency] of levels) {
    const isSupported = supported.includes(name);
    suite.test(
      `a write at ${name} takes effect`,
      async (fixture) => {
        expectEqual(await fixture.write({ type: 'next', key: 'n' }, { consistency }), 1, 'the result');
        await fixture.converged(1);
      },
      isSupported ? undefined : `supports.write has no ${name}`,
    );
    suite.test(
      `a write at ${name} rejects with UNSUPPORTED, and has no effect`,
      async (fixture) => {
        const call = () => fixture.write({ type: 'next', key: 'n' }, { consistency });
        const error = await expectRejection(call, 'UNSUPPORTED', 'replicate');
        expectEqual(error.outcome, 'not-applied', 'the outcome');
        expectEqual(await fixture.write({ type: 'next', key: 'n' }), 1, 'the next number');
      },
      isSupported ? `supports.write has ${name}` : undefined,
    );
  }
  suite.test(
    'a write at all waits for every replica',
    async (fixture) => {
      const leader = await fixture.ready();
      const [away = leader] = fixture.others(leader);
      fixture.cluster.isolate(away);
      const options = { consistency: 'all', timeoutMs: 1_000 } as const;
      const call = () => fixture.replicator(leader).replicate({ type: 'next', key: 'n' }, options);
      const rejection = expectRejection(call, ['TIMEOUT', 'QUORUM_LOST'], 'replicate with a replica away');
      const error = await fixture.soon('the rejection', rejection);
      expectThat(error.outcome !== undefined, 'the error has an outcome');
      fixture.cluster.heal();
      await fixture.ready();
      const result = await fixture.write({ type: 'next', key: 'n' }, { consistency: 'all' });
      expectThat(
        result === 1 || (error.outcome === 'unknown' && result === 2),
        `the result fits the outcome: ${result}`,
      );
    },
    supported.includes('all') ? suite.withoutFaults : 'supports.write has no all',
  );
}

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_none, at) => `${prefix}${at}`);
}

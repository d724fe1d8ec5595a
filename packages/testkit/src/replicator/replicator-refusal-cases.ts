import { type ClusterErrorCode, MAX_APPEND_BYTES, type ReadOptions, type WriteOptions } from '@quorate/core';

import { expectEqual, expectRejection, expectThat, show } from '../expectations.ts';
import type { Suite } from '../suite.ts';
import type { KeyValueCommand } from './key-value-machine.ts';
import type { ReplicatorFixture, ReplicatorHarness } from './replicator-fixture.ts';

const next = { type: 'next', key: 'n' } as const;
/** More than any node may let wait. */
const FLOOD = 100_000;
const FLOODING_VALUE: string = 'x'.repeat(1_000);

/** What a replicator must not accept: it says so, and is none the worse for it. */
export function replicatorRefusalCases(suite: Suite<ReplicatorFixture>, { supports }: ReplicatorHarness): void {
  optionCases(suite, supports.read.includes('bounded'));
  commandCases(suite);
  boundCases(suite);
  outcomeCases(suite);
}

type Wrong<O> = readonly (readonly [what: string, options: O])[];

/** The types forbid some of them, but a program in JavaScript has none. */
const WRONG_WRITES = [
  ['a timeout below 0', { timeoutMs: -1 }],
  ['a timeout that is no number', { timeoutMs: Number.NaN }],
  ['a consistency that there is not', { consistency: 'most' }],
] as unknown as Wrong<WriteOptions>;
const WRONG_READS = [
  ['a timeout below 0', { timeoutMs: -1 }],
  ['a timeout that is no number', { timeoutMs: Number.NaN }],
  ['a consistency that there is not', { consistency: 'latest' }],
] as unknown as Wrong<ReadOptions>;
const WRONG_BOUNDS = [
  ['a staleness below 0', { consistency: { maxStalenessMs: -1 } }],
  ['a staleness that is no number', { consistency: { maxStalenessMs: Number.NaN } }],
  ['a staleness that is a text', { consistency: { maxStalenessMs: '5' } }],
] as unknown as Wrong<ReadOptions>;

function optionCases(suite: Suite<ReplicatorFixture>, bounded: boolean): void {
  for (const [what, options] of WRONG_WRITES) {
    suite.test(`a write with ${what} rejects with INVALID_OPTIONS`, async (fixture) => {
      const replicator = fixture.replicator(await fixture.ready());
      const rejection = expectRejection(() => replicator.replicate(next, options), 'INVALID_OPTIONS', 'replicate');
      await fixture.soon('the rejection', rejection);
      expectEqual(await fixture.write(next), 1, 'the next number');
    });
  }
  for (const [what, options] of bounded ? [...WRONG_READS, ...WRONG_BOUNDS] : WRONG_READS) {
    suite.test(`a read with ${what} rejects with INVALID_OPTIONS`, async (fixture) => {
      await expectRejection(() => fixture.get('a', 'x', options), 'INVALID_OPTIONS', 'read');
    });
  }
}

function commandCases(suite: Suite<ReplicatorFixture>): void {
  suite.test(
    'a command that cannot be encoded rejects with INVALID_OPTIONS, and nothing of its batch takes effect',
    async (fixture) => {
      const replicator = fixture.replicator(await fixture.ready());
      const nonsense = { type: 'nonsense', key: 'n' } as unknown as KeyValueCommand;
      await expectRejection(() => replicator.replicate(nonsense), 'INVALID_OPTIONS', 'replicate');
      await expectRejection(() => replicator.replicateBatch([next, nonsense]), 'INVALID_OPTIONS', 'replicateBatch');
      expectEqual(await fixture.write(next), 1, 'the next number');
    },
  );
  suite.test(
    'a command at which the machine throws rejects, and every replica stops in the same state',
    async (fixture) => {
      await fixture.write(next);
      await fixture.converged(1);
      const leader = await fixture.ready();
      const failing = fixture.replicator(leader).replicate({ type: 'fail', key: 'n' }, { timeoutMs: 2_000 });
      await fixture.soon(
        'the rejection',
        expectRejection(() => failing, ANY_FAILURE, 'the command'),
      );
      const after = fixture.replicator(leader).replicate(next, { timeoutMs: 2_000 });
      await fixture.soon(
        'the rejection',
        expectRejection(() => after, ANY_FAILURE, 'a command after it'),
      );
      await fixture.bed.quiet();
      for (const id of fixture.cluster.ids)
        expectThat(fixture.machine(id).count <= 1, `${id} applied nothing behind it`);
    },
  );
}

/** What the failure of a machine may be told as. */
const ANY_FAILURE: readonly ClusterErrorCode[] = [
  'REMOTE',
  'TIMEOUT',
  'QUORUM_LOST',
  'CORRUPT',
  'CLOSED',
  'UNSUPPORTED',
];

function boundCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('a command that no log could keep rejects with OVERLOADED, and the next is taken', async (fixture) => {
    const replicator = fixture.replicator(await fixture.ready());
    const value = 'x'.repeat(MAX_APPEND_BYTES);
    const call = () => replicator.replicate({ type: 'put', key: 'x', value });
    const error = await fixture.soon('the rejection', expectRejection(call, 'OVERLOADED', 'replicate'));
    expectEqual(error.outcome, 'not-applied', 'the outcome');
    expectEqual(await fixture.write(next), 1, 'the next number');
  });
  suite.test(
    'more commands than a node that is cut off can keep reject with OVERLOADED, and have no effect',
    async (fixture) => {
      const away = await fixture.ready();
      fixture.cluster.isolate(away);
      const replicator = fixture.replicator(away);
      const fates = { taken: 0, overloaded: 0, notApplied: 0 };
      const calls = Array.from({ length: FLOOD }, () =>
        replicator.replicate({ type: 'put', key: 'x', value: FLOODING_VALUE }, { timeoutMs: 1_000 }).then(
          () => (fates.taken += 1),
          (error: { readonly code: string; readonly outcome: string | undefined }) => {
            if (error.code !== 'OVERLOADED') return;
            fates.overloaded += 1;
            if (error.outcome === 'not-applied') fates.notApplied += 1;
          },
        ),
      );
      await fixture.soon('every call', Promise.all(calls));
      expectThat(fates.overloaded > 0, `some of ${FLOOD} commands are refused`);
      expectEqual(fates.notApplied, fates.overloaded, 'refused commands that are said to have no effect');
      expectEqual(fates.taken, 0, 'commands that took effect on a node alone');
      fixture.cluster.heal();
      expectEqual(await fixture.write(next), 1, 'the next number');
    },
    suite.withoutFaults,
  );
}

function outcomeCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('a write with a signal that has aborted says that it was not applied', async (fixture) => {
    const replicator = fixture.replicator(await fixture.ready());
    const call = () => replicator.replicate(next, { signal: AbortSignal.abort() });
    const error = await fixture.soon('the rejection', expectRejection(call, 'ABORTED', 'replicate'));
    expectEqual(error.outcome, 'not-applied', 'the outcome');
    expectEqual(await fixture.write(next), 1, 'the next number');
  });
  suite.test('a write after dispose says that it was not applied', async (fixture) => {
    const replicator = fixture.replicator('a');
    await replicator[Symbol.asyncDispose]();
    const error = await fixture.soon(
      'the rejection',
      expectRejection(() => replicator.replicate(next), 'CLOSED', 'replicate'),
    );
    expectEqual(error.outcome, 'not-applied', 'the outcome');
  });
  suite.test(
    'a write that is aborted while it waits says what can be said',
    async (fixture) => {
      const away = await fixture.ready();
      fixture.cluster.isolate(away);
      const controller = new AbortController();
      const waiting = fixture.replicator(away).replicate(next, { signal: controller.signal });
      const rejection = expectRejection(() => waiting, 'ABORTED', 'replicate');
      await fixture.bed.pass(50);
      controller.abort();
      const { outcome } = await fixture.soon('the rejection', rejection);
      expectThat(outcome !== undefined, 'the error has an outcome');
      fixture.cluster.heal();
      const result = await fixture.write(next);
      expectThat(
        result === 1 || (result === 2 && outcome === 'unknown'),
        `the next number ${show(result)} fits ${outcome}`,
      );
    },
    suite.withoutFaults,
  );
}

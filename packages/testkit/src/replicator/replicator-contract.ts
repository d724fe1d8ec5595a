import { expectEqual, expectRejection, expectThat } from '../expectations.ts';
import { optionRules } from '../lifecycle.ts';
import type { Runner } from '../runner.ts';
import { Suite } from '../suite.ts';
import { KeyValueMachine } from './key-value-machine.ts';
import { replicatorFaultCases } from './replicator-fault-cases.ts';
import { ReplicatorFixture, type ReplicatorHarness } from './replicator-fixture.ts';
import { replicatorHistoryCases } from './replicator-history-cases.ts';
import { replicatorLifecycle } from './replicator-lifecycle.ts';
import { replicatorReadCases } from './replicator-read-cases.ts';
import { replicatorRefusalCases } from './replicator-refusal-cases.ts';
import { replicatorSessionCases } from './replicator-session-cases.ts';
import { replicatorStatusCases } from './replicator-status-cases.ts';
import { replicatorWriteCases } from './replicator-write-cases.ts';

/** What `Replicator` promises, as tests of an adapter that has a leader. */
export function replicatorContract(runner: Runner, harness: ReplicatorHarness): void {
  runner.describe(`${harness.name} keeps the contract of a replicator`, () => {
    const suite = new Suite<ReplicatorFixture>(runner, harness, (bed) => ReplicatorFixture.open(harness, bed));
    suite.test('supports is what the harness says', async (fixture) => {
      expectEqual(fixture.replicator('a').supports, harness.supports, 'supports');
    });
    replicatorWriteCases(suite, harness);
    replicatorReadCases(suite, harness);
    replicatorSessionCases(suite, harness);
    replicatorRefusalCases(suite, harness);
    replicatorFaultCases(suite, harness);
    replicatorHistoryCases(suite, harness);
    replicatorStatusCases(suite);
    startCases(runner, harness);
    replicatorLifecycle(runner, harness);
    optionRules(suite, harness.refuses);
  });
}

/** Nothing has been started yet. */
function startCases(runner: Runner, harness: ReplicatorHarness): void {
  const suite = new Suite<ReplicatorFixture>(runner, harness, async (bed) => new ReplicatorFixture(harness, bed));
  suite.test('a plugin says that it is a replicator', async () => {
    const { kind } = harness.create({ voters: ['a'], machine: () => new KeyValueMachine() });
    expectEqual(kind, 'replicator', 'the kind of the plugin');
  });
  suite.test('start does not wait for peers', async (fixture, bed) => {
    await bed.soon('the start of a node alone', fixture.cluster.start('a'), 1_000);
    expectThat(fixture.status('a')?.role !== 'leader', 'it does not lead on its own');
  });
  suite.test('replicas that start one after another become one group', async (fixture, bed) => {
    for (const id of fixture.cluster.ids) {
      await fixture.cluster.start(id);
      await bed.pass(300);
    }
    expectEqual(await fixture.write({ type: 'next', key: 'n' }), 1, 'the result of the first command');
    await fixture.converged(1);
  });
  suite.test('start after dispose rejects with CLOSED', async (fixture) => {
    await fixture.cluster.startAll();
    const part = fixture.replicator('a');
    await part[Symbol.asyncDispose]();
    await expectRejection(() => part.start(), 'CLOSED', 'start');
  });
}

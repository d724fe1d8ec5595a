import { electionFaultCases } from './election-fault-cases.ts';
import { ElectionFixture, type ElectionHarness } from './election-fixture.ts';
import { handoverCases } from './election-handover-cases.ts';
import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import { lifecycleRules, optionRules } from './lifecycle.ts';
import type { Runner } from './runner.ts';
import { Suite } from './suite.ts';

/** What `LeaderElection` promises, as tests of an adapter. */
export function electionContract(runner: Runner, harness: ElectionHarness): void {
  runner.describe(`${harness.name} keeps the contract of an election`, () => {
    const suite = new Suite<ElectionFixture>(runner, harness, (bed) => ElectionFixture.open(harness, bed));
    suite.test('supports is what the harness says', async (fixture) => {
      expectEqual(fixture.election('a').supports, harness.supports, 'supports');
    });
    campaignCases(suite);
    withdrawalCases(suite);
    handoverCases(suite, harness.supports.transfer);
    electionFaultCases(suite, harness.decidedElsewhere ?? false);
    watchCases(suite);
    startCases(suite, harness);
    ledLifecycle(runner, harness);
    optionRules(suite, harness.refuses);
  });
}

function campaignCases(suite: Suite<ElectionFixture>): void {
  suite.test('one of several candidates is elected, and all observe it', async (fixture) => {
    fixture.candidates();
    const { id, grant } = await fixture.leader();
    await fixture.observed(id);
    for (const { part } of fixture.cluster.live) {
      expectEqual(part.leader, { nodeId: id, token: grant.token }, 'the leader observed');
      expectThat(part === fixture.election(id) || part.leadership === undefined, 'only the leader has a grant');
    }
  });
  suite.test('a grant tells whose it is, and holds while it is renewed', async (fixture, bed) => {
    const grant = await fixture.elect('b');
    expectEqual(grant.nodeId, 'b', 'the node of the grant');
    expectThat(grant.deadline > fixture.cluster.node('b').machine.clock.now(), 'its deadline is to come');
    const { deadline } = grant;
    await bed.until('a renewal', () => grant.deadline > deadline, fixture.electedWithinMs);
    expectThat(grant.isValid() && !grant.signal.aborted, 'it holds');
    expectEqual(fixture.election('b').leadership?.token, grant.token, 'the token');
  });
  suite.test('campaign resolves at once while the grant is held', async (fixture, bed) => {
    const grant = await fixture.elect('a');
    const again = await bed.soon('campaign', fixture.election('a').campaign(), 10);
    expectEqual(again.token, grant.token, 'the token');
  });
  suite.test('several calls wait for one grant', async (fixture) => {
    const calls = Promise.all([fixture.elect('a'), fixture.elect('a'), fixture.elect('a')]);
    const tokens = new Set((await calls).map(({ token }) => token));
    expectEqual(tokens.size, 1, 'grants');
  });
  suite.test('who does not campaign never leads', async (fixture, bed) => {
    await bed.pass(fixture.electedWithinMs / 6);
    for (const { id, part } of fixture.cluster.live) expectEqual(part.leadership, undefined, `the grant of ${id}`);
    expectEqual(fixture.highestToken, -1n, 'the highest token of a grant');
    await fixture.elect('c');
    await fixture.observed('c');
    for (const id of ['a', 'b']) expectEqual(fixture.election(id).leadership, undefined, `the grant of ${id}`);
  });
}

function withdrawalCases(suite: Suite<ElectionFixture>): void {
  suite.test('aborting the only call withdraws the candidacy', async (fixture, bed) => {
    await fixture.elect('a');
    const controller = new AbortController();
    const call = fixture.election('b').campaign({ signal: controller.signal });
    const aborted = expectRejection(() => call, 'ABORTED', 'campaign');
    await bed.pass(200);
    controller.abort();
    await bed.soon('campaign', aborted, 1_000);
    await fixture.election('a').resign();
    await bed.pass(fixture.electedWithinMs / 6);
    for (const { id, part } of fixture.cluster.live) expectEqual(part.leadership, undefined, `the grant of ${id}`);
  });
  suite.test('aborting one of two calls leaves the candidacy to the other', async (fixture, bed) => {
    await fixture.elect('a');
    const controller = new AbortController();
    const given = fixture.election('b').campaign({ signal: controller.signal });
    const kept = fixture.election('b').campaign();
    const aborted = expectRejection(() => given, 'ABORTED', 'the call that was aborted');
    await bed.pass(200);
    controller.abort();
    await bed.soon('the call that was aborted', aborted, 1_000);
    await fixture.election('a').resign();
    expectEqual((await bed.soon('the other call', kept, fixture.electedWithinMs)).nodeId, 'b', 'the leader');
  });
}

function watchCases(suite: Suite<ElectionFixture>): void {
  suite.test('watch begins with what is known, and tells each change', async (fixture, bed) => {
    const first = fixture.election('c').watch()[Symbol.asyncIterator]();
    expectEqual(
      (await bed.soon('what is known', first.next(), 100)).value,
      undefined,
      'the leader before any election',
    );
    const grant = await fixture.elect('a');
    const told = await bed.soon('the change', first.next(), fixture.electedWithinMs);
    expectEqual(told.value, { nodeId: 'a', token: grant.token }, 'the change');
    const late = fixture.election('c').watch()[Symbol.asyncIterator]();
    expectEqual(
      (await bed.soon('what is known', late.next(), 100)).value,
      told.value,
      'what a later watch begins with',
    );
  });
  suite.test('a node is told of itself when it has the grant, and not before', async (fixture, bed) => {
    const election = fixture.election('a');
    const told = election.watch()[Symbol.asyncIterator]();
    const { token } = await fixture.elect('a');
    const itself = async (): Promise<bigint | undefined> => {
      for (let next = await told.next(); next.done !== true; next = await told.next()) {
        if (next.value?.nodeId === 'a') return election.leadership?.token;
      }
      return undefined;
    };
    expectEqual(
      await bed.soon('what it is told of itself', itself(), fixture.electedWithinMs),
      token,
      'its grant then',
    );
  });
  suite.test('a slow reader gets the newest', async (fixture, bed) => {
    const slow = fixture.election('c').watch()[Symbol.asyncIterator]();
    await fixture.elect('a');
    await fixture.observed('a');
    fixture.candidates(['b']);
    await fixture.election('a').resign();
    await fixture.observed('b', ['b', 'c']);
    const { value } = await bed.soon('the newest', slow.next(), 100);
    expectEqual(value?.nodeId, 'b', 'what the slow one reads first');
  });
}

function startCases(suite: Suite<ElectionFixture>, harness: ElectionHarness): void {
  suite.test('start after dispose rejects with CLOSED', async (fixture) => {
    const { part } = fixture.cluster.node('a');
    await part[Symbol.asyncDispose]();
    await expectRejection(() => part.start(), 'CLOSED', 'start');
  });
  suite.test('a plugin says that it is an election', async () => {
    expectEqual(harness.create({ voters: ['a'] }).kind, 'election', 'the kind of the plugin');
  });
  suite.test('a leader that is disposed leads no more, and another takes over', async (fixture) => {
    const grant = await fixture.elect('a');
    fixture.candidates(['b']);
    await fixture.election('a')[Symbol.asyncDispose]();
    expectThat(!grant.isValid() && grant.signal.aborted, 'its grant has ended');
    expectEqual(fixture.election('a').leadership, undefined, 'its leadership');
    expectThat((await fixture.leader('a')).grant.token > grant.token, 'the next token is greater');
  });
}

/** With `b` leading, `a` has to wait for its turn. */
function ledLifecycle(runner: Runner, harness: ElectionHarness): void {
  const suite = new Suite<ElectionFixture>(runner, harness, async (bed) => {
    const fixture = await ElectionFixture.open(harness, bed);
    await fixture.elect('b');
    await fixture.observed('b');
    return fixture;
  });
  const otherwise = harness.supports.transfer ? 'NOT_LEADER' : 'UNSUPPORTED';
  lifecycleRules(suite, {
    part: (fixture) => fixture.election('a'),
    clock: ({ cluster }) => cluster.node('a').machine.clock,
    alsoDispose: ({ cluster }) => cluster.stop('a'),
    methods: [
      { name: 'campaign', call: (fixture, options) => fixture.election('a').campaign(options), stall: () => undefined },
      { name: 'resign', call: (fixture, options) => fixture.election('a').resign(options) },
      { name: 'transfer', call: (fixture, options) => fixture.election('a').transfer('c', options), otherwise },
    ],
    watches: [{ name: 'watch', open: (fixture, options) => fixture.election('a').watch(options) }],
  });
}

import type { ClusterNode } from '@quorate/core';

import { DiscoveryFixture, type DiscoveryHarness, namesOf, NODES } from './discovery-fixture.ts';
import { expectDefined, expectEqual, expectRejection, expectThat } from './expectations.ts';
import { lifecycleRules, optionRules, type WaitingMethod } from './lifecycle.ts';
import type { Runner } from './runner.ts';
import { type SkipReason, Suite } from './suite.ts';

/** What `IClusterDiscovery` promises, as tests of an adapter. */
export function discoveryContract<S>(runner: Runner, harness: DiscoveryHarness<S>): void {
  runner.describe(`${harness.name} keeps the contract of a discovery`, () => {
    const suite = new Suite<DiscoveryFixture<S>>(runner, harness, (bed) => DiscoveryFixture.open(harness, bed));
    answerCases(suite, harness);
    registrationCases(suite, harness);
    watchCases(suite, harness);
    failureCases(suite, harness);
    claimCases(suite, harness);
    lifecycleRules(suite, {
      part: ({ discovery }) => discovery,
      clock: ({ machine }) => machine.clock,
      methods: waitingMethods(harness),
      watches: [{ name: 'watch', open: ({ discovery }, options) => discovery.watch(options) }],
    });
    optionRules(suite, harness.refuses);
  });
}

type DiscoverySuite<S> = Suite<DiscoveryFixture<S>>;

const SELF: ClusterNode = { id: 'a', host: '10.9.0.9', port: 7009 };

function without(hook: unknown, name: string): SkipReason {
  return hook === undefined ? `the harness has no ${name}` : undefined;
}

function waitingMethods<S>(harness: DiscoveryHarness<S>): readonly WaitingMethod<DiscoveryFixture<S>>[] {
  const skipped = harness.supports.registration ? undefined : 'supports.registration is false';
  const stall = harness.stallSource === undefined ? {} : { stall: (fixture: DiscoveryFixture<S>) => fixture.stall() };
  return [
    { name: 'discoverNodes', call: ({ discovery }, options) => discovery.discoverNodes(options), ...stall },
    {
      name: 'registerNode',
      call: ({ discovery }, options) => discovery.registerNode(SELF, options),
      skipped,
      ...stall,
    },
    {
      name: 'unregisterNode',
      call: ({ discovery }, options) => discovery.unregisterNode(SELF.id, options),
      skipped,
      ...stall,
    },
  ];
}

function answerCases<S>(suite: DiscoverySuite<S>, harness: DiscoveryHarness<S>): void {
  suite.test('supports is what the harness says', async ({ discovery }) => {
    expectEqual(discovery.supports, harness.supports, 'supports');
  });
  suite.test('discoverNodes tells the nodes that the source knows', async ({ discovery }) => {
    expectEqual(namesOf(await discovery.discoverNodes()), namesOf(NODES), 'the nodes');
  });
  suite.test('calls at one time are all answered', async ({ discovery }) => {
    const calls = Array.from({ length: 10 }, () => discovery.discoverNodes());
    for (const nodes of await Promise.all(calls)) expectEqual(namesOf(nodes), namesOf(NODES), 'the nodes');
  });
  suite.test('a source that knows nobody is no failure', async (_, bed) => {
    const empty = await DiscoveryFixture.open(harness, bed, []);
    expectEqual(await empty.discovery.discoverNodes(), [], 'the nodes');
    await empty[Symbol.asyncDispose]();
  });
  suite.test('disposing one leaves those of other nodes alone', async (fixture) => {
    const other = fixture.another('b');
    await fixture.discovery[Symbol.asyncDispose]();
    expectEqual(namesOf(await other.discoverNodes()), namesOf(NODES), 'the nodes');
  });
  suite.test(
    'discoverNodes asks anew each time',
    async (fixture) => {
      await fixture.discovery.discoverNodes();
      await fixture.publish(NODES.slice(1));
      expectEqual(namesOf(await fixture.discovery.discoverNodes()), namesOf(NODES.slice(1)), 'the nodes');
    },
    without(harness.publish, 'publish'),
  );
}

function registrationCases<S>(suite: DiscoverySuite<S>, harness: DiscoveryHarness<S>): void {
  const skipped = harness.supports.registration ? undefined : 'supports.registration is false';
  const registered = async (fixture: DiscoveryFixture<S>) => {
    const nodes = await fixture.another('observer').discoverNodes();
    return namesOf(nodes.filter(({ id }) => id === SELF.id));
  };
  suite.test(
    'a registered node is found by the others',
    async (fixture) => {
      await fixture.discovery.registerNode(SELF);
      expectEqual(await registered(fixture), namesOf([SELF]), 'the node');
    },
    skipped,
  );
  suite.test(
    'registering again changes nothing, or what is new',
    async (fixture) => {
      await fixture.discovery.registerNode(SELF);
      await fixture.discovery.registerNode(SELF);
      expectEqual(await registered(fixture), namesOf([SELF]), 'registered twice');
      const moved = { ...SELF, host: '10.9.0.10' };
      await fixture.discovery.registerNode(moved);
      expectEqual(await registered(fixture), namesOf([moved]), 'moved to another address');
    },
    skipped,
  );
  suite.test(
    'an unregistered node is gone, and unregistering is idempotent',
    async (fixture) => {
      await fixture.discovery.registerNode(SELF);
      await fixture.discovery.unregisterNode(SELF.id);
      expectEqual(await registered(fixture), [], 'the node');
      await fixture.discovery.unregisterNode(SELF.id);
      await fixture.discovery.unregisterNode('never-registered');
    },
    skipped,
  );
  suite.test(
    'a registration with a signal that has aborted registers nobody',
    async (fixture) => {
      const register = () => fixture.discovery.registerNode(SELF, { signal: AbortSignal.abort() });
      await expectRejection(register, 'ABORTED', 'registerNode');
      expectEqual(await registered(fixture), [], 'the node');
    },
    skipped,
  );
  suite.test(
    'registration rejects with UNSUPPORTED',
    async ({ discovery }) => {
      await expectRejection(() => discovery.registerNode(SELF), 'UNSUPPORTED', 'registerNode');
      await expectRejection(() => discovery.unregisterNode(SELF.id), 'UNSUPPORTED', 'unregisterNode');
    },
    harness.supports.registration ? 'supports.registration is true' : undefined,
  );
}

function claimCases<S>(suite: DiscoverySuite<S>, harness: DiscoveryHarness<S>): void {
  const skipped = harness.supports.createIfAbsent ? undefined : 'supports.createIfAbsent is false';
  const claim = ({ discovery }: Pick<DiscoveryFixture<S>, 'discovery'>, value: Uint8Array | undefined) =>
    expectDefined(discovery.claim?.bind(discovery), 'claim')(value);
  const valueOf = (number: number) => new Uint8Array([number, 0, 255, number]);
  suite.test('there is claim if supports.createIfAbsent says so', async ({ discovery }) => {
    expectEqual(discovery.claim !== undefined, harness.supports.createIfAbsent, 'whether there is claim');
  });
  suite.test(
    'asking for what nobody has claimed tells nothing, and leaves it so',
    async (fixture) => {
      expectEqual(await claim(fixture, undefined), undefined, 'the first answer');
      expectEqual(await claim(fixture, undefined), undefined, 'the second answer');
    },
    skipped,
  );
  suite.test(
    'of several claims at one time one is kept, and all are told which',
    async (fixture) => {
      const others = ['b', 'c', 'd'].map((name) => ({ discovery: fixture.another(name) }));
      const all = [fixture, ...others];
      const [first, ...rest] = await Promise.all(all.map((each, number) => claim(each, valueOf(number))));
      const kept = expectDefined(first, 'what is kept');
      expectThat(
        all.some((_, number) => [...valueOf(number)].join() === [...kept].join()),
        'what is kept is none of what was claimed',
      );
      for (const told of rest) expectEqual([...expectDefined(told, 'what was told')], [...kept], 'what was told');
    },
    skipped,
  );
  suite.test(
    'what was claimed stays, whoever claims later, and when who claimed it is gone',
    async (fixture) => {
      await claim(fixture, valueOf(1));
      const other = fixture.another('b');
      await fixture.discovery[Symbol.asyncDispose]();
      for (const value of [undefined, valueOf(2)]) {
        const told = expectDefined(await claim({ discovery: other }, value), 'what was told');
        expectEqual([...told], [...valueOf(1)], 'what was told');
      }
    },
    skipped,
  );
  suite.test(
    'a value of 16 KiB can be claimed, and a larger one is refused',
    async (fixture) => {
      const tooLarge = () => claim(fixture, new Uint8Array(16 * 1024 + 1));
      await expectRejection(tooLarge, 'INVALID_OPTIONS', 'a claim that is too large');
      const value = new Uint8Array(16 * 1024).fill(7);
      expectEqual((await claim(fixture, value))?.length, value.length, 'bytes');
    },
    skipped,
  );
}

function watchCases<S>(suite: DiscoverySuite<S>, harness: DiscoveryHarness<S>): void {
  const skipped = without(harness.publish, 'publish');
  suite.test('watch begins with what the source says', async (fixture, bed) => {
    const snapshot = await fixture.reader(fixture.discovery).next();
    expectEqual(namesOf(snapshot.nodes), namesOf(NODES), 'the nodes');
    expectThat(typeof snapshot.source === 'string' && snapshot.source !== '', 'a snapshot names its source');
    expectThat(typeof snapshot.complete === 'boolean', 'a snapshot says whether it is complete');
    const age = fixture.machine.clock.now() - snapshot.observedAt;
    expectThat(age >= 0 && age <= fixture.noticedWithinMs, `observedAt is of this node's clock; its age is ${age} ms`);
    await bed.pass(0);
  });
  suite.test('a second watch gets the last good answer at once', async (fixture, bed) => {
    await fixture.reader(fixture.discovery).next();
    const second = fixture.discovery.watch()[Symbol.asyncIterator]();
    const { value } = await bed.soon('the second watch', second.next(), 100);
    expectEqual(namesOf(value?.nodes ?? []), namesOf(NODES), 'the nodes');
  });
  suite.test(
    'watch tells of every change, to all who watch',
    async (fixture) => {
      const readers = [fixture.reader(fixture.discovery), fixture.reader(fixture.discovery)];
      for (const reader of readers) await reader.next();
      for (const nodes of [NODES.slice(1), NODES.slice(0, 1), NODES]) {
        await fixture.publish(nodes);
        for (const reader of readers) expectEqual(namesOf((await reader.next()).nodes), namesOf(nodes), 'the nodes');
      }
    },
    skipped,
  );
  suite.test(
    'watch is silent while nothing changes',
    async (fixture, bed) => {
      const reader = fixture.reader(fixture.discovery);
      await reader.next();
      const silence = reader.next();
      await fixture.publish(NODES);
      await bed.pass(fixture.noticedWithinMs / 2);
      await fixture.publish(NODES.slice(2));
      expectEqual(namesOf((await silence).nodes), namesOf(NODES.slice(2)), 'the first that differs');
    },
    skipped,
  );
  suite.test(
    'a slow reader gets the newest',
    async (fixture) => {
      const slow = fixture.reader(fixture.discovery);
      const quick = fixture.reader(fixture.discovery);
      await quick.next();
      for (const nodes of [NODES.slice(1), NODES.slice(2)]) {
        await fixture.publish(nodes);
        await quick.next();
      }
      expectEqual(namesOf((await slow.next()).nodes), namesOf(NODES.slice(2)), 'what the slow one reads first');
    },
    skipped,
  );
  suite.test('a reader that leaves does not end the others', async (fixture) => {
    const leaving = fixture.reader(fixture.discovery);
    const staying = fixture.reader(fixture.discovery);
    await leaving.next();
    await leaving.stop();
    expectEqual(namesOf((await staying.next()).nodes), namesOf(NODES), 'the nodes');
  });
}

function failureCases<S>(suite: DiscoverySuite<S>, harness: DiscoveryHarness<S>): void {
  const skipped = without(harness.breakSource, 'breakSource') ?? without(harness.publish, 'publish');
  suite.test(
    'discoverNodes rejects while the source fails, and answers when it is back',
    async (fixture, bed) => {
      const { discovery } = fixture;
      await discovery.discoverNodes();
      await fixture.break();
      const failed = () => bed.soon('discoverNodes', discovery.discoverNodes(), fixture.noticedWithinMs);
      await expectRejection(failed, FAILURES, 'discoverNodes of a broken source');
      await fixture.repair(NODES);
      expectEqual(namesOf(await discovery.discoverNodes()), namesOf(NODES), 'the nodes');
    },
    skipped,
  );
  suite.test(
    'watch is silent while the source fails, and goes on when it is back',
    async (fixture, bed) => {
      const reader = fixture.reader(fixture.discovery);
      await reader.next();
      await fixture.break();
      let told = false;
      const next = reader.next();
      const notice = () => {
        told = true;
      };
      void next.then(notice, notice);
      await bed.pass(fixture.noticedWithinMs / 2);
      expectThat(!told, 'a failing source tells watchers nothing');
      await fixture.repair(NODES.slice(1));
      expectEqual(namesOf((await next).nodes), namesOf(NODES.slice(1)), 'the nodes after the failure');
    },
    skipped,
  );
  suite.test(
    'watch of a source that fails from the start begins when it is back',
    async (fixture, bed) => {
      await fixture.break();
      const next = fixture.reader(fixture.discovery).next();
      await bed.pass(fixture.noticedWithinMs / 4);
      await fixture.repair(NODES);
      expectEqual(namesOf((await next).nodes), namesOf(NODES), 'the nodes');
    },
    skipped,
  );
  suite.test(
    'what is no node is left out, and hides none that is',
    async (fixture) => {
      await fixture.publishRaw([...NODES, ...HOSTILE, ...NODES]);
      expectEqual(namesOf(await fixture.discovery.discoverNodes()), namesOf(NODES), 'the nodes');
    },
    without(harness.publishRaw, 'publishRaw'),
  );
}

/** How the failure of a source is told: never as the caller's own doing. */
const FAILURES = ['IO', 'TIMEOUT', 'NOT_FOUND', 'PROTOCOL', 'REMOTE', 'REFUSED', 'DISCONNECTED', 'CORRUPT'] as const;

const HOSTILE: readonly unknown[] = [
  null,
  7,
  'text',
  [],
  {},
  { host: '10.9.0.4' },
  { host: '10.9.0.4', port: 0 },
  { host: '10.9.0.4', port: 65_536 },
  { host: '10.9.0.4', port: '7001' },
  { host: '10.9.0.4', port: Number.MAX_SAFE_INTEGER },
  { host: '', port: 7001 },
  { host: 'a b', port: 7001 },
  { host: 'x'.repeat(300), port: 7001 },
  { host: '10.9.0.4', port: 7001, id: '' },
  { host: '10.9.0.4', port: 7001, id: '../../etc' },
  { host: '10.9.0.4', port: 7001, metadata: 'text' },
  { host: '10.9.0.4', port: 7001, metadata: { big: 'x'.repeat(20_000) } },
  { host: '10.9.0.4', port: 7001, weight: -1 },
];

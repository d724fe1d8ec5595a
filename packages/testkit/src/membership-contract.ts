import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import { lifecycleRules, optionRules } from './lifecycle.ts';
import { descriptionCases } from './membership-description-cases.ts';
import { MembershipFixture, type MembershipHarness } from './membership-fixture.ts';
import { leaveCases } from './membership-leave-cases.ts';
import type { Runner } from './runner.ts';
import { Suite } from './suite.ts';

/** What `Membership` promises, as tests of an adapter. */
export function membershipContract(runner: Runner, harness: MembershipHarness): void {
  runner.describe(`${harness.name} keeps the contract of a membership`, () => {
    const suite = new Suite<MembershipFixture>(runner, harness, (bed) => MembershipFixture.open(harness, bed));
    viewCases(suite);
    changeCases(suite);
    failureCases(suite);
    leaveCases(suite);
    descriptionCases(suite, harness);
    startCases(suite, harness);
    lifecycleRules(suite, {
      part: ({ cluster }) => cluster.part('a'),
      clock: ({ cluster }) => cluster.node('a').machine.clock,
      methods: [
        {
          name: 'leave',
          call: ({ cluster }, options) => cluster.part('a').leave(options),
          stall: ({ cluster }) => cluster.isolate('a'),
          skipped: suite.withoutFaults,
        },
      ],
      watches: [{ name: 'watch', open: ({ cluster }, options) => cluster.part('a').watch(options) }],
      alsoDispose: ({ cluster }) => cluster.stop('a'),
    });
    optionRules(suite, harness.refuses);
  });
}

function viewCases(suite: Suite<MembershipFixture>): void {
  suite.test('the view has this node, alive, with its address', async ({ cluster }) => {
    for (const { id, part, transport, incarnation } of cluster.live) {
      const own = part.view.members.get(id);
      expectEqual(
        [own?.state, own?.node, own?.incarnation],
        ['alive', transport.self, incarnation],
        `${id} in its view`,
      );
    }
  });
  suite.test('the view has the others as they describe themselves', async ({ cluster }) => {
    const seen = cluster.part('a').view.members.get('b');
    const { transport, incarnation } = cluster.node('b');
    expectEqual([seen?.node, seen?.incarnation], [transport.self, incarnation], 'b in the view of a');
    expectThat((seen?.since ?? Infinity) <= cluster.node('a').machine.clock.now(), 'since is not in the future');
  });
  suite.test('a view never changes; a change makes another', async (fixture) => {
    const before = fixture.cluster.part('a').view;
    const copy = new Map(before.members);
    await fixture.cluster.start('c');
    await fixture.everybodySees({ a: 'alive', b: 'alive', c: 'alive' });
    await fixture.cluster.stop('b');
    await fixture.everybodySees({ a: 'alive', b: 'left', c: 'alive' });
    expectEqual(before.members, copy, 'the members of the old view');
    expectThat(fixture.cluster.part('a').view.version > before.version, 'the version has grown');
  });
  suite.test(
    'where the order of joining is told, all see the same, and who joins later is later',
    async (fixture, bed) => {
      const ordersSeenBy = (id: string) => {
        return ['a', 'b', 'c'].map((of) => fixture.cluster.part(id).view.members.get(of)?.joinOrder);
      };
      await fixture.cluster.start('c');
      await fixture.everybodySees({ a: 'alive', b: 'alive', c: 'alive' });
      const seen = () => ['a', 'b', 'c'].map((id) => ordersSeenBy(id).join());
      await bed.until('one order', () => new Set(seen()).size === 1, fixture.noticedWithinMs);
      const [a, b, c] = ordersSeenBy('c');
      if (a === undefined && b === undefined && c === undefined) return;
      const isOrdered =
        a !== undefined && b !== undefined && c !== undefined && Math.min(a, b) > 0 && c > Math.max(a, b);
      expectThat(isOrdered, `c comes last: ${String([a, b, c])}`);
    },
  );
}

function changeCases(suite: Suite<MembershipFixture>): void {
  suite.test('a node that joins is told once, to every watch', async (fixture, bed) => {
    const watches = [fixture.changes('a'), fixture.changes('a')];
    await fixture.cluster.start('c');
    await fixture.everybodySees({ a: 'alive', b: 'alive', c: 'alive' });
    await bed.until('the change', () => watches.every((changes) => changes.length > 0));
    for (const changes of watches) {
      expectEqual(
        changes.map(({ type, member }) => [type, member.node.id, member.state]),
        [['joined', 'c', 'alive']],
        'the changes',
      );
    }
  });
  suite.test('a node that stops in order has left', async (fixture, bed) => {
    const changes = fixture.changes('a');
    await fixture.cluster.stop('b');
    await fixture.everybodySees({ a: 'alive', b: 'left' });
    await bed.until('the change', () => changes.length > 0);
    const left = changes.find(({ type }) => type === 'left');
    expectEqual(left?.type === 'left' && left.reason, 'graceful_shutdown', 'the reason');
    await bed.pass(fixture.noticedWithinMs / 2);
    expectThat(!changes.some(({ type }) => type === 'failed'), 'a node that left has not failed');
  });
  suite.test('a node that left can come back', async (fixture, bed) => {
    await fixture.cluster.stop('b');
    await fixture.everybodySees({ a: 'alive', b: 'left' });
    const changes = fixture.changes('a');
    await fixture.cluster.start('b');
    await fixture.everybodySees({ a: 'alive', b: 'alive' });
    await bed.until('the change', () => changes.length > 0);
    expectEqual(changes[0]?.type, 'joined', 'the change');
    expectEqual(fixture.cluster.part('a').view.members.get('b')?.incarnation, 2, 'the incarnation');
  });
  suite.test('every change grows the version by one, and comes with its view', async (fixture, bed) => {
    const first = fixture.cluster.part('a').view.version;
    const changes = fixture.changes('a');
    await fixture.cluster.start('c');
    await fixture.everybodySees({ a: 'alive', b: 'alive', c: 'alive' });
    await fixture.cluster.stop('b');
    await fixture.everybodySees({ a: 'alive', b: 'left', c: 'alive' });
    await bed.pass(100);
    const versions = changes.map(({ view }) => view.version);
    expectEqual(
      versions,
      versions.map((_, at) => first + at + 1),
      'the versions',
    );
    for (const { view, member } of changes) {
      expectEqual(view.members.get(member.node.id), member, `${member.node.id} in the view of its change`);
    }
  });
}

function failureCases(suite: Suite<MembershipFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'a node that dies is suspected first, then unreachable',
    async (fixture, bed) => {
      const changes = fixture.changes('a');
      fixture.cluster.crash('b');
      await fixture.everybodySees({ a: 'alive', b: 'unreachable' });
      await bed.until('both changes', () => changes.length >= 2);
      expectEqual(
        changes.map(({ type, member }) => [type, member.node.id]),
        [
          ['suspected', 'b'],
          ['failed', 'b'],
        ],
        'the changes',
      );
    },
    skipped,
  );
  suite.test(
    'a node that died can come back',
    async (fixture) => {
      fixture.cluster.crash('b');
      await fixture.everybodySees({ a: 'alive', b: 'unreachable' });
      await fixture.cluster.start('b');
      await fixture.everybodySees({ a: 'alive', b: 'alive' });
      expectEqual(fixture.cluster.part('a').view.members.get('b')?.incarnation, 2, 'the incarnation');
    },
    skipped,
  );
  suite.test(
    'nodes that are cut off find each other again, and are alive to themselves meanwhile',
    async (fixture) => {
      await fixture.cluster.start('c');
      await fixture.everybodySees({ a: 'alive', b: 'alive', c: 'alive' });
      fixture.cluster.isolate('a');
      await fixture.sees(['a'], { a: 'alive', b: 'unreachable', c: 'unreachable' });
      await fixture.sees(['b', 'c'], { a: 'unreachable', b: 'alive', c: 'alive' });
      fixture.cluster.heal();
      await fixture.everybodySees({ a: 'alive', b: 'alive', c: 'alive' });
    },
    skipped,
  );
  suite.test(
    'a node that is restarted at once is never told as having left',
    async (fixture, bed) => {
      const changes = fixture.changes('a');
      fixture.cluster.crash('b');
      await fixture.cluster.start('b');
      const incarnation = () => fixture.cluster.part('a').view.members.get('b')?.incarnation;
      await bed.until('the new incarnation', () => incarnation() === 2, fixture.noticedWithinMs);
      await fixture.everybodySees({ a: 'alive', b: 'alive' });
      expectThat(!changes.some(({ type }) => type === 'left'), 'it did not leave');
    },
    skipped,
  );
}

function startCases(suite: Suite<MembershipFixture>, harness: MembershipHarness): void {
  suite.test('start after dispose rejects with CLOSED', async ({ cluster }) => {
    await cluster.part('a')[Symbol.asyncDispose]();
    await expectRejection(() => cluster.part('a').start(), 'CLOSED', 'start');
  });
  suite.test('the view can be read after dispose', async ({ cluster }) => {
    await cluster.part('a')[Symbol.asyncDispose]();
    expectEqual(cluster.part('a').view.members.get('a')?.node.id, 'a', 'this node');
  });
  suite.test('a plugin says that it is a membership', async () => {
    const plugin = harness.create();
    expectEqual(plugin.kind, 'membership', 'the kind of the plugin');
  });
}

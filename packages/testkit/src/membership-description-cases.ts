import { MAX_NODE_BYTES, type MembershipChange } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import type { MembershipFixture, MembershipHarness } from './membership-fixture.ts';
import type { Suite } from './suite.ts';

const ALL_ALIVE = { a: 'alive', b: 'alive', c: 'alive' };
const CACHE = { metadata: { role: 'cache' }, weight: 3 };

/** A node that says something else of itself while it runs. */
export function descriptionCases(suite: Suite<MembershipFixture>, { describes = true }: MembershipHarness): void {
  suite.group('description', () => {
    if (!describes) {
      suite.test('is not to be had', async ({ cluster }) =>
        expectThat(cluster.part('a').describe === undefined, 'there is no describe'),
      );
      return;
    }
    tellingCases(suite);
    stayingCases(suite);
    refusingCases(suite);
    faultCases(suite);
  });
}

function tellingCases(suite: Suite<MembershipFixture>): void {
  suite.test('is told to all, the node itself too, once and with its view', async (fixture, bed) => {
    await fixture.cluster.start('c');
    await fixture.everybodySees(ALL_ALIVE);
    const ids = ['a', 'b', 'c'];
    const told = ids.map((id) => fixture.changes(id));
    const versions = ids.map((id) => fixture.cluster.part(id).view.version);
    fixture.describe('b', CACHE);
    const own = fixture.cluster.part('b').view.members.get('b')?.node;
    expectEqual([own?.metadata, own?.weight], [CACHE.metadata, CACHE.weight], 'what b shows of itself, at once');
    await fixture.seesSaid(ids, 'b', CACHE);
    await bed.quiet();
    for (const [at, changes] of told.entries()) {
      expectEqual(changes.map(toText), ['updated b alive'], `what ${ids[at]} was told`);
      expectEqual(changes[0]?.view.version, (versions[at] ?? 0) + 1, 'the version');
      expectEqual(changes[0]?.view.members.get('b'), changes[0]?.member, 'b in the view of the change');
    }
    expectEqual(fixture.cluster.node('b').transport.self, own, 'what the transport has');
  });
  suite.test('of many in a row the last is seen, and few of the others', async (fixture, bed) => {
    const changes = fixture.changes('a');
    for (let turn = 1; turn <= 200; turn += 1) fixture.describe('b', { metadata: { turn: String(turn) } });
    await fixture.seesSaid(['a', 'b'], 'b', { metadata: { turn: '200' } });
    await bed.pass(fixture.noticedWithinMs / 10);
    expectThat(changes.length <= 3, `a was told of ${changes.length} changes`);
    expectThat(
      changes.every(({ type }) => type === 'updated'),
      'all are updates',
    );
  });
  suite.test('that says the same again is told to nobody', async (fixture, bed) => {
    fixture.describe('b', CACHE);
    await fixture.seesSaid(['a', 'b'], 'b', CACHE);
    const told = ['a', 'b'].map((id) => fixture.changes(id));
    fixture.describe('b', CACHE);
    fixture.describe('b', { weight: CACHE.weight });
    await bed.quiet();
    expectEqual(told, [[], []], 'the changes');
  });
  suite.test('of all at once is seen by all', async (fixture) => {
    await fixture.cluster.start('c');
    await fixture.everybodySees(ALL_ALIVE);
    const ids = ['a', 'b', 'c'];
    for (const id of ids) fixture.describe(id, { metadata: { is: id } });
    for (const id of ids) await fixture.seesSaid(ids, id, { metadata: { is: id } });
  });
}

function stayingCases(suite: Suite<MembershipFixture>): void {
  suite.test('is what later joiners see', async (fixture) => {
    fixture.describe('b', CACHE);
    await fixture.seesSaid(['a', 'b'], 'b', CACHE);
    await fixture.cluster.start('c');
    await fixture.everybodySees(ALL_ALIVE);
    await fixture.seesSaid(['c'], 'b', CACHE);
  });
  suite.test('ends with the run of the node', async (fixture) => {
    fixture.describe('b', CACHE);
    await fixture.seesSaid(['a', 'b'], 'b', CACHE);
    await fixture.cluster.stop('b');
    await fixture.everybodySees({ a: 'alive', b: 'left' });
    await fixture.cluster.start('b');
    await fixture.seesSaid(['a', 'b'], 'b', {});
  });
}

function refusingCases(suite: Suite<MembershipFixture>): void {
  suite.test(
    'that is none, or too large, is refused with INVALID_OPTIONS, and nothing changes',
    async (fixture, bed) => {
      const { view } = fixture.cluster.part('b');
      const changes = fixture.changes('a');
      const bad = [
        { metadata: { text: 'x'.repeat(MAX_NODE_BYTES) } },
        { weight: -1 },
        { metadata: { n: 1 } },
        { zone: 'z' },
      ];
      for (const description of bad) {
        await expectRejection(async () => fixture.describe('b', description as object), 'INVALID_OPTIONS', 'describe');
      }
      await bed.quiet();
      expectEqual(fixture.cluster.part('b').view, view, 'the view');
      expectEqual(changes, [], 'the changes');
    },
  );
  suite.test('throws CLOSED once the node leaves, and after dispose', async (fixture) => {
    await fixture.cluster.part('b').leave();
    await expectRejection(async () => fixture.describe('b', CACHE), 'CLOSED', 'describe');
    await fixture.cluster.part('a')[Symbol.asyncDispose]();
    await expectRejection(async () => fixture.describe('a', CACHE), 'CLOSED', 'describe');
  });
}

function faultCases(suite: Suite<MembershipFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'of a node that is suspected meanwhile is seen when it is not any more',
    async (fixture, bed) => {
      await fixture.cluster.start('c');
      await fixture.everybodySees(ALL_ALIVE);
      fixture.cluster.isolate('b');
      await bed.until('the suspicion', () => fixture.stateOf('b', 'a') !== 'alive', fixture.noticedWithinMs);
      fixture.describe('b', CACHE);
      fixture.cluster.heal();
      await fixture.everybodySees(ALL_ALIVE);
      await fixture.seesSaid(['a', 'b', 'c'], 'b', CACHE);
    },
    skipped,
  );
  suite.test(
    'of both sides of a partition is seen when it heals',
    async (fixture) => {
      await fixture.cluster.start('c');
      await fixture.everybodySees(ALL_ALIVE);
      fixture.describe('c', { weight: 1 });
      fixture.cluster.isolate('a');
      await fixture.sees(['a'], { a: 'alive', b: 'unreachable', c: 'unreachable' });
      await fixture.sees(['b', 'c'], { a: 'unreachable', b: 'alive', c: 'alive' });
      fixture.describe('a', { metadata: { side: 'one' } });
      fixture.describe('b', { metadata: { side: 'other' } });
      await fixture.seesSaid(['c'], 'b', { metadata: { side: 'other' } });
      fixture.cluster.heal();
      await fixture.seesSaid(['a', 'b', 'c'], 'a', { metadata: { side: 'one' } });
      await fixture.seesSaid(['a', 'b', 'c'], 'b', { metadata: { side: 'other' } });
      await fixture.seesSaid(['a', 'b', 'c'], 'c', { weight: 1 });
    },
    skipped,
  );
  suite.test(
    'ends with a run that crashed, and what was said before it does not come back',
    async (fixture, bed) => {
      await fixture.cluster.start('c');
      await fixture.everybodySees(ALL_ALIVE);
      fixture.describe('b', CACHE);
      await fixture.seesSaid(['a', 'b', 'c'], 'b', CACHE);
      fixture.cluster.crash('b');
      await fixture.cluster.start('b');
      await fixture.seesSaid(['a', 'b', 'c'], 'b', {});
      await bed.pass(fixture.noticedWithinMs / 4);
      await fixture.seesSaid(['a', 'b', 'c'], 'b', {});
    },
    skipped,
  );
}

function toText({ type, member }: MembershipChange): string {
  return `${type} ${member.node.id} ${member.state}`;
}

import type { MembershipChange } from '@quorate/core';

import { expectEqual, expectRejection, expectThat } from './expectations.ts';
import type { MembershipFixture } from './membership-fixture.ts';
import type { Suite } from './suite.ts';

const ALL_ALIVE = { a: 'alive', b: 'alive', c: 'alive' };

/** A node that says that it leaves, before it does. */
export function leaveCases(suite: Suite<MembershipFixture>): void {
  suite.group('leave', () => {
    tellingCases(suite);
    endingCases(suite);
    faultCases(suite);
  });
}

function tellingCases(suite: Suite<MembershipFixture>): void {
  suite.test('has been marked by a majority of the others when it resolves', async (fixture) => {
    await fixture.cluster.start('c');
    await fixture.everybodySees(ALL_ALIVE);
    await fixture.cluster.part('a').leave();
    expectEqual([fixture.stateOf('a', 'b'), fixture.stateOf('a', 'c')], ['left', 'left'], 'a, as b and c see it');
  });
  suite.test(
    'is told once, and neither failure nor return follow, though the node is still there',
    async (fixture, bed) => {
      await fixture.cluster.start('c');
      await fixture.everybodySees(ALL_ALIVE);
      const told = ['b', 'c'].map((id) => fixture.changes(id));
      await fixture.cluster.part('a').leave();
      await bed.pass(fixture.noticedWithinMs / 4);
      await fixture.cluster.stop('a');
      await bed.pass(fixture.noticedWithinMs / 4);
      for (const changes of told) expectEqual(changes.map(toText), ['left a graceful_shutdown'], 'the changes');
    },
  );
  suite.test('of a node that is started again then has it joined', async (fixture, bed) => {
    const changes = fixture.changes('a');
    await fixture.cluster.part('b').leave();
    await fixture.cluster.stop('b');
    await fixture.cluster.start('b');
    await fixture.everybodySees({ a: 'alive', b: 'alive' });
    await bed.until('both changes', () => changes.length >= 2, fixture.noticedWithinMs);
    expectEqual(changes.map(toText), ['left b graceful_shutdown', 'joined b'], 'the changes');
    expectEqual(fixture.cluster.part('a').view.members.get('b')?.incarnation, 2, 'the incarnation');
  });
}

function endingCases(suite: Suite<MembershipFixture>): void {
  suite.test('resolves at once when nobody else is alive', async (fixture, bed) => {
    await fixture.cluster.stop('b');
    await fixture.everybodySees({ a: 'alive', b: 'left' });
    await bed.soon('leave', fixture.cluster.part('a').leave(), 100);
  });
  suite.test('twice, at once or later, is one', async (fixture, bed) => {
    const changes = fixture.changes('a');
    const leave = () => fixture.cluster.part('b').leave();
    await Promise.all([leave(), leave()]);
    await leave();
    await bed.until('the change', () => changes.length > 0);
    await bed.quiet();
    expectEqual(changes.map(toText), ['left b graceful_shutdown'], 'the changes');
  });
  suite.test('of all at once resolves for each', async (fixture, bed) => {
    await fixture.cluster.start('c');
    await fixture.everybodySees(ALL_ALIVE);
    const leaving = fixture.cluster.live.map(async ({ id, part }) => {
      await part.leave();
      await fixture.cluster.stop(id);
    });
    await bed.soon('leave', Promise.all(leaving));
  });
}

function faultCases(suite: Suite<MembershipFixture>): void {
  const skipped = suite.withoutFaults;
  suite.test(
    'waits for the majority',
    async (fixture, bed) => {
      await fixture.cluster.start('c');
      await fixture.everybodySees(ALL_ALIVE);
      fixture.cluster.pause('c');
      let resolved = false;
      const leaving = fixture.cluster.part('a').leave();
      void leaving.then(() => (resolved = true));
      await bed.pass(300);
      expectThat(!resolved, 'one of two others is no majority');
      fixture.cluster.resume('c');
      await bed.soon('leave', leaving, fixture.noticedWithinMs);
      expectEqual(fixture.stateOf('a', 'c'), 'left', 'a, as c sees it');
    },
    skipped,
  );
  suite.test(
    'rejects with TIMEOUT when the others cannot be told',
    async (fixture, bed) => {
      fixture.cluster.isolate('a');
      const leaving = bed.soon('leave', fixture.cluster.part('a').leave(), fixture.noticedWithinMs);
      await expectRejection(() => leaving, 'TIMEOUT', 'leave');
      await fixture.sees(['b'], { a: 'unreachable', b: 'alive' });
    },
    skipped,
  );
}

function toText(change: MembershipChange): string {
  const reason = 'reason' in change ? ` ${change.reason}` : '';
  return `${change.type} ${change.member.node.id}${reason}`;
}

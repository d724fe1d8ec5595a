import type { ReplicationStatus } from '@quorate/core';

import { expectDefined, expectEqual, expectThat, expectThrow } from '../expectations.ts';
import type { Suite } from '../suite.ts';
import type { ReplicatorFixture } from './replicator-fixture.ts';
import { StatusAudit } from './status-audit.ts';

const next = { type: 'next', key: 'n' } as const;

/** What a replicator says of itself. */
export function replicatorStatusCases(suite: Suite<ReplicatorFixture>): void {
  statusCases(suite);
  peerCases(suite);
  growthCase(suite);
  watchCases(suite);
}

function statusCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('the status tells who leads, and how far everybody is', async (fixture, bed) => {
    const leader = await fixture.ready();
    const before = fixture.replicator(leader).status();
    for (let at = 0; at < 5; at += 1) await fixture.write(next);
    const after = fixture.replicator(leader).status();
    expectThat(after.commitIndex > before.commitIndex, 'the commit index has grown');
    expectThat(after.appliedIndex > before.appliedIndex, 'the applied index has grown');
    await bed.until('all to be as far as the leader', () => isEven(fixture), fixture.readyWithinMs);
    for (const id of fixture.cluster.ids) {
      const { role, term, leader: seen } = fixture.replicator(id).status();
      expectEqual(
        { role, term, seen },
        { role: id === leader ? 'leader' : 'follower', term: after.term, seen: leader },
        id,
      );
    }
  });
  suite.test('status after dispose throws CLOSED', async (fixture) => {
    const replicator = fixture.replicator('a');
    await replicator[Symbol.asyncDispose]();
    expectThrow(() => replicator.status(), 'CLOSED', 'status');
  });
}

function peerCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('the status of the leader tells how far the others are', async (fixture, bed) => {
    const leader = await fixture.ready();
    await fixture.write(next);
    const peers = () => fixture.replicator(leader).status().peers;
    const caughtUp = () => peers().every(({ lag }) => lag === 0);
    await bed.until('the others to have caught up', caughtUp, fixture.readyWithinMs);
    expectEqual(
      peers()
        .map(({ nodeId }) => nodeId)
        .sort(),
      fixture.others(leader),
      'the peers',
    );
    const { commitIndex } = fixture.replicator(leader).status();
    for (const { nodeId, matchIndex } of peers()) expectThat(matchIndex >= commitIndex, `${nodeId} has all of it`);
  });
  suite.test(
    'a peer that is away lags',
    async (fixture) => {
      const leader = await fixture.ready();
      const [away = leader] = fixture.others(leader);
      fixture.cluster.isolate(away);
      const { matchIndex } = peerOf(fixture.replicator(leader).status(), away);
      for (let at = 0; at < 5; at += 1) await fixture.soon('a write', fixture.replicator(leader).replicate(next));
      const peer = peerOf(fixture.replicator(leader).status(), away);
      expectEqual(peer.matchIndex, matchIndex, 'the last index known to be there');
      expectThat(peer.lag > 0, 'it lags');
    },
    suite.withoutFaults,
  );
}

function growthCase(suite: Suite<ReplicatorFixture>): void {
  suite.test(
    'a term has one leader, and terms and indexes only grow, whoever fails',
    async (fixture, bed) => {
      const audit = new StatusAudit(fixture);
      const watching = bed.world?.onStep(() => audit.check());
      for (const fault of ['isolate', 'pause', 'crash'] as const) {
        const leader = await fixture.ready();
        fixture.cluster[fault](leader);
        await fixture.ready(fixture.others(leader));
        await bed.pass(200);
        fixture.cluster.heal();
        if (fault === 'crash') await fixture.cluster.start(leader);
        else fixture.cluster.resume(leader);
        await fixture.write(next);
      }
      watching?.[Symbol.dispose]();
      expectThat(audit.leaders >= 4, `there were leaders of at least four terms: ${audit.leaders}`);
    },
    suite.withoutFaults,
  );
}

function watchCases(suite: Suite<ReplicatorFixture>): void {
  suite.test('watch begins with what is', async (fixture, bed) => {
    for (const id of fixture.cluster.ids) {
      const replicator = fixture.replicator(id);
      const { value } = await bed.soon('what is', replicator.watch()[Symbol.asyncIterator]().next(), 100);
      const { role, term, leader } = replicator.status();
      expectEqual(rolesOf(value), { role, term, leader }, `what a watch on ${id} begins with`);
    }
  });
  suite.test('watch tells how commit and application go on', async (fixture, bed) => {
    for (const id of [await fixture.ready(), await fixture.follower()]) {
      const reading = fixture.replicator(id).watch()[Symbol.asyncIterator]();
      await bed.soon('what is', reading.next(), 100);
      const { appliedIndex } = fixture.replicator(id).status();
      await fixture.write(next);
      const seen = until(reading, (status) => status.appliedIndex > appliedIndex && status.commitIndex > appliedIndex);
      await bed.soon(`a watch on ${id} to tell of a command`, seen, fixture.readyWithinMs);
      await reading.return?.();
    }
  });
  suite.test(
    'watch tells of another leader, and a slow reader of the newest one',
    async (fixture, bed) => {
      const first = await fixture.ready();
      const [observer = first] = fixture.others(first);
      const quick = fixture.replicator(observer).watch()[Symbol.asyncIterator]();
      const slow = fixture.replicator(observer).watch()[Symbol.asyncIterator]();
      fixture.cluster.crash(first);
      const second = await fixture.ready();
      await bed.soon(
        'the news',
        until(quick, ({ leader }) => leader === second),
        fixture.readyWithinMs,
      );
      await fixture.cluster.start(first);
      await fixture.ready();
      const { value } = await bed.soon('the newest', slow.next(), 100);
      expectEqual(value?.leader, fixture.replicator(observer).status().leader, 'what the slow one reads first');
    },
    suite.withoutFaults,
  );
}

/** Reads until a status is as it should be. */
async function until(
  reading: AsyncIterator<ReplicationStatus>,
  condition: (status: ReplicationStatus) => boolean,
): Promise<void> {
  for (;;) {
    const next = await reading.next();
    expectThat(next.done !== true, 'the watch goes on');
    if (condition(next.value)) return;
  }
}

function isEven(fixture: ReplicatorFixture): boolean {
  const applied = fixture.cluster.ids.map((id) => fixture.replicator(id).status().appliedIndex);
  return new Set(applied).size === 1;
}

function rolesOf(status: ReplicationStatus | undefined): Pick<ReplicationStatus, 'role' | 'term' | 'leader'> {
  const { role, term, leader } = expectDefined(status, 'a status');
  return { role, term, leader };
}

function peerOf({ peers }: ReplicationStatus, id: string): ReplicationStatus['peers'][number] {
  return expectDefined(
    peers.find(({ nodeId }) => nodeId === id),
    `peer ${id} in the status`,
  );
}

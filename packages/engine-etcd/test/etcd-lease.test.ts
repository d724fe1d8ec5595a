import { sleep } from '@quorate/core';
import { expect, it } from 'vitest';

import { KeptLease } from '../src/etcd-lease.ts';
import { failure, fakeEtcd, type FakeEtcd, never } from './fake-member.ts';

/** Answers as etcd does, `delayMs` later. */
function answering({ system }: FakeEtcd, delayMs: () => number) {
  return async (call: string, request: unknown) => {
    await sleep(system.clock, delayMs());
    return call === 'leaseGrant' ? { ID: (request as { ID: string }).ID, TTL: '6' } : { TTL: '6' };
  };
}

function grant(etcd: FakeEtcd): Promise<KeptLease> {
  const { clock, random } = etcd.system;
  return etcd.world.settled(KeptLease.grant({ clock, random, calls: etcd.calls }, { ttlMs: 6_000 }), 60_000);
}

it('holds for 0.8 of its time after a renewal was sent, however late the answer came', async () => {
  const etcd = fakeEtcd(1);
  etcd.members[0]!.behave = answering(etcd, () => 300);
  const lease = await grant(etcd);
  expect(lease.deadline).toBe(4_800);
  await etcd.world.settled(sleep(etcd.system.clock, 3_000), 60_000);
  const renewals = etcd.members[0]!.calls.filter(({ call }) => call === 'leaseKeepAlive').map(({ at }) => at);
  // A sixth of its time after the answer before.
  expect(renewals).toEqual([1_300, 2_600]);
  expect(lease.deadline).toBe(2_600 + 4_800);
  expect(lease.isValid()).toBe(true);
});

it('is lost at its deadline when no member answers, and asks on until then', async () => {
  const etcd = fakeEtcd(2);
  etcd.members[0]!.behave = answering(etcd, () => 0);
  etcd.members[1]!.behave = never;
  const lease = await grant(etcd);
  let lostAt: number | undefined;
  lease.lost.addEventListener('abort', () => (lostAt = etcd.system.clock.now()));
  etcd.world.after(500, () => {
    etcd.members[0]!.behave = never;
  });
  await etcd.world.settled(sleep(etcd.system.clock, 10_000), 60_000);
  expect(lostAt).toBe(4_800);
  expect(lease.isValid()).toBe(false);
  expect(etcd.members[1]!.calls.length).toBeGreaterThan(0);
  const last = Math.max(...etcd.members.flatMap(({ calls }) => calls.map(({ at }) => at)));
  expect(last).toBeLessThan(4_800);
});

it('survives answers that fail, as long as one comes in time', async () => {
  const etcd = fakeEtcd(1);
  etcd.members[0]!.behave = answering(etcd, () => 0);
  const lease = await grant(etcd);
  etcd.members[0]!.behave = () => Promise.reject(failure(14, 'etcdserver: no leader'));
  etcd.world.after(3_500, () => {
    etcd.members[0]!.behave = answering(etcd, () => 0);
  });
  await etcd.world.settled(sleep(etcd.system.clock, 20_000), 60_000);
  expect(lease.isValid()).toBe(true);
});

it('is lost when etcd says that it is over', async () => {
  const etcd = fakeEtcd(1);
  etcd.members[0]!.behave = answering(etcd, () => 0);
  const lease = await grant(etcd);
  etcd.members[0]!.behave = () => ({ TTL: '0' });
  await etcd.world.settled(sleep(etcd.system.clock, 1_001), 60_000);
  expect(lease.lost.aborted).toBe(true);
  expect(lease.isValid()).toBe(false);
});

it('is one lease, counted from the first attempt, when the answer to its grant got lost', async () => {
  const etcd = fakeEtcd(2);
  etcd.members[0]!.behave = never;
  etcd.members[1]!.behave = () => Promise.reject(failure(9, 'etcdserver: lease already exists'));
  const lease = await grant(etcd);
  const ids = etcd.members.map(({ calls }) => (calls[0]?.request as { ID: string } | undefined)?.ID);
  expect(ids).toEqual([lease.id, lease.id]);
  expect(Number.isSafeInteger(Number(lease.id))).toBe(true);
  expect(lease.deadline).toBe(4_800);
});

it('ends with its client, and leaves no timer behind', async () => {
  const etcd = fakeEtcd(1);
  etcd.members[0]!.behave = answering(etcd, () => 0);
  const lease = await grant(etcd);
  etcd.calls[Symbol.dispose]();
  expect(lease.isValid()).toBe(false);
  await lease[Symbol.asyncDispose]();
  await etcd.world.settled(sleep(etcd.system.clock, 60_000), 120_000);
  expect(etcd.members[0]!.calls.map(({ call }) => call)).toEqual(['leaseGrant']);
  expect(lease.lost.aborted).toBe(false);
});

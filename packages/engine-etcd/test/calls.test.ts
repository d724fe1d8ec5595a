import { isClusterError } from '@quorate/core';
import { expect, it } from 'vitest';

import { failure, fakeEtcd, never, UNAVAILABLE } from './fake-member.ts';

const get = { key: Buffer.from('k') };
const answer = { header: {}, kvs: [] };

function run({ calls }: ReturnType<typeof fakeEtcd>, limits = {}) {
  return calls.run('a call', (member, details) => member.call('range', get, details), limits);
}

it('a member that hangs costs its time, and the next one answers', async () => {
  const etcd = fakeEtcd(3);
  etcd.members[0]!.behave = never;
  etcd.members[1]!.behave = () => answer;
  expect(await etcd.world.settled(run(etcd), 60_000)).toBe(answer);
  expect(etcd.members[1]!.calls.map(({ at }) => at)).toEqual([1_000]);
  expect(etcd.failures).toEqual(['m0 hangs']);
});

it('a member that is gone costs nothing', async () => {
  const etcd = fakeEtcd(2);
  etcd.members[0]!.behave = () => Promise.reject(failure(UNAVAILABLE, 'connect ECONNREFUSED'));
  etcd.members[1]!.behave = () => answer;
  await etcd.world.settled(run(etcd), 60_000);
  expect(etcd.members[1]!.calls.map(({ at }) => at)).toEqual([0]);
});

it('each member is asked twice, with a pause between the rounds; then the call fails as the last one did', async () => {
  const etcd = fakeEtcd(2);
  for (const member of etcd.members)
    member.behave = () => Promise.reject(failure(UNAVAILABLE, `${member.name} is gone`));
  const error = await etcd.world.settled(
    run(etcd).catch((reason: unknown) => reason),
    60_000,
  );
  expect(isClusterError(error, 'DISCONNECTED')).toBe(true);
  expect(String(error)).toMatch(/m1 is gone/u);
  expect(etcd.members.map(({ calls }) => calls.map(({ at }) => at))).toEqual([
    [0, 100],
    [0, 100],
  ]);
});

it('a call in all has its time, and says what took it', async () => {
  const etcd = fakeEtcd(8);
  for (const member of etcd.members) member.behave = never;
  const error = await etcd.world.settled(
    run(etcd).catch((reason: unknown) => reason),
    60_000,
  );
  expect(isClusterError(error, 'TIMEOUT')).toBe(true);
  expect(String(error)).toMatch(/no answer within 5000 ms; a call: m3: no answer within 1000 ms/u);
  expect(etcd.system.clock.now()).toBe(5_000);
});

it.each([
  [3, 'REMOTE', 'etcdserver: duplicate key given in txn request'],
  [3, 'REFUSED', 'etcdserver: authentication failed, invalid user ID or password'],
  [7, 'REFUSED', 'etcdserver: permission denied'],
  [5, 'NOT_FOUND', 'etcdserver: requested lease not found'],
  [8, 'OVERLOADED', 'etcdserver: mvcc: database space exceeded'],
] as const)('what every member would refuse is asked of one: %i is %s', async (code, expected, details) => {
  const etcd = fakeEtcd(3);
  etcd.members[0]!.behave = () => Promise.reject(failure(code, details));
  const error = await etcd.world.settled(
    run(etcd).catch((reason: unknown) => reason),
    60_000,
  );
  expect(isClusterError(error, expected)).toBe(true);
  expect(String(error)).toContain(details);
  expect(etcd.failures).toEqual([]);
});

it('an aborted call ends at once, and so do all when the client is disposed of', async () => {
  const etcd = fakeEtcd(1);
  const signals: AbortSignal[] = [];
  etcd.members[0]!.behave = (_call, _request, signal) => {
    signals.push(signal);
    return never();
  };
  const controller = new AbortController();
  const aborted = run(etcd, { signal: controller.signal }).catch((reason: unknown) => reason);
  const closed = run(etcd).catch((reason: unknown) => reason);
  etcd.world.after(10, () => controller.abort());
  expect(isClusterError(await etcd.world.settled(aborted, 1_000), 'ABORTED')).toBe(true);
  expect(etcd.system.clock.now()).toBe(10);
  etcd.calls[Symbol.dispose]();
  expect(isClusterError(await closed, 'CLOSED')).toBe(true);
  expect(isClusterError(await run(etcd).catch((reason: unknown) => reason), 'CLOSED')).toBe(true);
  // The member is told, too.
  expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
});

import type { Random } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { etcdEngine } from '../../src/index.ts';
import { Following } from './following.ts';

const started = await EtcdCluster.start({ members: 3 });
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());
const system = nodeSystem();
const bytes = (text: string) => new TextEncoder().encode(text);

/** Chance by which the first member is asked at first; for ids of leases it differs from call to call. */
function firstMember(): Random {
  let asked = false;
  const next = () => {
    const chance = asked ? system.random.next() : 0;
    asked = true;
    return chance;
  };
  return {
    ...system.random,
    next,
    int: (bound) => system.random.int(bound),
    bytes: (length) => system.random.bytes(length),
  };
}

describe.skipIf(started === undefined)('a client of three members, of which one fails', () => {
  const etcd = started as EtcdCluster;
  const open = () =>
    etcdEngine({ endpoints: etcd.endpoints, memberTimeoutMs: 400 }).open({
      clock: system.clock,
      random: firstMember(),
    });
  let isKilled = false;

  afterEach(async () => {
    etcd.member(0).resume();
    if (isKilled) await etcd.member(0).start();
    isKilled = false;
  });

  it.each(['is killed', 'hangs'])(
    'is answered, keeps its lease and follows on when the member it asks %s',
    async (how) => {
      const prefix = `/${how.replaceAll(' ', '-')}/`;
      using client = open();
      const lease = await client.grantLease({ ttlMs: 3_000 });
      await client.put(`${prefix}own`, bytes('x'), { lease: lease.id });
      await using following = new Following(system.clock, client, prefix, { livenessMs: 300 });
      await following.until((keys) => keys.join() === 'own');
      const deadline = lease.deadline;
      if (how === 'hangs') etcd.member(0).pause();
      else {
        isKilled = true;
        await etcd.member(0).kill();
      }
      const failedAt = system.clock.now();
      await client.put(`${prefix}other`, bytes('x'));
      await following.until((keys) => keys.join() === 'other,own');
      expect(system.clock.now() - failedAt).toBeLessThan(9_000);
      await client.put(`${prefix}late`, bytes('x'));
      await following.until((keys) => keys.join() === 'late,other,own');
      while (lease.deadline <= deadline + 500) await client.get(prefix);
      expect(lease.isValid()).toBe(true);
      expect(following.failures).toBe(0);
    },
  );

  it('reads nothing from a member that has lost the others', async () => {
    using client = etcdEngine({ endpoints: etcd.endpoints.slice(1, 2), timeoutMs: 1_500, memberTimeoutMs: 700 }).open(
      system,
    );
    const isWritten = () =>
      client.put('/alone/a', bytes('x')).then(
        () => true,
        () => false,
      );
    // The tests before have left members that look for a leader.
    await expect.poll(isWritten, { timeout: 10_000 }).toBe(true);
    etcd.member(0).pause();
    etcd.member(2).pause();
    try {
      await expect(client.list('/alone/')).rejects.toThrow(/no answer within|timed out|no leader/u);
    } finally {
      etcd.member(2).resume();
    }
  });
});

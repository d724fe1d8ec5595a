import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { alwaysStanding, electing, Samples, until } from './electing.ts';

const started = await EtcdCluster.start({ members: 3 });
if (started === undefined) reportAbsent('etcd');
afterAll(async () => await started?.[Symbol.asyncDispose]());

/** Long enough to outlive an election of etcd's own, and what it takes to leave a member that hangs. */
const TTL_MS = 4_000;

describe.skipIf(started === undefined)('an election on three members of etcd', () => {
  const etcd = started as EtcdCluster;
  const engine = () => etcdEngine({ endpoints: etcd.endpoints });

  for (const [fault, fail, repair] of [
    ['is killed', (at: number) => etcd.member(at).kill(), (at: number) => etcd.member(at).start()],
    ['hangs', (at: number) => etcd.member(at).pause(), (at: number) => etcd.member(at).resume()],
  ] as const) {
    it(`goes on whichever member ${fault}`, async () => {
      const name = `/members-${fault.replace(' ', '-')}/leader`;
      const standing = new AbortController();
      await using samples = new Samples();
      await using a = samples.watch('a', await electing('a', { engine: engine(), name, ttlMs: TTL_MS }));
      await using b = samples.watch('b', await electing('b', { engine: engine(), name, ttlMs: TTL_MS }));
      for (const election of [a, b]) alwaysStanding(election, standing.signal);
      for (const at of [0, 1, 2]) {
        const before = await samples.leader(undefined, 12_000);
        const { deadline } = before;
        await fail(at);
        try {
          const isRenewed = () => before.isValid() && before.deadline > deadline + TTL_MS / 3;
          const isFollowed = () => samples.valid().some(([, grant]) => grant.token > before.token);
          await until('a renewal, or another leader', () => isRenewed() || isFollowed(), 12_000);
        } finally {
          await repair(at);
        }
      }
      expect((await samples.leader(undefined, 12_000)).isValid()).toBe(true);
      standing.abort();
    });
  }
});

import { type ClusterContext, type Locks, type NodeId, type Plugin, silentLogger } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { findKubernetes, KubernetesServer, reportAbsent, TcpGate } from '@quorate/test-servers';
import { lockContract } from '@quorate/testkit';
import { afterAll, describe, expect, it } from 'vitest';

import { kubernetesLocks } from '../../src/index.ts';

const TTL_MS = 3_000;
const system = { ...nodeSystem(), logger: silentLogger };
const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };

const programs = findKubernetes();
if (programs === undefined) {
  reportAbsent('kube-apiserver');
  it.skip('locks beside a real Kubernetes', () => undefined);
} else {
  const server = await KubernetesServer.start(programs);
  const port = Number(new URL(server.url).port);
  const gates = new Map<NodeId, TcpGate>();
  for (const id of ['a', 'b', 'c']) gates.set(id, await TcpGate.open(port));
  afterAll(async () => {
    for (const gate of gates.values()) await gate[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const serviceAccount = server.serviceAccount('locks', server.tokens.admin);

  /** Each node has a way of its own to the server. */
  function locksOf(prefix: string): Plugin<Locks, 'locks'> {
    const of = (id: NodeId): Plugin<Locks, 'locks'> => {
      const engine = kubernetesEngine({ server: `https://127.0.0.1:${gates.get(id)?.port}`, serviceAccount });
      return kubernetesLocks({ engine, prefix, retryMs: 200 });
    };
    return { ...of('a'), create: (context) => of(context.self.id).create(context) };
  }

  let cases = 0;
  lockContract(
    { describe, it },
    {
      name: 'lock-kubernetes',
      system,
      supports: { fair: false, shared: false, semaphore: false },
      ttlMs: TTL_MS,
      create: () => locksOf(`case-${(cases += 1)}`),
      // oxlint-disable-next-line require-await -- others have to wait for it
      cutOff: async (id) => {
        gates.get(id)?.stall();
        return { [Symbol.asyncDispose]: async () => gates.get(id)?.reopen() };
      },
      refuses: {
        factory: kubernetesLocks,
        options: [{ engine: {} }, { prefix: 'Not A Name' }, { namespace: '' }, { maxLocks: 0 }, { retryMs: 0 }],
      },
    },
  );

  describe('a lock whose Lease is deleted', () => {
    it('is waited for by who has seen it held, though its holder hears of nothing', async () => {
      const make = (id: NodeId): Locks => {
        const parts = { ...system, self: { id, host: '127.0.0.1', port: 1 }, incarnation: 1, cluster: { name: 'x' } };
        return locksOf('deleted').create(parts as unknown as ClusterContext);
      };
      await using first = make('a');
      await using second = make('b');
      await first.start();
      await second.start();
      const lock = await first.lock('x', { ttlMs: TTL_MS });
      const waiting = second.lock('x', { ttlMs: TTL_MS });
      expect(await second.tryLock('x', { ttlMs: TTL_MS })).toBeUndefined();
      gates.get('a')?.stall();
      await using client = kubernetesEngine({ server: server.url, serviceAccount }).connect(system.clock);
      await client.delete(LEASES, 'default', 'deleted.x');
      const next = await waiting;
      expect(lock.isValid()).toBe(false);
      expect(next.isValid() && next.token > lock.token).toBe(true);
      gates.get('a')?.reopen();
    });
  });
}

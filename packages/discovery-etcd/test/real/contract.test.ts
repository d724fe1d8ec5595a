import { isNodeId, silentLogger, type ClusterNode, type DiscoveredNode } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { etcdEngine } from '@quorate/engine-etcd';
import { base64, EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { discoveryContract } from '@quorate/testkit';
import { afterAll, describe, it } from 'vitest';

import { etcdDiscovery } from '../../src/index.ts';

const etcd = await EtcdCluster.start();
if (etcd === undefined) reportAbsent('etcd');
afterAll(async () => await etcd?.[Symbol.asyncDispose]());

let cases = 0;

let isKilled = false;

async function breakSource(): Promise<void> {
  isKilled = true;
  await etcd?.member(0).kill();
}

async function repairSource(): Promise<void> {
  etcd?.member(0).resume();
  if (isKilled) await etcd?.member(0).start();
  isKilled = false;
}

/** A prefix of one case's own in the one etcd of them all. */
async function source(): Promise<{ readonly prefix: string }> {
  cases += 1;
  await repairSource();
  return { prefix: `/case-${cases}/` };
}

function keyOf(prefix: string, name: string): string {
  return `${prefix}test/nodes/${name}`;
}

async function publish({ prefix }: { readonly prefix: string }, nodes: readonly DiscoveredNode[]): Promise<void> {
  const wanted = new Map(nodes.map((node) => [keyOf(prefix, String(node.id)), JSON.stringify(node)]));
  const present = (await etcd?.keys(keyOf(prefix, ''))) ?? [];
  const gone = present.filter((key) => !wanted.has(key));
  await etcd?.ask('kv/txn', {
    success: [
      ...gone.map((key) => ({ request_delete_range: { key: base64(key) } })),
      ...[...wanted].map(([key, value]) => ({ request_put: { key: base64(key), value: base64(value) } })),
    ],
  });
}

async function publishRaw({ prefix }: { readonly prefix: string }, entries: readonly unknown[]): Promise<void> {
  for (const [number, entry] of entries.entries()) {
    const { id } = (entry ?? {}) as Partial<ClusterNode>;
    const name = isNodeId(id) ? id : `hostile-${number}`;
    await etcd?.put(keyOf(prefix, name), JSON.stringify(entry));
  }
}

describe.skipIf(etcd === undefined)('with etcd', () => {
  const engine = etcdEngine({
    endpoints: etcd?.endpoints ?? ['http://127.0.0.1:2379'],
    timeoutMs: 1_500,
    memberTimeoutMs: 500,
  });
  discoveryContract<{ readonly prefix: string }>(
    { describe, it },
    {
      name: 'discovery-etcd',
      system: { ...nodeSystem(), logger: silentLogger },
      supports: { registration: true, watch: 'push', createIfAbsent: true },
      source,
      create: (_nodes, { prefix }) =>
        etcdDiscovery({ engine, prefix, timeoutMs: 2_000, livenessMs: 200, backoff: { baseMs: 50, maxMs: 200 } }),
      publish,
      publishRaw,
      breakSource,
      stallSource: () => etcd?.member(0).pause(),
      repairSource,
      noticedWithinMs: 4_000,
      refuses: {
        factory: etcdDiscovery,
        options: [
          { engine: undefined },
          { engine: {} },
          { engine, prefix: '' },
          { engine, prefix: 'a b' },
          { engine, leaseMs: 1_000 },
          { engine, resyncMs: 0 },
          { engine, livenessMs: -1 },
          { engine, timeoutMs: '5s' },
          { engine, backoff: 1_000 },
        ],
      },
    },
  );
});

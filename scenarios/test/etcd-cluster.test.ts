import { etcdDiscovery } from '@quorate/discovery-etcd';
import { etcdEngine } from '@quorate/engine-etcd';
import { clusterFormation } from '@quorate/formation';
import { memoryStorage } from '@quorate/memory';
import { EtcdCluster, reportAbsent } from '@quorate/test-servers';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { meets, MeetingNodes } from '../src/meeting-nodes.ts';

const started = await EtcdCluster.start({ members: 3 });
if (started === undefined) reportAbsent('etcd');
const nodes = new MeetingNodes();
afterEach(async () => await nodes[Symbol.asyncDispose]());
afterAll(async () => await started?.[Symbol.asyncDispose]());

describe.skipIf(started === undefined)('nodes that know each other from three members of etcd', () => {
  const etcd = started as EtcdCluster;
  const IDS = ['a', 'b', 'c'];
  /** An engine of its own, as nodes in different processes have. */
  const discovery = (prefix: string) =>
    etcdDiscovery({
      engine: etcdEngine({ endpoints: etcd.endpoints, memberTimeoutMs: 400 }),
      prefix,
      livenessMs: 300,
      backoff: { baseMs: 50, maxMs: 500 },
    });
  const othersThan = (id: string, ids = IDS) => ids.filter((other) => other !== id);

  it('form one cluster, by what etcd keeps of it', async () => {
    const prefix = '/forming/';
    const formed = IDS.map((id) =>
      nodes.node(id, discovery(prefix), {
        storage: memoryStorage(),
        formation: clusterFormation({ expectedNodes: 3 }),
      }),
    );
    await Promise.all(formed.map((cluster) => cluster.start()));
    expect(new Set(formed.map(({ id }) => id)).size).toBe(1);
    expect(await etcd.keys(prefix)).toEqual([
      `${prefix}default/charter`,
      ...IDS.map((id) => `${prefix}default/nodes/${id}`),
    ]);
    await Promise.all(formed.map((cluster) => cluster.stop()));
    expect(await etcd.keys(prefix)).toEqual([`${prefix}default/charter`]);
  });

  it.each([0, 1, 2])('meet one that comes while member %i of etcd hangs', async (at) => {
    const prefix = `/hanging-${at}/`;
    const first = ['a', 'b'].map((id) => nodes.node(id, discovery(prefix)));
    const metEarly = first.map((cluster) => meets(cluster, othersThan(cluster.self.id, ['a', 'b'])));
    await Promise.all(first.map((cluster) => cluster.start()));
    await Promise.all(metEarly);
    etcd.member(at).pause();
    try {
      const late = nodes.node('c', discovery(prefix));
      const met = [...first, late].map((cluster) => meets(cluster, othersThan(cluster.self.id)));
      await late.start();
      await Promise.all(met);
      await nodes[Symbol.asyncDispose]();
      // Not of the one that hangs, nor of it when it has just come back and looks for its leader.
      expect(await etcd.keys(prefix, (at + 1) % 3)).toEqual([]);
    } finally {
      etcd.member(at).resume();
    }
  });

  it('start while there is no etcd, and meet when it is back', async () => {
    for (const member of etcd.members) await member.kill();
    const both = ['a', 'b'].map((id) => nodes.node(id, discovery('/early/')));
    const met = both.map((cluster) => meets(cluster, othersThan(cluster.self.id, ['a', 'b'])));
    await Promise.all(both.map((cluster) => cluster.start()));
    await Promise.all(etcd.members.map((member) => member.start()));
    await Promise.all(met);
  });
});

import type { IClusterDiscovery, Plugin } from '@quorate/core';
import { anyOf } from '@quorate/discovery-combined';
import { consulDiscovery } from '@quorate/discovery-consul';
import { dnsDiscovery } from '@quorate/discovery-dns';
import { etcdDiscovery } from '@quorate/discovery-etcd';
import { kubernetesDiscovery } from '@quorate/discovery-kubernetes';
import { multicastDiscovery } from '@quorate/discovery-multicast';
import { staticDiscovery } from '@quorate/discovery-static';
import { consulEngine } from '@quorate/engine-consul';
import { etcdEngine } from '@quorate/engine-etcd';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { type Choice, need, type Place } from './place.ts';

type DiscoveryPlugin = Plugin<IClusterDiscovery, 'discovery'>;

const backoff = { baseMs: 50, maxMs: 500 };

export const discoveries: readonly Choice<DiscoveryPlugin>[] = [
  { name: 'static', make: ofList },
  { name: 'multicast', make: ofGroup },
  { name: 'combined', make: (place) => anyOf([ofList(place, 1), ofGroup(place)]) },
  { name: 'dns', server: 'dns', make: ofZone, prepare: publish },
  {
    name: 'consul',
    server: 'consul',
    make: (place) =>
      consulDiscovery({
        engine: consulEngine({ address: need(place, 'consul').address }),
        service: place.name,
        backoff,
      }),
  },
  {
    name: 'etcd',
    server: 'etcd',
    make: (place) =>
      etcdDiscovery({
        engine: etcdEngine({ endpoints: need(place, 'etcd').endpoints }),
        prefix: `/${place.name}/`,
        backoff,
      }),
  },
  { name: 'kubernetes', server: 'kubernetes', make: ofPods, prepare: runPods },
];

/** @param count how many of the nodes are in it */
function ofList({ nodes }: Place, count: number = nodes.length): DiscoveryPlugin {
  return staticDiscovery({ nodes: nodes.slice(0, count).map(({ id, host, port }) => `${id}@${host}:${port}`) });
}

function ofGroup({ name, isSimulated, multicastPort }: Place): DiscoveryPlugin {
  const secret = `the secret of ${name}`;
  const onLoopback = isSimulated ? {} : { interface: '127.0.0.1', ttl: 0 };
  return multicastDiscovery({ secret, port: multicastPort, ...onLoopback });
}

function ofZone(place: Place): DiscoveryPlugin {
  return dnsDiscovery({
    names: [`_q._tcp.${place.name}.test.`],
    resolvers: [need(place, 'dns').address],
    minRefreshMs: 50,
    maxRefreshMs: 200,
    backoff,
  });
}

async function publish(place: Place): Promise<void> {
  const records = place.nodes.map(({ port }) => `_q._tcp.${place.name} 1 SRV 0 0 ${port} local`);
  await need(place, 'dns').serve(['local 1 A 127.0.0.1', ...records]);
}

function ofPods(place: Place): DiscoveryPlugin {
  const server = need(place, 'kubernetes');
  const serviceAccount = server.serviceAccount(place.name, server.tokens.admin);
  const engine = kubernetesEngine({ server: server.url, serviceAccount });
  return kubernetesDiscovery({
    engine,
    podSelector: `app=${place.name}`,
    port: 'cluster',
    podNamesAreIds: false,
    backoff,
  });
}

/** What scheduler and kubelet make of a deployment: pods with addresses, which are ready. */
async function runPods(place: Place): Promise<void> {
  const server = need(place, 'kubernetes');
  const pods = '/api/v1/namespaces/default/pods';
  for (const { id, host, port } of place.nodes) {
    const name = `${place.name}-${id}`;
    const container = { name: 'node', image: 'none', ports: [{ name: 'cluster', containerPort: port }] };
    const metadata = { name, labels: { app: place.name } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } };
    await server.call('POST', pods, JSON.stringify(pod));
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP: host, conditions };
    await server.call('PATCH', `${pods}/${name}/status`, JSON.stringify({ status }));
  }
}

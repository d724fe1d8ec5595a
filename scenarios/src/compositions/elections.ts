import type { LeaderElection, Plugin } from '@quorate/core';
import { consulElection } from '@quorate/election-consul';
import { etcdElection } from '@quorate/election-etcd';
import { kubernetesElection } from '@quorate/election-kubernetes';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import { consulEngine } from '@quorate/engine-consul';
import { etcdEngine } from '@quorate/engine-etcd';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { type Choice, need, type Place } from './place.ts';

type ElectionPlugin = Plugin<LeaderElection, 'election'>;

export const elections: readonly Choice<ElectionPlugin>[] = [
  { name: 'majority', make: (place) => majorityElection({ voters: votersOf(place) }) },
  { name: 'raft', make: (place) => raftElection({ voters: votersOf(place) }) },
  {
    name: 'consul',
    server: 'consul',
    make: (place) =>
      consulElection({ engine: consulEngine({ address: need(place, 'consul').address }), key: `${place.name}/.lock` }),
  },
  {
    name: 'etcd',
    server: 'etcd',
    make: (place) =>
      etcdElection({ engine: etcdEngine({ endpoints: need(place, 'etcd').endpoints }), name: `/${place.name}/leader` }),
  },
  { name: 'kubernetes', server: 'kubernetes', make: ofLease },
];

function votersOf({ nodes }: Place): readonly string[] {
  return nodes.map(({ id }) => id);
}

function ofLease(place: Place): ElectionPlugin {
  const server = need(place, 'kubernetes');
  const serviceAccount = server.serviceAccount(place.name, server.tokens.admin);
  const engine = kubernetesEngine({ server: server.url, serviceAccount });
  // Who finds no Lease waits as long as one could have been valid that was deleted.
  return kubernetesElection({ engine, name: place.name, ttlMs: 2_000 });
}

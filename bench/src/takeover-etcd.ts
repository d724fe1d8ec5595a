import { etcdElection } from '@quorate/election-etcd';
import { etcdEngine } from '@quorate/engine-etcd';
import { EtcdCluster } from '@quorate/test-servers';

import type { TakeoverEngine } from './takeover-engine.ts';

/** Three members on loopback. */
export const etcdTakeover: TakeoverEngine = {
  name: 'etcd',
  ttlsMs: [2_000, 5_000, 15_000],
  start: async () => {
    const etcd = await EtcdCluster.start({ members: 3 });
    if (etcd === undefined) return undefined;
    return { place: etcd.endpoints.join(','), [Symbol.asyncDispose]: async () => await etcd[Symbol.asyncDispose]() };
  },
  election: (place, ttlMs) => etcdElection({ engine: etcdEngine({ endpoints: place.split(',') }), ttlMs }),
};

import { etcdElection } from '@quorate/election-etcd';
import { etcdEngine } from '@quorate/engine-etcd';
import type { ElectionChoice } from './elections.ts';
import { ETCD_PLACE, startEtcd } from './etcd-server.ts';
import type { Profile } from './parts.ts';

/** How long a leader that is gone keeps the others waiting. */
const TTL_MS: Readonly<Record<Profile, number>> = { fast: 1_000, lan: 2_000, wan: 10_000 };
/** For etcd to notice that a lease has run out. */
const SERVER_MS = 1_000;

/** `--election etcd`: whoever has stood for longest, in one queue with `etcdctl elect`. */
export const etcdQueue: ElectionChoice = {
  make: ({ elector = ETCD_PLACE, profile }) => {
    const engine = etcdEngine({ endpoints: elector.split(',') });
    return etcdElection({ engine, ttlMs: TTL_MS[profile] });
  },
  longestMs: (profile) => TTL_MS[profile] + SERVER_MS,
  asked: { start: startEtcd, sharedWith: (registry) => registry },
};

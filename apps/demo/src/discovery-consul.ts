import { consulDiscovery } from '@quorate/discovery-consul';
import { consulEngine } from '@quorate/engine-consul';
import { startConsul } from './consul-server.ts';
import type { DiscoveryChoice } from './discoveries.ts';

/** Short, so that there is something to see. */
const TTL_MS = 3_000;
/** For Consul to notice and to write down that a check fails. */
const SERVER_MS = 1_000;

/** `--discovery consul`: nodes are instances of a service in Consul, as long as they are passing. */
export const consulNodes: DiscoveryChoice = {
  make: ({ registry }) => {
    const engine = consulEngine(registry === undefined ? {} : { address: registry });
    return consulDiscovery({ engine, service: 'quorate-demo', ttlMs: TTL_MS });
  },
  asked: { start: startConsul, forgetsWithinMs: TTL_MS + SERVER_MS },
};

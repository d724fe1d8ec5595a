import { consulDiscovery } from '@quorate/discovery-consul';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer } from '@quorate/test-servers';
import type { DiscoveryChoice } from './discoveries.ts';
import type { DiscoveryRegistry } from './discovery-registry.ts';

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

/** An agent of its own, with temporary files. */
async function startConsul(): Promise<DiscoveryRegistry> {
  const server = await ConsulServer.start();
  if (server === undefined) throw new Error('consul is not to be had here: start one, and name it with --registry');
  return { place: server.address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

import { parseAddress } from '@quorate/core';
import { dnsDiscovery } from '@quorate/discovery-dns';
import type { DiscoveryChoice } from './discoveries.ts';
import type { DiscoveryRegistry, NamedNode } from './discovery-registry.ts';

const SERVICE = '_quorate._tcp';
/** Of the zone that the demo keeps. */
const TTL_MS = 1_000;
/** For the demo to notice and for the server to read its zone again. */
const SERVER_MS = 1_000;

/**
 * `--discovery dns`: nodes are what a name leads to. What is asked is the name, and whom to ask for it unless the system
 * knows: `_quorate._tcp.example.com@127.0.0.1:5300`.
 */
export const dnsNodes: DiscoveryChoice = {
  make: ({ registry }) => {
    if (registry === undefined) {
      throw new Error('--discovery dns needs --registry name, or name@resolver: what to ask for, and whom');
    }
    const [name = '', resolver] = registry.split('@');
    return dnsDiscovery({ names: [name], ...(resolver !== undefined && { resolvers: [resolver] }) });
  },
  asked: { start: startDns, forgetsWithinMs: TTL_MS + SERVER_MS },
};

/** A server of its own, whose zone has an SRV record for each node that runs. */
async function startDns(): Promise<DiscoveryRegistry> {
  // Loaded now: a node that runs for good has no need of it, and may not have it.
  const { KnotServer } = await import('@quorate/test-servers');
  const server = await KnotServer.start();
  if (server === undefined) throw new Error('knotd is not to be had here: the demo keeps the zone of that DNS server');
  return {
    place: `${SERVICE}.test.@${server.address}`,
    publish: (running) => server.serve(running.flatMap(recordsOf)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function recordsOf({ id, address }: NamedNode): readonly string[] {
  const { host, port } = parseAddress(address);
  return [`${SERVICE} SRV 0 0 ${port} ${id}`, `${id} A ${host}`];
}

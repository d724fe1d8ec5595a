import { type IClusterDiscovery, type Plugin, parseAddress } from '@quorate/core';
import { dnsDiscovery } from '@quorate/discovery-dns';
import { KnotServer } from '@quorate/test-servers';
import type { DiscoveryRegistry, NamedNode } from './discovery-registry.ts';

const SERVICE = '_quorate._tcp';

/**
 * `--discovery dns`: nodes are what a name leads to.
 * @param registry the name, and whom to ask for it unless the system knows: `_quorate._tcp.example.com@127.0.0.1:5300`
 */
export function dnsNodes(registry: string | undefined): Plugin<IClusterDiscovery, 'discovery'> {
  if (registry === undefined) {
    throw new Error('--discovery dns needs --registry name, or name@resolver: what to ask for, and whom');
  }
  const [name = '', resolver] = registry.split('@');
  return dnsDiscovery({ names: [name], ...(resolver !== undefined && { resolvers: [resolver] }) });
}

/** A server of its own, whose zone has an SRV record for each node. */
export async function startDns(): Promise<DiscoveryRegistry> {
  const server = await KnotServer.start();
  if (server === undefined) throw new Error('knotd is not to be had here: ask another server, named with --registry');
  return {
    place: `${SERVICE}.test.@${server.address}`,
    publish: (nodes) => server.serve(nodes.flatMap(recordsOf)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function recordsOf({ id, address }: NamedNode): readonly string[] {
  const { host, port } = parseAddress(address);
  return [`${SERVICE} SRV 0 0 ${port} ${id}`, `${id} A ${host}`];
}

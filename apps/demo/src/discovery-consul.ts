import type { IClusterDiscovery, Plugin } from '@quorate/core';
import { consulDiscovery } from '@quorate/discovery-consul';
import { consulEngine } from '@quorate/engine-consul';
import { ConsulServer } from '@quorate/test-servers';
import type { DiscoveryRegistry } from './discovery-registry.ts';

/** `--discovery consul`: nodes are instances of a service in Consul. */
export function consulNodes(registry: string | undefined): Plugin<IClusterDiscovery, 'discovery'> {
  const engine = consulEngine(registry === undefined ? {} : { address: registry });
  return consulDiscovery({ engine, service: 'quorate-demo' });
}

/** An agent of its own, with temporary files. */
export async function startConsul(): Promise<DiscoveryRegistry> {
  const server = await ConsulServer.start();
  if (server === undefined) throw new Error('consul is not to be had here: start one, and name it with --registry');
  return { place: server.address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

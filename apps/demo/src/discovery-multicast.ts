import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { formatAddress, type IClusterDiscovery, parseAddress, type Plugin } from '@quorate/core';
import { multicastDiscovery } from '@quorate/discovery-multicast';
import type { DiscoveryRegistry } from './discovery-registry.ts';

const GROUP = { host: '239.255.81.84', port: 45_981 };

/** `--discovery multicast`: nodes announce themselves to a group, on this machine only. */
export function multicastNodes(registry = formatAddress(GROUP)): Plugin<IClusterDiscovery, 'discovery'> {
  const { host, port } = parseAddress(registry);
  // What every program here can know keeps other demos apart, and nothing else.
  const secret = `the demo at ${registry}`;
  return multicastDiscovery({ secret, group: host, port, interface: '127.0.0.1', ttl: 0, intervalMs: 1_000 });
}

/** A port for this demo alone, so that the nodes of two at one time don't meet. */
export async function startMulticast(): Promise<DiscoveryRegistry> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const place = formatAddress({ ...GROUP, port: socket.address().port });
  socket.close();
  await once(socket, 'close');
  return { place, [Symbol.asyncDispose]: () => Promise.resolve() };
}

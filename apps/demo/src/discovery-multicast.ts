import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { formatAddress, parseAddress } from '@quorate/core';
import { multicastDiscovery } from '@quorate/discovery-multicast';
import type { DiscoveryChoice } from './discoveries.ts';
import type { DiscoveryRegistry } from './discovery-registry.ts';

const GROUP = { host: '239.255.81.84', port: 45_981 };
/** From one announcement to the next, and after how many that don't come a node is forgotten. */
const INTERVAL_MS = 1_000;
const MISSED = 3;

/** `--discovery multicast`: nodes announce themselves to a group, on this machine only. */
export const multicastNodes: DiscoveryChoice = {
  make: ({ registry = formatAddress(GROUP) }) => {
    const { host, port } = parseAddress(registry);
    // What every program here can know keeps other demos apart, and nothing else.
    const secret = `the demo at ${registry}`;
    const here = { secret, group: host, port, interface: '127.0.0.1', ttl: 0 };
    return multicastDiscovery({ ...here, intervalMs: INTERVAL_MS, missed: MISSED });
  },
  asked: { start: choosePort, forgetsWithinMs: (MISSED + 1.35) * INTERVAL_MS },
};

/** A port for this demo alone, so that the nodes of two at one time don't meet. */
async function choosePort(): Promise<DiscoveryRegistry> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const place = formatAddress({ ...GROUP, port: socket.address().port });
  socket.close();
  await once(socket, 'close');
  return { place, [Symbol.asyncDispose]: () => Promise.resolve() };
}

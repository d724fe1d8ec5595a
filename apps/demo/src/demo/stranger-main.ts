// A node that nobody has asked for: PLAN as JSON. It has all but the right secret, which comes from QUORATE_SECRET.
import { createCluster, formatAddress } from '@quorate/core';
import { staticDiscovery } from '@quorate/discovery-static';
import { tcpTransport } from '@quorate/transport-tcp';
import { memberships } from '../memberships.ts';
import { STRANGER, type StrangerPlan, type StrangerReport } from './stranger.ts';

const { cluster: name, addresses, membership } = JSON.parse(process.argv[2] ?? '') as StrangerPlan;
const secret = process.env['QUORATE_SECRET'] ?? '';

process.once('disconnect', () => process.exit());
const cluster = createCluster({
  name,
  nodeId: STRANGER,
  secret,
  transport: tcpTransport(),
  membership: await memberships[membership](),
  discovery: staticDiscovery({ nodes: addresses }),
  logLevel: 'silent',
});
await cluster.start();
for await (const event of cluster.transport.watch()) {
  if (event.type === 'connected') report({ type: 'let-in', address: formatAddress(event.peer.node) });
  if (event.type !== 'unreachable') continue;
  report({ type: 'refused', address: formatAddress(event.address), reason: event.error.message });
}

function report(what: StrangerReport): void {
  if (process.connected) process.send?.(what, undefined, {}, () => undefined);
}

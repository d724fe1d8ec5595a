import {
  authenticates,
  type Address,
  ClusterError,
  formatAddress,
  isLoopback,
  type Plugin,
  type Security,
  type Transport,
} from '@quorate/core';
import { settingsFrom, type TcpTransportOptions } from './options.ts';
import { TcpTransport } from './transport.ts';

/**
 * The transport over TCP, through the system's `net`.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option; `createCluster` (and `create`) throw it when a port that
 * others reach is to be bound and the cluster has no secret, unless it is `insecure`
 */
export function tcpTransport(options: TcpTransportOptions = {}): Plugin<Transport, 'transport'> {
  const settings = settingsFrom(options);
  return {
    name: 'transport-tcp',
    kind: 'transport',
    requires: [],
    provides: ['secured-streams'],
    check: checkBind,
    create: (context) => {
      // Again, for those who make the transport without createCluster.
      checkBind(context);
      return new TcpTransport(context, settings);
    },
  };
}

function checkBind({ bind, security }: { readonly bind: Address; readonly security: Security }): void {
  if (security.insecure || authenticates(security) || isLoopback(bind.host)) return;
  throw new ClusterError(
    'INVALID_OPTIONS',
    `tcpTransport: bind must be loopback, because nothing is authenticated, got ${formatAddress(bind)}; ` +
      'give the cluster a secret, or set insecure: true where the network itself keeps strangers out',
  );
}

import { type Address, ClusterError, formatAddress, isLoopback, type Plugin, type Transport } from '@quorate/core';
import { type Settings, settingsFrom, type TcpTransportOptions } from './options.ts';
import { TcpTransport } from './transport.ts';

/**
 * The transport over TCP, through the system's `net`.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option; `createCluster` (and `create`) throw it when a port that
 * others reach is to be bound without `insecure`
 */
export function tcpTransport(options: TcpTransportOptions = {}): Plugin<Transport, 'transport'> {
  const settings = settingsFrom(options);
  return {
    name: 'transport-tcp',
    kind: 'transport',
    requires: [],
    check: ({ bind }) => checkBind(bind, settings),
    create: (context) => {
      // Again, for those who make the transport without createCluster.
      checkBind(context.bind, settings);
      return new TcpTransport(context, settings);
    },
  };
}

function checkBind(bind: Address, { insecure }: Settings): void {
  if (insecure || isLoopback(bind.host)) return;
  throw new ClusterError(
    'INVALID_OPTIONS',
    `tcpTransport: bind must be loopback, because nothing is authenticated, got ${formatAddress(bind)}; ` +
      'set insecure: true where the network itself keeps strangers out',
  );
}

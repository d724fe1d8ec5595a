import { ClusterError, formatAddress, isLoopback, type Plugin, type Transport } from '@quorate/core';
import { settingsFrom, type TcpTransportOptions } from './options.ts';
import { TcpTransport } from './transport.ts';

/**
 * The transport over TCP, through the system's `net`.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option; `create` does so when a port that others reach is to be
 * bound without `insecure`
 */
export function tcpTransport(options: TcpTransportOptions = {}): Plugin<Transport, 'transport'> {
  const settings = settingsFrom(options);
  return {
    name: 'transport-tcp',
    kind: 'transport',
    requires: [],
    create: (context) => {
      if (!settings.insecure && !isLoopback(context.bind.host)) {
        const where = formatAddress(context.bind);
        throw new ClusterError(
          'INVALID_OPTIONS',
          `tcpTransport: without authentication only loopback is bound, not ${where}; ` +
            'set insecure: true where the network itself keeps strangers out',
        );
      }
      return new TcpTransport(context, settings);
    },
  };
}

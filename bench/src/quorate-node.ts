import { type ClusterNode, Keyring, type Logger, silentLogger, type Transport } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { tcpTransport } from '@quorate/transport-tcp';

/**
 * A transport alone, on a free port of loopback.
 * @param secret what its streams are secured by; without it they are plain
 */
export async function startTransport(id: string, logger: Logger = silentLogger, secret?: string): Promise<Transport> {
  const keyring = secret === undefined ? undefined : new Keyring({ use: secret });
  const self: ClusterNode = { id, host: '127.0.0.1', port: 0 };
  const transport = tcpTransport().create({
    ...nodeSystem({ logger }),
    self,
    incarnation: process.pid,
    cluster: { name: 'bench', id: 'bench', adopt: () => undefined },
    bind: self,
    security: { keyring, insecure: true },
    debug: new Set(),
  });
  await transport.start();
  return transport;
}

import { type ClusterNode, silentLogger, type Transport } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { tcpTransport } from '@quorate/transport-tcp';

/** A transport alone, on a free port of loopback. */
export async function startTransport(id: string): Promise<Transport> {
  const self: ClusterNode = { id, host: '127.0.0.1', port: 0 };
  const transport = tcpTransport().create({
    ...nodeSystem({ logger: silentLogger }),
    self,
    incarnation: process.pid,
    cluster: { name: 'bench', id: 'bench', adopt: () => undefined },
    bind: self,
    security: { keyring: undefined, insecure: true },
    debug: new Set(),
  });
  await transport.start();
  return transport;
}

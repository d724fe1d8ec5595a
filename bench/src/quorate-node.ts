import {
  type Cluster,
  type ClusterNode,
  createCluster,
  Keyring,
  type Logger,
  silentLogger,
  type Transport,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { swimMembership } from '@quorate/membership-swim';
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

/** A whole node that gossips by sealed datagrams, on a free port of loopback. */
export async function startMember(
  nodeId: string,
  secret: string,
  { logger = silentLogger, seedNodes = [] }: { readonly logger?: Logger; readonly seedNodes?: readonly string[] } = {},
): Promise<Cluster> {
  const cluster = createCluster({
    name: 'bench',
    nodeId,
    secret,
    seedNodes,
    transport: tcpTransport(),
    membership: swimMembership(),
    logger,
  });
  await cluster.start();
  return cluster;
}

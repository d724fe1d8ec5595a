import {
  type Cluster,
  type ClusterNode,
  createCluster,
  Keyring,
  type Logger,
  silentLogger,
  type System,
  type Transport,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { swimMembership } from '@quorate/membership-swim';
import { tcpTransport } from '@quorate/transport-tcp';
import { freePorts } from './free-ports.ts';

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

interface MemberOptions {
  readonly logger?: Logger;
  readonly seedNodes?: readonly string[];
  readonly system?: System;
}

/** A whole node that gossips by sealed datagrams, on a free port of loopback, the same for streams and datagrams. */
export async function startMember(
  nodeId: string,
  secret: string,
  { logger = silentLogger, seedNodes = [], system = nodeSystem({ logger }) }: MemberOptions = {},
): Promise<Cluster> {
  const [port = 0] = await freePorts(1);
  const cluster = createCluster({
    name: 'bench',
    nodeId,
    bind: { host: '127.0.0.1', port },
    secret,
    seedNodes,
    transport: tcpTransport(),
    membership: swimMembership(),
    logger,
    system,
  });
  await cluster.start();
  return cluster;
}

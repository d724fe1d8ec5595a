import {
  type Address,
  type ClusterNode,
  type Keyring,
  type Logger,
  type NodeCertificates,
  silentLogger,
  type System,
  type Transport,
  type TransportContext,
  type TransportEvent,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';

import { tcpTransport, type TcpTransportOptions } from '../src/index.ts';

export interface NodeOptions {
  readonly id: string;
  readonly host?: string;
  readonly port?: number;
  readonly incarnation?: number;
  readonly cluster?: string;
  readonly clusterId?: string;
  readonly debug?: readonly string[];
  readonly insecure?: boolean;
  readonly keyring?: Keyring;
  readonly certificates?: NodeCertificates;
  readonly logger?: Logger;
  readonly system?: System;
  readonly transport?: TcpTransportOptions;
}

export interface TestNode extends AsyncDisposable {
  readonly transport: Transport;
  readonly events: TransportEvent[];
  readonly clusterId: string | undefined;
  readonly address: Address;
}

let incarnations = 0;

export const realSystem: System = nodeSystem({ logger: silentLogger });

/** A transport, started, with what it published. */
export async function startNode(options: NodeOptions): Promise<TestNode> {
  const node = makeNode(options);
  await node.transport.start();
  return node;
}

export function makeNode(options: NodeOptions): TestNode {
  const { id, host = '127.0.0.1', port = 0, system = realSystem } = options;
  const state = { clusterId: options.clusterId };
  const self: ClusterNode = { id, host, port };
  const context: TransportContext = {
    ...system,
    logger: options.logger ?? system.logger,
    self,
    incarnation: options.incarnation ?? (incarnations += 1),
    cluster: {
      name: options.cluster ?? 'test',
      get id() {
        return state.clusterId;
      },
      adopt: (given) => {
        state.clusterId ??= given;
      },
    },
    bind: { host, port },
    security: {
      keyring: options.keyring,
      certificates: options.certificates,
      insecure: options.insecure ?? false,
    },
    debug: new Set(options.debug),
  };
  const transport = tcpTransport(options.transport).create(context);
  const events: TransportEvent[] = [];
  void collect(transport.watch(), events);
  return {
    transport,
    events,
    get clusterId() {
      return state.clusterId;
    },
    get address() {
      return { host: transport.self.host, port: transport.self.port };
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

/** Two nodes, connected. */
export async function connectedPair(
  options: TcpTransportOptions = {},
): Promise<{ a: TestNode; b: TestNode } & AsyncDisposable> {
  const a = await startNode({ id: 'a', transport: options });
  const b = await startNode({ id: 'b', transport: options });
  a.transport.addContact(b.address);
  await until(() => isConnected(a, 'b') && isConnected(b, 'a'));
  return {
    a,
    b,
    [Symbol.asyncDispose]: async () => {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

export function isConnected(node: TestNode, id: string): boolean {
  return node.transport.peer(id)?.state === 'connected';
}

/** Lets the event loop turn until the condition holds. The test's own timeout is the deadline. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => void setImmediate(resolve));
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

async function collect(source: AsyncIterable<TransportEvent>, into: TransportEvent[]): Promise<void> {
  for await (const event of source) into.push(event);
}

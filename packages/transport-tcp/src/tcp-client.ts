import {
  type Address,
  type CallOptions,
  type CertificateOptions,
  checkBytes,
  checkMessageKind,
  checkOptions,
  checkRequestTimeout,
  CertificateFiles,
  ClusterError,
  type ClusterIdentity,
  type ClusterNode,
  formatAddress,
  invalidOption,
  isNodeId,
  Keyring,
  type MessageKind,
  type NodeId,
  noTelemetry,
  type OptionRules,
  type RequestOptions,
  rule,
  type Security,
  type System,
  throwIfAborted,
  type TransportClient,
  type TransportContext,
} from '@quorate/core';
import { ClientGate } from './client-gate.ts';
import type { Connection } from './connection.ts';
import { Dialler, type DialResult } from './dial.ts';
import { refusalError } from './introduction.ts';
import { LinkSet } from './link-set.ts';
import { TransportInstruments } from './transport-instruments.ts';
import { settingsFrom } from './options.ts';

export interface TcpClientOptions extends CallOptions {
  /** The machine: `nodeSystem()`. */
  readonly system: System;
  /** The name of the cluster. */
  readonly cluster: string;
  /** How the client calls itself; its certificate must name it as a node's would. It may be the id of a node. */
  readonly id: NodeId;
  /** The cluster's, where nodes have one. */
  readonly secret?: string;
  /** Where nodes show certificates: that of the client, and whom it trusts. */
  readonly certificates?: CertificateOptions;
  /**
   * The time for the connection to be made and to finish its handshake, in milliseconds.
   * @default 5000
   */
  readonly timeoutMs?: number;
}

type Checked = Omit<TcpClientOptions, 'signal' | 'certificates'>;

const rules: OptionRules<Checked> = {
  system: rule.value<System>('a system', (value) => typeof value === 'object' && value !== null),
  cluster: rule.text('a text of 1 to 255 characters', ({ length }) => length >= 1 && length <= 255),
  id: rule.text('letters, digits, ".", "_" or "-", at most 128', isNodeId),
  // Whether it is long enough, the keyring says.
  secret: rule.secret({ min: 1, max: 4096 }),
  timeoutMs: rule.duration({ min: 1, max: 3_600_000 }),
};

/**
 * Connects to a node as a client: it shows what a node would show, and is no peer of it.
 * @throws ClusterError `REFUSED`, `CLUSTER_MISMATCH`, `PROTOCOL` (a node whose protocol has no clients), `OVERLOADED` (too
 * many clients), `DISCONNECTED`, `TIMEOUT`, `ABORTED`, `INVALID_OPTIONS`, `NOT_FOUND` and `IO` of certificates
 */
export async function connectTcpClient(address: Address, options: TcpClientOptions): Promise<TransportClient> {
  const { signal, certificates: files, ...others } = options;
  const checked = checkOptions<Checked>('connectTcpClient', rules, others);
  const { system, cluster, id, secret, timeoutMs: handshakeTimeoutMs = 5000 } = checked;
  throwIfAborted(signal, 'connect');
  if (secret !== undefined && files !== undefined) {
    throw invalidOption('connectTcpClient', 'secret', 'left out where there are certificates', 'one');
  }
  const certificates = files && new CertificateFiles(files, cluster, id);
  await certificates?.open(system);
  const keyring = secret === undefined ? undefined : new Keyring({ use: secret });
  const context = contextOf(system, { name: cluster, id, security: { keyring, certificates, insecure: true } });
  // A client is no part of a cluster, whose measurements are those of its nodes.
  const instruments = new TransportInstruments(noTelemetry, () => ({ peers: 0, queuedBytes: 0 }));
  const gate = new ClientGate(context, settingsFrom({ handshakeTimeoutMs }), instruments);
  const links = new LinkSet(context, 1, instruments.traffic);
  try {
    const connection = await dial(new Dialler(gate, links), gate, address, signal);
    return new TcpClient(connection, { context, gate, links, certificates });
  } catch (error) {
    await links.ended();
    await certificates?.[Symbol.asyncDispose]();
    throw error;
  }
}

function contextOf(
  system: System,
  { name, id, security }: { readonly name: string; readonly id: NodeId; readonly security: Security },
): TransportContext {
  // Nothing is bound, and nobody is told where this is.
  const bind = { host: '0.0.0.0', port: 0 };
  let clusterId: string | undefined = undefined;
  const cluster: ClusterIdentity = {
    name,
    get id() {
      return clusterId;
    },
    adopt: (learned) => {
      clusterId = learned;
    },
  };
  const { clock, random, net, disk, crypto, logger, debug = new Set<string>() } = system;
  const machine = { clock, random, net, disk, crypto, logger };
  return { ...machine, self: { id, ...bind }, incarnation: 0, cluster, bind, security, debug };
}

async function dial(
  dialler: Dialler,
  gate: ClientGate,
  address: Address,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  const { promise, resolve } = Promise.withResolvers<DialResult>();
  const attempt = dialler.dial(address, resolve);
  const giveUp = (): void => attempt[Symbol.dispose]();
  signal?.addEventListener('abort', giveUp, { once: true });
  const result = await promise.finally(() => signal?.removeEventListener('abort', giveUp));
  if (result.type === 'failed') throw result.error;
  if (result.type === 'refused') {
    const { reason, message } = result.refusal;
    throw refusalError({ reason, message: `${formatAddress(address)} refused the connection: ${message}` });
  }
  if (gate.connection !== undefined) return gate.connection;
  throw new ClusterError('DISCONNECTED', `the connection with ${formatAddress(address)} ended as it was made`);
}

interface ClientParts {
  readonly context: TransportContext;
  readonly gate: ClientGate;
  readonly links: LinkSet;
  readonly certificates: CertificateFiles | undefined;
}

class TcpClient implements TransportClient {
  readonly #connection: Connection;
  readonly #parts: ClientParts;
  #disposal: Promise<void> | undefined;

  constructor(connection: Connection, parts: ClientParts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  get node(): ClusterNode {
    return this.#connection.peer.node;
  }

  get clusterId(): string | undefined {
    return this.#parts.context.cluster.id;
  }

  get isConnected(): boolean {
    return this.#parts.gate.connection !== undefined;
  }

  async request(kind: MessageKind, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array> {
    checkMessageKind(kind);
    checkBytes('request', 'payload', payload);
    checkRequestTimeout(options?.timeoutMs);
    const { gate } = this.#parts;
    const applied = { outcome: 'not-applied' } as const;
    if (this.#disposal !== undefined) throw new ClusterError('CLOSED', 'the client has been disposed', applied);
    const { connection } = gate;
    if (connection === undefined) {
      throw new ClusterError('DISCONNECTED', `the connection with ${this.node.id} has ended`, applied);
    }
    if (payload.length > connection.maxPayloadBytes) {
      const message = `a request of ${payload.length} bytes: ${connection.maxPayloadBytes} fit`;
      throw new ClusterError('OVERLOADED', message, applied);
    }
    return await connection.requests.request(kind, payload, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const { gate, links, certificates } = this.#parts;
    gate.connection?.close('leaving', 'local');
    await links.ended();
    await certificates?.[Symbol.asyncDispose]();
  }
}

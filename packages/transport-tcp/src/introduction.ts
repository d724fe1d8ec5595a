import { ClusterError, type ClusterNode, isClusterNode, type NodeId, type TransportContext } from '@quorate/core';
import { peerText } from './peer-text.ts';
import type { AuthMethod } from './stream-guard.ts';

const MAX_NAME_LENGTH = 255;
const MAX_AUTH_METHODS = 16;
/** The least limit of frames that a peer may announce: every control frame fits. */
const MIN_FRAME_BYTES: number = 64 * 1024;

/** What a party of a connection is: one of the cluster's nodes, or a program that only asks them. */
export type PartyRole = 'node' | 'client';

/** What both sides of a handshake say about themselves, checked. */
export interface Introduction {
  readonly cluster: string;
  readonly clusterId: string | undefined;
  readonly node: ClusterNode;
  readonly incarnation: number;
  readonly maxFrameBytes: number;
  readonly auth: readonly string[];
  readonly connected: boolean;
  readonly role: PartyRole;
}

/** This node's introduction, for the wire. */
export function introduce(
  context: TransportContext,
  self: ClusterNode,
  maxFrameBytes: number,
  method: AuthMethod,
  { connected, role }: Pick<Introduction, 'connected' | 'role'>,
): object {
  const { name, id } = context.cluster;
  return {
    cluster: name,
    ...(id === undefined ? {} : { clusterId: id }),
    node: self,
    incarnation: context.incarnation,
    maxFrameBytes,
    auth: [method],
    connected,
    ...(role === 'node' ? {} : { role }),
  };
}

/** @throws ClusterError `PROTOCOL`, naming the field */
export function parseIntroduction(value: unknown): Introduction {
  const given = asRecord(value);
  const { cluster, clusterId, node, incarnation, maxFrameBytes, auth, connected, role = 'node' } = given;
  require(isName(cluster), 'cluster');
  require(clusterId === undefined || isName(clusterId), 'clusterId');
  require(role === 'node' || role === 'client', 'role');
  // Nobody dials a client, whatever address it were to name.
  require(isClusterNode(node) && (node.port === 0) === (role === 'client'), 'node');
  require(Number.isSafeInteger(incarnation) && (incarnation as number) >= 0, 'incarnation');
  require(Number.isSafeInteger(maxFrameBytes) && (maxFrameBytes as number) >= MIN_FRAME_BYTES, 'maxFrameBytes');
  require(isMethods(auth), 'auth');
  return {
    cluster: cluster as string,
    clusterId: clusterId as string | undefined,
    node: knownFields(node as ClusterNode),
    incarnation: incarnation as number,
    maxFrameBytes: maxFrameBytes as number,
    auth: auth as readonly string[],
    connected: connected === true,
    role: role as PartyRole,
  };
}

export type RefusalReason =
  | 'version'
  | 'cluster'
  | 'self'
  | 'duplicate-node-id'
  | 'already-connected'
  | 'authentication'
  | 'not-allowed'
  | 'busy'
  | 'protocol';

/** Why a connection was not made, by either side. */
export interface Refusal {
  readonly reason: RefusalReason | 'other';
  readonly message: string;
}

/** What is wrong with a peer, whoever dialled; undefined when nothing is. */
export function objection(
  context: TransportContext,
  selfId: NodeId,
  selfRole: PartyRole,
  peer: Introduction,
  method: AuthMethod,
): Refusal | undefined {
  const { name, id } = context.cluster;
  if (peer.cluster !== name) {
    return refusal('cluster', `${selfId} belongs to cluster "${name}", ${peer.node.id} to "${peerText(peer.cluster)}"`);
  }
  if (id !== undefined && peer.clusterId !== undefined && id !== peer.clusterId) {
    const message = `both clusters are called "${name}", but ${selfId}'s has the id ${id}, ${peer.node.id}'s ${peerText(peer.clusterId)}`;
    return refusal('cluster', message);
  }
  if (peer.role === 'node' && selfRole === 'node' && peer.node.id === selfId) {
    const self = peer.incarnation === context.incarnation;
    return self
      ? refusal('self', `${selfId} has dialled itself`)
      : refusal('duplicate-node-id', `two living nodes have the id ${selfId}`);
  }
  if (peer.auth.includes(method)) return undefined;
  return refusal('authentication', `no common method of authentication: ${method} here`);
}

export function refusal(reason: RefusalReason, message: string): Refusal {
  return { reason, message };
}

const REASONS: ReadonlySet<string> = new Set<RefusalReason>([
  'version',
  'cluster',
  'self',
  'duplicate-node-id',
  'already-connected',
  'authentication',
  'not-allowed',
  'busy',
  'protocol',
]);

/** What a peer said in `REFUSE`; tolerant, since it may be of a later version. */
export function parseRefusal(value: unknown): Refusal {
  const { reason, message } = asRecord(value);
  return {
    reason: typeof reason === 'string' && REASONS.has(reason) ? (reason as RefusalReason) : 'other',
    message: peerText(message) ?? `refused, with the reason ${peerText(reason) ?? 'left out'}`,
  };
}

/** A refusal as the error that watchers of the transport see. */
export function refusalError({ reason, message }: Refusal): ClusterError {
  switch (reason) {
    case 'cluster':
      return new ClusterError('CLUSTER_MISMATCH', message);
    case 'duplicate-node-id':
      return new ClusterError('DUPLICATE_NODE_ID', message);
    case 'version':
    case 'protocol':
      return new ClusterError('PROTOCOL', message);
    case 'busy':
      return new ClusterError('OVERLOADED', message);
    case 'self':
    case 'already-connected':
    case 'authentication':
    case 'not-allowed':
    case 'other':
      return new ClusterError('REFUSED', message);
  }
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}

function require(condition: boolean, field: string): void {
  if (!condition) throw new ClusterError('PROTOCOL', `the handshake's field ${field} is not acceptable`);
}

function isMethods(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_AUTH_METHODS && value.every(isName);
}

/** Without the fields of later versions, which nobody here has checked. */
export function knownFields(node: ClusterNode): ClusterNode {
  const { id, host, port, zone, region, weight, metadata } = node;
  return {
    id,
    host,
    port,
    ...(zone === undefined ? {} : { zone }),
    ...(region === undefined ? {} : { region }),
    ...(weight === undefined ? {} : { weight }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

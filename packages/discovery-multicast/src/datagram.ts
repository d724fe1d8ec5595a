import { type ClusterNode, isClusterNode, isNodeId, type NodeId } from '@quorate/core';

import type { Seal } from './seal.ts';

/** Below what a packet of Ethernet carries, with room for tunnels: nothing is fragmented. */
export const MAX_DATAGRAM_BYTES = 1_399;
/** The longest that an announcement may claim between two of its kind. */
export const MAX_INTERVAL_MS = 60_000;

/** What nodes say to each other. */
export type Message =
  | { readonly kind: 'announce'; readonly node: ClusterNode; readonly intervalMs: number }
  | { readonly kind: 'ask'; readonly withinMs: number }
  | { readonly kind: 'goodbye'; readonly id: NodeId };

/** A message with who sent it: each run of a discovery has a session, and numbers in it what it sends. */
export interface Datagram {
  readonly session: string;
  readonly sequence: number;
  readonly message: Message;
}

/** Why a datagram says nothing to this node. */
export type Unreadable = 'foreign' | 'otherVersion' | 'unauthenticated' | 'damaged' | 'malformed' | 'otherCluster';

const MAGIC = [0x51, 0x52, 0x54, 0x4d] as const; // QRTM
const VERSION = 1;
const KINDS = ['announce', 'ask', 'goodbye'] as const;
const SESSION_BYTES = 8;
const SESSION_AT = 8;
const SEQUENCE_AT = SESSION_AT + SESSION_BYTES;
const HEADER_BYTES = SEQUENCE_AT + 8;

/**
 * Magic, version, kind, kind of the seal, a zero; session (8 bytes); sequence (8 bytes, big-endian); JSON; seal.
 * @returns bytes that may be more than `MAX_DATAGRAM_BYTES`, which are then not to be sent
 */
export function encodeDatagram({ session, sequence, message }: Datagram, cluster: string, seal: Seal): Uint8Array {
  const { kind, ...content } = message;
  const body = new TextEncoder().encode(JSON.stringify({ cluster, ...content }));
  const bytes = new Uint8Array(HEADER_BYTES + body.length + seal.bytes);
  bytes.set([...MAGIC, VERSION, KINDS.indexOf(kind) + 1, seal.kind]);
  bytes.set(
    Uint8Array.from(session.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16)),
    SESSION_AT,
  );
  new DataView(bytes.buffer).setBigUint64(SEQUENCE_AT, BigInt(sequence));
  bytes.set(body, HEADER_BYTES);
  const sealed = bytes.length - seal.bytes;
  bytes.set(seal.seal(bytes.subarray(0, sealed)), sealed);
  return bytes;
}

/** The text form of a session's bytes. */
export function sessionOf(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, SESSION_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Nothing of it is believed, nor even parsed, before its seal is found good. */
export function decodeDatagram(bytes: Uint8Array, cluster: string, seal: Seal): Datagram | Unreadable {
  const sealed = bytes.length - seal.bytes;
  if (bytes.length > MAX_DATAGRAM_BYTES || bytes.length < HEADER_BYTES) return 'foreign';
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) return 'foreign';
  if (bytes[4] !== VERSION) return 'otherVersion';
  if (bytes[6] !== seal.kind) return 'unauthenticated';
  if (sealed < HEADER_BYTES || !seal.isValid(bytes.subarray(0, sealed), bytes.subarray(sealed))) {
    return seal.kind === 1 ? 'unauthenticated' : 'damaged';
  }
  const body = parseJson(bytes.subarray(HEADER_BYTES, sealed));
  const sequence = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(SEQUENCE_AT);
  if (typeof body !== 'object' || body === null || sequence > Number.MAX_SAFE_INTEGER) return 'malformed';
  const { cluster: named, ...content } = body as Readonly<Record<string, unknown>>;
  if (named !== cluster) return typeof named === 'string' ? 'otherCluster' : 'malformed';
  const message = readMessage(KINDS[(bytes[5] ?? 0) - 1], content);
  if (message === undefined) return 'malformed';
  const session = sessionOf(bytes.subarray(SESSION_AT, SEQUENCE_AT));
  return { session, sequence: Number(sequence), message };
}

function readMessage(
  kind: Message['kind'] | undefined,
  content: Readonly<Record<string, unknown>>,
): Message | undefined {
  const { node, intervalMs, withinMs, id } = content;
  switch (kind) {
    case 'announce':
      return isClusterNode(node) && node.port > 0 && isDuration(intervalMs) ? { kind, node, intervalMs } : undefined;
    case 'ask':
      return isDuration(withinMs) ? { kind, withinMs } : undefined;
    case 'goodbye':
      return isNodeId(id) ? { kind, id } : undefined;
    case undefined:
      return undefined;
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_INTERVAL_MS;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

import { ClusterError, type NodeId, toClusterError } from '@quorate/core';
import { decodeChangeAnswer } from '../membership/change-request.ts';

/*
 * Version (1 byte), and how long the leader may take, in milliseconds (4, big-endian). Who asks is the node that the
 * connection belongs to, and nobody can ask for another.
 */
const VERSION = 1;
const REQUEST_BYTES = 5;
const MAX_TIMEOUT_MS = 60_000;

export function encodeRepairRequest(timeoutMs: number): Uint8Array {
  const bytes = new Uint8Array(REQUEST_BYTES);
  bytes[0] = VERSION;
  new DataView(bytes.buffer).setUint32(1, timeoutMs);
  return bytes;
}

/**
 * @returns how long it may take
 * @throws ClusterError `PROTOCOL`
 */
export function decodeRepairRequest(bytes: Uint8Array): number {
  if (bytes.length !== REQUEST_BYTES || bytes[0] !== VERSION) {
    throw new ClusterError('PROTOCOL', 'a request for a place in a group cannot be read');
  }
  const timeoutMs = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  return Math.min(timeoutMs, MAX_TIMEOUT_MS);
}

/** What a node was told that has asked for a place. */
export type RepairAnswer =
  | { readonly type: 'granted' }
  /** By a leader that knows: the node has no claim. */
  | { readonly type: 'refused'; readonly error: ClusterError }
  /** Somebody else may know more, or the same one later. */
  | { readonly type: 'failed'; readonly error: ClusterError; readonly leader: NodeId | undefined };

/** Never rejects. */
export async function askForRepair(call: () => Promise<Uint8Array>): Promise<RepairAnswer> {
  try {
    const error = decodeChangeAnswer(await call());
    if (error === undefined) return { type: 'granted' };
    return error.code === 'REFUSED'
      ? { type: 'refused', error }
      : { type: 'failed', error, leader: error.leader?.nodeId };
  } catch (cause) {
    return { type: 'failed', error: toClusterError(cause, 'REMOTE', 'ask for a place'), leader: undefined };
  }
}

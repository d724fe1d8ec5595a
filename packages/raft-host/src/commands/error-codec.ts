import { CLUSTER_ERROR_CODES, ClusterError, isClusterError, type NodeId, plainText } from '@quorate/core';

const MAX_ERROR_BYTES = 4096;
const MAX_MESSAGE_LENGTH = 1024;

export function encodeError({ code, message, outcome, leader }: ClusterError): Uint8Array {
  const text = message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
  // Whoever threw it may know more of the leader, such as its token, which JSON has no form for.
  const named = leader && { nodeId: leader.nodeId, address: leader.address };
  return new TextEncoder().encode(JSON.stringify({ code, message: text, outcome, leader: named }));
}

/** @throws ClusterError `PROTOCOL` */
export function decodeError(bytes: Uint8Array): ClusterError {
  try {
    if (bytes.length > MAX_ERROR_BYTES) throw new RangeError(`${bytes.length} bytes`);
    const { code, message, outcome, leader } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const known = CLUSTER_ERROR_CODES.find((each) => each === code) ?? 'REMOTE';
    return new ClusterError(known, plainText(String(message), MAX_ERROR_BYTES), {
      outcome: outcome === 'not-applied' || outcome === 'unknown' ? outcome : undefined,
      leader: isLeader(leader) ? leader : undefined,
    });
  } catch (cause) {
    if (isClusterError(cause)) throw cause;
    throw new ClusterError('PROTOCOL', "an error of another node can't be read", { cause });
  }
}

function isLeader(value: unknown): value is { readonly nodeId: NodeId; readonly address?: string } {
  if (typeof value !== 'object' || value === null || !('nodeId' in value)) return false;
  const address = 'address' in value ? value.address : undefined;
  return typeof value.nodeId === 'string' && (address === undefined || typeof address === 'string');
}

import { CLUSTER_ERROR_CODES, ClusterError, type ClusterErrorCode, isClusterError, plainText } from '@quorate/core';
import { asRecord } from './introduction.ts';

const MAX_MESSAGE_LENGTH = 1024;
const CODES: ReadonlySet<unknown> = new Set(CLUSTER_ERROR_CODES);

/** What a handler threw, for the wire: whatever that is. Only a `ClusterError` keeps its code and details. */
export function errorToWire(error: unknown): object {
  const message = textOf(error).slice(0, MAX_MESSAGE_LENGTH);
  if (!isClusterError(error)) return { code: 'REMOTE', message };
  const { code, outcome, leader } = error;
  // Whoever threw it may know more of the leader, such as its token, which JSON has no form for.
  return { code, message, outcome, leader: leader && { nodeId: leader.nodeId, address: leader.address } };
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'what was thrown has no text';
  }
}

/** An error that a peer sent. Whatever it is, this makes a `ClusterError` of it. */
export function errorFromWire(value: unknown): ClusterError {
  const { code, message, outcome, leader } = asRecord(value);
  return new ClusterError(
    CODES.has(code) ? (code as ClusterErrorCode) : 'REMOTE',
    typeof message === 'string' ? plainText(message, MAX_MESSAGE_LENGTH) : 'the peer gave no message',
    {
      outcome: outcome === 'not-applied' || outcome === 'unknown' ? outcome : undefined,
      leader: leaderFrom(leader),
    },
  );
}

function leaderFrom(value: unknown): ClusterError['leader'] {
  const { nodeId, address } = asRecord(value);
  if (typeof nodeId !== 'string') return undefined;
  return { nodeId, address: typeof address === 'string' ? address : undefined };
}

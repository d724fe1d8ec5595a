import { ClusterError, type Electorate, isElectorate, isNodeId, type NodeId } from '@quorate/core';

/** What a voter must not forget: one record, replaced as a whole, so that a crash never parts a vote from its term. */
export interface VoteRecord {
  readonly term: number;
  /** Whom this node voted for in `term`. */
  readonly votedFor: NodeId | undefined;
  readonly electorate: Electorate;
  /** How long a promise of this node may still have lasted when it stopped. */
  readonly promiseMs: number;
}

/** The name of the record in the node's storage. */
export const VOTE_RECORD = 'election-majority.vote';
const FORMAT = 1;

export function encodeVoteRecord(record: VoteRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...record }));
}

/** @throws ClusterError `CORRUPT` when the bytes are no vote record: a vote is never guessed */
export function decodeVoteRecord(bytes: Uint8Array): VoteRecord {
  const value = parse(bytes) as Record<string, unknown>;
  const { format, term, votedFor, electorate, promiseMs } = value;
  if (format !== FORMAT) throw corrupt(`format ${String(format)}, expected ${FORMAT}`);
  if (typeof term !== 'number' || !Number.isSafeInteger(term) || term < 0) throw corrupt('the term is no integer');
  if (votedFor !== undefined && !isNodeId(votedFor)) throw corrupt('the vote is not for a node id');
  if (!isElectorate(electorate)) throw corrupt('the electorate is malformed');
  if (typeof promiseMs !== 'number' || !(promiseMs > 0)) throw corrupt('the promise is no duration');
  return { term, votedFor, electorate, promiseMs };
}

function parse(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    throw corrupt('it is not JSON', cause);
  }
  throw corrupt('it is not an object');
}

function corrupt(what: string, cause?: unknown): ClusterError {
  return new ClusterError('CORRUPT', `record ${VOTE_RECORD}: ${what}`, { cause });
}

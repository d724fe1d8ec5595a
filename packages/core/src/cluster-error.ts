/** Every way in which Quorate fails. Closed: tests and callers branch on the code, never on the message. */
export const CLUSTER_ERROR_CODES = [
  /** The caller's signal ended the call. */
  'ABORTED',
  /** The object was disposed, or its cluster stopped. */
  'CLOSED',
  /** Another cluster answered: its name or id differs from this one's. */
  'CLUSTER_MISMATCH',
  /** No connection to the peer now. */
  'DISCONNECTED',
  /** Two living nodes carry one id. */
  'DUPLICATE_NODE_ID',
  /** Two sets of voters disagree, or a change of voters is not a safe step from the stored one. */
  'ELECTORATE_MISMATCH',
  /** A stored record, log or snapshot is damaged. The message names file and offset. */
  'CORRUPT',
  /** The disk failed or is full. */
  'IO',
  /** A text or value is not an address or node. */
  'INVALID_ADDRESS',
  /** An option is wrong, unknown, contradicts another or cannot be honoured. The message names it. */
  'INVALID_OPTIONS',
  /** Another process holds the lock. */
  'LOCKED',
  /** Only the leader can do this; `leader` says who that is, if known. */
  'NOT_LEADER',
  /** A bound was reached: a queue, a frame, a batch. Nothing was accepted. */
  'OVERLOADED',
  /** The peer broke the protocol, or speaks another version of it. */
  'PROTOCOL',
  /** Too few voters answered. */
  'QUORUM_LOST',
  /** The peer refused the handshake; the message carries its reason. */
  'REFUSED',
  /** The handler of a request failed at the peer. */
  'REMOTE',
  /** Nothing known under this name. */
  'NOT_FOUND',
  /** The session was closed, has expired or never was: whether its commands were applied, nobody knows any more. */
  'SESSION_EXPIRED',
  /** A fencing token older than one already seen. */
  'STALE_TOKEN',
  /** The deadline passed. */
  'TIMEOUT',
  /** This implementation cannot do it; `supports` said so. */
  'UNSUPPORTED',
] as const;

/** What kind of failure an error is. Programs decide by it, never by the message. */
export type ClusterErrorCode = (typeof CLUSTER_ERROR_CODES)[number];

/** What became of a write that failed: certainly nothing, or nobody can tell. */
export type WriteOutcome = 'not-applied' | 'unknown';

/** What an error carries beyond code and message. */
export interface ClusterErrorDetails {
  readonly cause?: unknown;
  /** With `NOT_LEADER`: the leader last observed. */
  readonly leader?: { readonly nodeId: string; readonly address?: string | undefined } | undefined;
  /** Where a write was under way. A write whose outcome is unknown is retried only in a session. */
  readonly outcome?: WriteOutcome | undefined;
}

// Registered, so that an error of another copy of this package is recognised too.
const BRAND = Symbol.for('@quorate/core/ClusterError');

/** The one error class of Quorate. Recognise it with `isClusterError`, which also sees those of another copy. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;
  readonly leader: ClusterErrorDetails['leader'];
  readonly outcome: WriteOutcome | undefined;

  constructor(code: ClusterErrorCode, message: string, details: ClusterErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, BRAND, { value: true });
    this.code = code;
    this.leader = details.leader;
    this.outcome = details.outcome;
  }
}

/** Whether the value is a `ClusterError`, and of this code when one is given. */
export function isClusterError(value: unknown, code?: ClusterErrorCode): value is ClusterError {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
  return code === undefined || (value as unknown as ClusterError).code === code;
}

/** The boundary's normaliser: a `ClusterError` stays as it is, anything else becomes the cause of one with this code. */
export function toClusterError(value: unknown, code: ClusterErrorCode, what: string): ClusterError {
  if (isClusterError(value)) return value;
  return new ClusterError(code, `${what}: ${textOf(value)}`, { cause: value });
}

/** Of whatever was thrown: not everything can be made a text. */
function textOf(value: unknown): string {
  try {
    return value instanceof Error ? value.message : String(value);
  } catch {
    return 'what was thrown has no text';
  }
}

import { ClusterError, type ClusterErrorCode, isClusterError, plainText } from '@quorate/core';

/** The status codes of gRPC that are told apart here (grpc/grpc, doc/statuscodes.md). */
const STATUS = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

const CODES: Readonly<Record<number, ClusterErrorCode>> = {
  [STATUS.CANCELLED]: 'DISCONNECTED',
  [STATUS.INVALID_ARGUMENT]: 'REMOTE',
  [STATUS.DEADLINE_EXCEEDED]: 'TIMEOUT',
  [STATUS.NOT_FOUND]: 'NOT_FOUND',
  [STATUS.PERMISSION_DENIED]: 'REFUSED',
  [STATUS.RESOURCE_EXHAUSTED]: 'OVERLOADED',
  [STATUS.FAILED_PRECONDITION]: 'REMOTE',
  [STATUS.OUT_OF_RANGE]: 'REMOTE',
  [STATUS.UNAVAILABLE]: 'DISCONNECTED',
  [STATUS.UNAUTHENTICATED]: 'REFUSED',
};

/** What etcd says when a token is no longer good, or was needed; a new login may help. */
const STALE_LOGIN = /invalid auth token|revision of auth store is old|user name is empty/u;
const WRONG_LOGIN = /authentication failed|permission denied/u;
const MAX_DETAIL = 300;

/** A call that failed, as a `ClusterError` whose cause is what gRPC said. */
export function etcdError(error: unknown, what: string): ClusterError {
  if (isClusterError(error)) return error;
  const { code, details } = statusOf(error);
  // gRPC ends some with the title of a note that isn't there.
  const detail = plainText(details.replace(/\. Resolution note: $/u, ''), MAX_DETAIL);
  const known = WRONG_LOGIN.test(details) || STALE_LOGIN.test(details) ? 'REFUSED' : CODES[code];
  return new ClusterError(known ?? 'IO', `${what}: ${detail}`, { cause: error });
}

/** Whether a new login may help. */
export function isStaleLogin(error: unknown): boolean {
  return STALE_LOGIN.test(statusOf(error).details);
}

/** Whether etcd has no users, so that nobody has to log in. */
export function isWithoutUsers(error: unknown): boolean {
  return statusOf(error).details.includes('authentication is not enabled');
}

/** Whether etcd has forgotten the revision that was asked for. */
export function isCompacted(error: unknown): boolean {
  return statusOf(error).details.includes('required revision has been compacted');
}

/** Whether a lease was to be granted that is there already. */
export function isKnownLease(error: unknown): boolean {
  return statusOf(error).details.includes('lease already exists');
}

/** Whether another member might answer: this one is gone, hangs, has no leader or fails by itself. */
export function isOfMember(error: unknown): boolean {
  if (isClusterError(error)) return error.code === 'TIMEOUT' || error.code === 'DISCONNECTED';
  const { code } = statusOf(error);
  return !REFUSALS.has(code);
}

/** What every member would answer alike. */
const REFUSALS: ReadonlySet<number> = new Set([
  STATUS.INVALID_ARGUMENT,
  STATUS.NOT_FOUND,
  STATUS.PERMISSION_DENIED,
  STATUS.RESOURCE_EXHAUSTED,
  STATUS.FAILED_PRECONDITION,
  STATUS.OUT_OF_RANGE,
  STATUS.UNAUTHENTICATED,
]);

/** Whether an answer was too large to be taken, or etcd has no room. */
export function isTooLarge(error: unknown): boolean {
  return statusOf(error).code === STATUS.RESOURCE_EXHAUSTED;
}

function statusOf(error: unknown): { readonly code: number; readonly details: string } {
  const from = isClusterError(error) && error.cause !== undefined ? error.cause : error;
  if (typeof from !== 'object' || from === null) return { code: -1, details: String(from) };
  const { code, details, message } = from as { code?: unknown; details?: unknown; message?: unknown };
  const told = typeof details === 'string' ? details : message;
  return { code: typeof code === 'number' ? code : -1, details: typeof told === 'string' ? told : 'no reason given' };
}

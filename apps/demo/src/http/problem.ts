import { STATUS_CODES } from 'node:http';
import { type ClusterErrorCode, isClusterError, type WriteOutcome } from '@quorate/core';
import type { RefusalCode } from '../broker/commands.ts';

/** Every way in which a request fails. Closed: clients branch on the code, never on the text. */
export const PROBLEM_CODES = [
  /** Something in the request is not as it has to be; `detail` says what. */
  'INVALID',
  /** The token is missing or wrong. */
  'UNAUTHORIZED',
  /** A page of another origin has asked, or the host's name is not this node's. */
  'FORBIDDEN',
  /** There is no such path, queue, topic, subscription or node. */
  'NOT_FOUND',
  /** It is there with other options. */
  'EXISTS',
  /** What is so now speaks against it. */
  'CONFLICT',
  /** The request, or one message of it, is bigger than may be. */
  'TOO_LARGE',
  /** The body is no JSON by its content type. */
  'UNSUPPORTED_MEDIA_TYPE',
  /** The queue, or the broker, has as many messages as it may. */
  'FULL',
  /** The node has as much to do as it may. */
  'OVERLOADED',
  /** The chosen election can't do it. */
  'UNSUPPORTED',
  /** Nobody leads just now, or it isn't known who. */
  'NOT_LEADER',
  /** Too few nodes can be reached. */
  'QUORUM_LOST',
  /** The node is about to stop: ask another one. */
  'STOPPING',
  /** It took too long. */
  'TIMEOUT',
  /** A fault of the node's own. */
  'INTERNAL',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** Problem details (RFC 9457). */
export interface ProblemDetails {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly requestId: string;
  /** Where a write was under way: certainly nothing was done, or nobody can tell. */
  readonly outcome?: WriteOutcome;
}

const STATUS: Readonly<Record<ProblemCode, number>> = {
  INVALID: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  EXISTS: 409,
  CONFLICT: 409,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  FULL: 429,
  OVERLOADED: 429,
  INTERNAL: 500,
  UNSUPPORTED: 501,
  NOT_LEADER: 503,
  QUORUM_LOST: 503,
  STOPPING: 503,
  TIMEOUT: 504,
};

/** Seconds after which it may well work. */
const RETRY_AFTER: Partial<Readonly<Record<ProblemCode, number>>> = {
  FULL: 1,
  OVERLOADED: 1,
  NOT_LEADER: 1,
  QUORUM_LOST: 1,
  STOPPING: 1,
};

/** What a request has failed with. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly outcome: WriteOutcome | undefined;

  constructor(
    code: ProblemCode,
    message: string,
    details: { outcome?: WriteOutcome | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.code = code;
    this.outcome = details.outcome;
  }

  /** Of 400 to 499 only where nothing was done: that is what they are taken for. */
  get status(): number {
    const status = STATUS[this.code];
    return this.outcome === 'unknown' && status < 500 ? STATUS.TIMEOUT : status;
  }

  /** Seconds, where waiting helps. */
  get retryAfter(): number | undefined {
    return RETRY_AFTER[this.code];
  }

  /** The same, of a request that may have written something before. */
  afterWrite(): Problem {
    return new Problem(this.code, this.message, { outcome: 'unknown', cause: this.cause ?? this });
  }

  details(requestId: string): ProblemDetails {
    return {
      type: 'about:blank',
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      code: this.code,
      requestId,
      ...(this.outcome !== undefined && { outcome: this.outcome }),
    };
  }
}

const OF_REFUSAL: Readonly<Record<RefusalCode, ProblemCode>> = {
  'not-found': 'NOT_FOUND',
  exists: 'EXISTS',
  full: 'FULL',
  invalid: 'INVALID',
  fenced: 'CONFLICT',
};

/** Of a command that the broker has refused: nothing of it was done. */
export function refusal({ code, message }: { readonly code: RefusalCode; readonly message: string }): Problem {
  return new Problem(OF_REFUSAL[code], message, { outcome: 'not-applied' });
}

const OF_CLUSTER: Partial<Readonly<Record<ClusterErrorCode, ProblemCode>>> = {
  ABORTED: 'TIMEOUT',
  CLOSED: 'STOPPING',
  DISCONNECTED: 'QUORUM_LOST',
  NOT_FOUND: 'NOT_FOUND',
  NOT_LEADER: 'NOT_LEADER',
  OVERLOADED: 'OVERLOADED',
  QUORUM_LOST: 'QUORUM_LOST',
  REFUSED: 'CONFLICT',
  SESSION_EXPIRED: 'TIMEOUT',
  TIMEOUT: 'TIMEOUT',
  UNSUPPORTED: 'UNSUPPORTED',
};

/** What a client is told of whatever was thrown; of faults of the node's own, no more than that. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isClusterError(error)) {
    const code = OF_CLUSTER[error.code];
    const { outcome } = error;
    if (code !== undefined) return new Problem(code, error.message, { outcome, cause: error });
    return new Problem('INTERNAL', 'the node has failed', { outcome, cause: error });
  }
  return ofFastify(error) ?? new Problem('INTERNAL', 'the node has failed', { cause: error });
}

/** What Fastify says before a request gets to its route. */
function ofFastify(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode, message: detail } = error;
  if (statusCode === 413) return new Problem('TOO_LARGE', detail, { cause: error });
  if (statusCode === 415) return new Problem('UNSUPPORTED_MEDIA_TYPE', detail, { cause: error });
  if (statusCode === 503) return new Problem('STOPPING', detail, { cause: error });
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  return new Problem('INVALID', detail, { cause: error });
}

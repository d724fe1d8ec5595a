import { ClusterError, type ClusterErrorCode, isClusterError, plainText, type WriteOutcome } from '@quorate/core';

import { isRecord } from './object.ts';

/** What the API server says of a request that it didn't grant. It is the `cause` of the error. */
export interface KubernetesStatus {
  /** As of HTTP. 409: a conflict; 410: a version or page that the server has forgotten. */
  readonly code: number;
  /** A word for programs: `Conflict`, `AlreadyExists`, `Expired`, `Forbidden`; empty where the server gave none. */
  readonly reason: string;
  readonly message: string;
}

const MAX_MESSAGE = 500;
const MAX_REASON = 64;

/** The status that an error came from; undefined for one that the server didn't send. */
export function statusOf(error: unknown): KubernetesStatus | undefined {
  const cause = isClusterError(error) ? error.cause : undefined;
  return cause instanceof SentStatus ? cause : undefined;
}

/** Whether the server has forgotten what was asked for, so that it must be listed anew. */
export function isExpired(error: unknown): boolean {
  return statusOf(error)?.code === 410;
}

/** @param value a `Status` of the API, or whatever came in its place */
export function readStatus(value: unknown, code: number): KubernetesStatus {
  const told: Readonly<Record<string, unknown>> = isRecord(value) ? value : {};
  const text = (field: string, most: number) => (typeof told[field] === 'string' ? plainText(told[field], most) : '');
  const given = typeof told['code'] === 'number' && Number.isInteger(told['code']) ? told['code'] : code;
  return new SentStatus(given, text('reason', MAX_REASON), text('message', MAX_MESSAGE));
}

/**
 * The error for a refused request.
 * @param what the call: `list endpointslices.discovery.k8s.io in default`
 */
export function statusError(status: KubernetesStatus, what: string, isWrite: boolean): ClusterError {
  const { code, reason, message } = status;
  // A server that failed may have written before; one that refused has not.
  const outcome: WriteOutcome = code >= 500 ? 'unknown' : 'not-applied';
  const details = [String(code), reason, message].filter((part) => part !== '').join(' ');
  const text = `kubernetes: ${what}: ${explain(code)} (${details})`;
  return new ClusterError(codeOf(code), text, { cause: status, ...(isWrite ? { outcome } : {}) });
}

class SentStatus implements KubernetesStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;

  constructor(code: number, reason: string, message: string) {
    this.code = code;
    this.reason = reason;
    this.message = message;
  }
}

function codeOf(code: number): ClusterErrorCode {
  if (code === 401 || code === 403) return 'REFUSED';
  if (code === 404) return 'NOT_FOUND';
  return code === 429 ? 'OVERLOADED' : 'REMOTE';
}

function explain(code: number): string {
  if (code === 401) return 'the credentials are not accepted';
  if (code === 403) return 'the permission for this is missing';
  return code >= 500 ? 'the API server failed' : 'refused';
}

import { ClusterError, type ClusterErrorCode, type WriteOutcome } from '@quorate/core';

import type { HttpAnswer } from './http-exchange.ts';

/** Of Consul's own words, in an error. */
const MAX_QUOTED = 200;

/** Before 1.11 Consul says so with status 500. */
const UNKNOWN = /^(?:Unknown (?:check|service)\b|CheckID ".*" does not have associated TTL)/u;

/** The error that an answer stands for; undefined when it is none. The token never gets into its message. */
export function failureOf(what: string, answer: HttpAnswer, token: string | undefined): ClusterError | undefined {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return undefined;
  const [code, outcome] = kindOf(status, body);
  const said = token === undefined ? body : body.replaceAll(token, '<token>');
  const words = said.replaceAll(/[^\x20-\x7e]+/gu, ' ').trim();
  return new ClusterError(code, `${what}: ${status} ${words.slice(0, MAX_QUOTED)}`.trim(), { outcome });
}

function kindOf(status: number, body: string): readonly [ClusterErrorCode, WriteOutcome] {
  if (status === 404 || (status === 500 && UNKNOWN.test(body))) return ['NOT_FOUND', 'not-applied'];
  if (status === 429) return ['OVERLOADED', 'not-applied'];
  if (status >= 400 && status < 500) return ['REFUSED', 'not-applied'];
  // A leader may fail after it has replicated the write.
  return [status >= 500 ? 'REMOTE' : 'PROTOCOL', 'unknown'];
}

import type { TSchema } from 'typebox';
import { Problem, type ProblemCode, type ProblemDetails } from './problem.ts';
import { Answers } from './schemas.ts';
import { Type } from 'typebox';

/** What any request may fail with. */
const ALWAYS: readonly ProblemCode[] = ['UNAUTHORIZED', 'FORBIDDEN', 'OVERLOADED', 'INTERNAL', 'STOPPING'];
/** What one may fail with that asks the cluster. */
const CLUSTER: readonly ProblemCode[] = ['INVALID', 'NOT_LEADER', 'QUORUM_LOST', 'TIMEOUT'];
/** What one may fail with that has a body. */
const BODY: readonly ProblemCode[] = ['INVALID', 'TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

export const failing = {
  here: ALWAYS,
  read: [...ALWAYS, ...CLUSTER],
  write: [...ALWAYS, ...CLUSTER],
  body: [...ALWAYS, ...CLUSTER, ...BODY],
} as const;

type ProblemAnswer = Record<'description', string> & {
  content: { 'application/problem+json': { schema: TSchema & { static?: ProblemDetails } } };
};

/** What a route answers when all goes well, and with what codes it fails: for the description, and for who serializes. */
export function answers<S extends Record<number, unknown>>(
  good: S,
  codes: readonly ProblemCode[],
): S & Record<number, ProblemAnswer> {
  const byStatus = new Map<number, Set<ProblemCode>>();
  for (const code of codes) {
    const { status } = new Problem(code, '');
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  const bad = [...byStatus].map(([status, names]) => [status, problemAnswer([...names])]);
  return { ...good, ...(Object.fromEntries(bad) as Record<number, ProblemAnswer>) };
}

function problemAnswer(codes: readonly ProblemCode[]): ProblemAnswer {
  const description = `Problem details with the code ${codes.join(' or ')}.`;
  return { description, content: { 'application/problem+json': { schema: Answers.problem } } };
}

/** Of server-sent events. */
export function eventsOf(description: string): unknown {
  return { description, content: { 'text/event-stream': { schema: Type.String() } } };
}

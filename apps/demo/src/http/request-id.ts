import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a client calls its request, where that is short and plain; otherwise a new id. */
export function acceptedRequestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:/+=-]{1,128}$/u.test(given) ? given : randomUUID();
}

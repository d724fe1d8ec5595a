import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '@quorate/core';
import { Problem } from './problem.ts';

/** Asked by what has no token, and by what must know how a stopping node is. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz']);

export interface GuardOptions {
  readonly host: string;
  /** What clients have to say; without it, anybody who reaches the port is served. */
  readonly token: string | undefined;
  /** Requests that may be under way at one time, long polls and streams apart. */
  readonly maxUnderWay: number;
}

/** Whom the API serves, and when. */
export class Guard {
  readonly #token: Buffer | undefined;
  readonly #isLocal: boolean;
  readonly #maxUnderWay: number;
  #underWay = 0;
  #isStopping = false;

  constructor({ host, token, maxUnderWay }: GuardOptions) {
    this.#maxUnderWay = maxUnderWay;
    this.#token = token === undefined ? undefined : digest(`Bearer ${token}`);
    this.#isLocal = isLoopback(host);
  }

  /** Nothing new is taken from here on. */
  stop(): void {
    this.#isStopping = true;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Requests that are not yet answered, those of the probes and those that wait apart. */
  get underWay(): number {
    return this.#underWay;
  }

  readonly check = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    void reply.header('x-request-id', request.id);
    const path = request.url.split('?', 1)[0] ?? '/';
    if (OPEN_PATHS.has(path)) return;
    this.#refuseStrangers(request);
    if (this.#isStopping) throw new Problem('STOPPING', 'the node is about to stop', { outcome: 'not-applied' });
    if (this.#underWay >= this.#maxUnderWay) {
      throw new Problem('OVERLOADED', `${this.#maxUnderWay} requests are under way`, { outcome: 'not-applied' });
    }
    this.#count(request, reply);
  };

  /** Those that wait, for long perhaps, are counted elsewhere. */
  #count({ routeOptions }: FastifyRequest, reply: FastifyReply): void {
    if (routeOptions.config !== undefined && 'waits' in routeOptions.config) return;
    this.#underWay += 1;
    reply.raw.once('close', () => (this.#underWay -= 1));
  }

  #refuseStrangers({ headers }: FastifyRequest): void {
    if (this.#token !== undefined) {
      if (timingSafeEqual(digest(headers.authorization ?? ''), this.#token)) return;
      throw new Problem('UNAUTHORIZED', 'the token is missing or wrong', { outcome: 'not-applied' });
    }
    // A page of somebody else's, open in a browser on this machine, must not reach a node that asks for no token.
    const { host = '', origin } = headers;
    const isOwnPage = origin === undefined || hostOf(origin) === host;
    if (isOwnPage && headers['sec-fetch-site'] !== 'cross-site' && (!this.#isLocal || isLocalName(host))) return;
    throw new Problem('FORBIDDEN', 'a node without a token serves no pages of other origins', {
      outcome: 'not-applied',
    });
  }
}

/** No name that somebody's DNS could lead here. */
function isLocalName(host: string): boolean {
  const name = host.replace(/:\d+$/u, '').replaceAll(/[[\]]/gu, '').toLowerCase();
  return name === 'localhost' || isIP(name) !== 0;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** Of one length whatever is said, so that comparing takes as long for any. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

import {
  checkOptions,
  ClusterError,
  isClusterError,
  type OptionRules,
  randomId,
  rule,
  withDeadline,
} from '@quorate/core';
import type { ForwardTarget } from '../forwarding/envelope.ts';
import { isRequestId } from '../forwarding/request-id.ts';
import { leaderOf, type Led } from '../leading/led.ts';
import { type FetchLike, fetchWhole, gather } from './fetching.ts';
import {
  answerNode,
  answerWeb,
  goneSignal,
  type HeaderReader,
  headersOf,
  type HttpAnswer,
  type NodeRequest,
  type NodeResponse,
  targetOf,
  type Warn,
  warnerOf,
} from './node-http.ts';
import { passedOn, returned } from './proxied-headers.ts';

/** The headers of requests and responses that concern the leader. */
export const leaderHeaders = {
  /** The id of the leader last observed. */
  LEADER: 'quorate-leader',
  /** Where it serves HTTP, where that is known. */
  LEADER_URL: 'quorate-leader-url',
  /** Of a response: the fencing token of the leader that answers. Of a request: the lowest one it will take. */
  TERM: 'quorate-term',
  /** How often a request was passed on. */
  HOPS: 'quorate-hops',
  /** The same however often a request is repeated, or passed on. */
  REQUEST_ID: 'quorate-request-id',
  /** How much of its time is left. */
  TIMEOUT_MS: 'quorate-timeout-ms',
  /** Of a failure: `not-applied`, or `unknown`. */
  OUTCOME: 'quorate-outcome',
} as const;

/** Where the leader of a cluster is asked over HTTP. */
export interface LeaderRoutesOptions {
  /** Where a node serves HTTP, as `http://host:port`; undefined when that is not known. */
  readonly urlOf: (to: ForwardTarget) => string | undefined;
  /**
   * What a node does that doesn't lead: `redirect` answers 307 with the leader's URL, `refuse` 421 with the leader in
   * headers, `proxy` asks the leader and brings back its response.
   * @default 'redirect'
   */
  readonly mode?: 'redirect' | 'refuse' | 'proxy';
  /** With `proxy`: sends requests. */
  readonly fetch?: FetchLike;
  /**
   * With `proxy`: how often a request is passed on at most.
   * @default 3
   */
  readonly maxHops?: number;
  /**
   * With `proxy`: the largest body that is passed on, in bytes. Bodies are held in memory.
   * @default 1048576
   */
  readonly maxBodyBytes?: number;
  /**
   * With `proxy`: the longest that a request takes; less where its header says so.
   * @default 10000
   */
  readonly timeoutMs?: number;
}

/** What lets requests through on the leader only. */
export interface LeaderRoutes {
  /**
   * For `node:http` and Express, and hooks of Fastify (`request.raw`, `reply.raw`): calls `next` on the leader, and answers
   * elsewhere. Before whatever reads the body.
   */
  readonly nodeHandler: (request: NodeRequest, response: NodeResponse, next: () => void) => void;
  /** For Hono and others of the web's kind: undefined on the leader, the response elsewhere. */
  readonly webHandler: (request: Request) => Promise<Response | undefined>;
}

interface Incoming {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly header: HeaderReader;
  readonly headers: Readonly<Record<string, string>>;
  readonly readBody: (maxBytes: number) => Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';

const rules: OptionRules<LeaderRoutesOptions> = {
  urlOf: rule.value('a function from a node to its URL', isFunction),
  mode: rule.oneOf('redirect', 'refuse', 'proxy'),
  fetch: rule.value('a function such as fetch', isFunction),
  maxHops: rule.integer({ min: 1, max: 100 }),
  maxBodyBytes: rule.integer({ min: 0, max: 256 * 1024 * 1024 }),
  timeoutMs: rule.duration({ min: 1, max: 3_600_000 }),
};

/**
 * Middleware for routes that are the leader's. Whether this node leads is asked by the clock, at each request.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function leaderRoutes(led: Led, options: LeaderRoutesOptions): LeaderRoutes {
  const checked = checkOptions<LeaderRoutesOptions>('leaderRoutes', rules, options);
  const { mode = 'redirect', fetch } = checked;
  const isProxy = mode === 'proxy';
  if (checked.urlOf === undefined) throw new ClusterError('INVALID_OPTIONS', 'leaderRoutes: urlOf is needed');
  if (isProxy !== (fetch !== undefined)) {
    throw new ClusterError('INVALID_OPTIONS', 'leaderRoutes: fetch is for the mode proxy, which needs it');
  }
  const idle = (['maxHops', 'maxBodyBytes', 'timeoutMs'] as const).find((name) => checked[name] !== undefined);
  if (!isProxy && idle !== undefined) {
    throw new ClusterError('INVALID_OPTIONS', `leaderRoutes: ${idle} means nothing without the mode proxy`);
  }
  return new LeaderGate(led, { mode, maxHops: 3, maxBodyBytes: 1024 * 1024, timeoutMs: 10_000, ...checked });
}

class LeaderGate implements LeaderRoutes {
  readonly #led: Led;
  readonly #options: Omit<Required<LeaderRoutesOptions>, 'fetch'> & Pick<LeaderRoutesOptions, 'fetch'>;
  readonly #warn: Warn;

  constructor(led: Led, options: Omit<Required<LeaderRoutesOptions>, 'fetch'> & Pick<LeaderRoutesOptions, 'fetch'>) {
    this.#led = led;
    this.#options = options;
    this.#warn = warnerOf(() => led.system, 'leaderRoutes');
  }

  readonly nodeHandler = (request: NodeRequest, response: NodeResponse, next: () => void): void => {
    const header = headersOf(request);
    const term = this.#leads(header);
    if (term !== undefined) {
      if (!response.headersSent) response.setHeader(leaderHeaders.TERM, String(term));
      next();
      return;
    }
    const incoming: Incoming = {
      method: request.method ?? 'GET',
      // Without the path at which it is mounted, the leader would be asked for something else.
      path: targetOf(request.originalUrl ?? request.url),
      header,
      headers: passedOn(Object.keys(request.headers), header),
      readBody: (maxBytes) => gather(request, maxBytes),
      signal: goneSignal(response),
    };
    void answerNode(response, () => this.#answer(incoming), this.#warn);
  };

  readonly webHandler = async (request: Request): Promise<Response | undefined> => {
    const header: HeaderReader = (name) => request.headers.get(name) ?? undefined;
    if (this.#leads(header) !== undefined) return undefined;
    const { method, signal } = request;
    const headers = passedOn([...request.headers.keys()], header);
    const readBody = (maxBytes: number): Promise<Uint8Array> => gather(request.body ?? [], maxBytes);
    const incoming: Incoming = { method, path: targetOf(request.url), header, headers, readBody, signal };
    return await answerWeb(() => this.#answer(incoming), this.#warn);
  };

  /** The token, if this node leads and is late for nobody. Never throws: an election that can't be asked yet has no leader. */
  #leads(header: HeaderReader): bigint | undefined {
    const wanted = header(leaderHeaders.TERM);
    try {
      const { leadership } = this.#led.election;
      if (leadership?.isValid() !== true) return undefined;
      const isLate = wanted !== undefined && /^\d{1,20}$/u.test(wanted) && BigInt(wanted) > leadership.token;
      return isLate ? undefined : leadership.token;
    } catch (error) {
      this.#warn('whether this node leads could not be asked', error);
      return undefined;
    }
  }

  async #answer(incoming: Incoming): Promise<HttpAnswer> {
    let leader: ForwardTarget | undefined;
    let base: string | undefined;
    try {
      leader = this.#led.election.leadership === undefined ? leaderOf(this.#led) : undefined;
      base = leader === undefined ? undefined : this.#options.urlOf(leader);
    } catch (error) {
      this.#warn('where the leader is could not be found out', error);
      return refusal(503, 'where the leader is could not be found out', { 'retry-after': '1' });
    }
    if (leader === undefined) return refusal(503, 'no leader is known', { 'retry-after': '1' });
    const about = { [leaderHeaders.LEADER]: leader.nodeId };
    const { mode } = this.#options;
    if (base === undefined) return refusal(421, `the leader is ${leader.nodeId}`, about);
    const known = { ...about, [leaderHeaders.LEADER_URL]: base };
    if (mode === 'refuse') return refusal(421, `the leader is ${leader.nodeId}`, known);
    const url = base + incoming.path;
    if (mode === 'redirect') return refusal(307, `the leader is ${leader.nodeId}`, { ...known, location: url });
    return await this.#proxy(url, incoming, known);
  }

  async #proxy(url: string, incoming: Incoming, known: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const { fetch, maxHops, maxBodyBytes } = this.#options;
    const hops = numberIn(incoming.header(leaderHeaders.HOPS)) ?? 0;
    if (hops >= maxHops || fetch === undefined) return refusal(421, `passed on ${hops} times already`, known);
    const timeoutMs = Math.min(
      this.#options.timeoutMs,
      numberIn(incoming.header(leaderHeaders.TIMEOUT_MS)) ?? Infinity,
    );
    const { method, signal } = incoming;
    const { clock } = this.#led.system;
    const until = clock.now() + timeoutMs;
    try {
      const read = (): Promise<Uint8Array> => incoming.readBody(maxBodyBytes);
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const body = hasBody ? await withDeadline(clock, timeoutMs, 'the body', read) : undefined;
      const left = Math.max(1, until - clock.now());
      const headers = { ...incoming.headers, ...this.#marks(incoming, hops, left) };
      const request = body === undefined ? { method, headers } : { method, headers, body };
      const call = { clock, timeoutMs: left, signal, maxBytes: maxBodyBytes };
      const response = await fetchWhole(fetch, url, request, call);
      return { status: response.status, headers: returned(response.headers), body: response.body };
    } catch (error) {
      return failure(error, known);
    }
  }

  /** What tells the leader of the way that a request has come. */
  #marks({ header }: Incoming, hops: number, leftMs: number): Record<string, string> {
    const id = header(leaderHeaders.REQUEST_ID);
    const token = this.#led.election.leader?.token;
    return {
      [leaderHeaders.HOPS]: String(hops + 1),
      [leaderHeaders.TIMEOUT_MS]: String(Math.floor(leftMs)),
      [leaderHeaders.REQUEST_ID]: isRequestId(id) ? id : randomId(this.#led.system.random),
      ...(token === undefined ? {} : { [leaderHeaders.TERM]: String(token) }),
    };
  }
}

function failure(error: unknown, known: Readonly<Record<string, string>>): HttpAnswer {
  const outcome = isClusterError(error) ? error.outcome : undefined;
  const about = { ...known, [leaderHeaders.OUTCOME]: outcome ?? 'not-applied' };
  if (outcome === undefined && isClusterError(error, 'OVERLOADED')) return refusal(413, 'the body is too large', about);
  if (outcome === undefined && isClusterError(error, 'TIMEOUT')) {
    // The rest of it isn't waited for.
    return refusal(408, 'the body did not arrive in time', { ...about, connection: 'close' });
  }
  if (isClusterError(error, 'TIMEOUT')) return refusal(504, 'the leader did not answer in time', about);
  const status = outcome === 'not-applied' ? 503 : 502;
  return refusal(status, 'the leader could not be asked', about);
}

function refusal(status: number, message: string, headers: Readonly<Record<string, string>>): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${message}\n` };
}

/** From a header: a whole number, of a size that a sane peer sends. */
function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/u.test(text) ? Number(text) : undefined;
}

import {
  checkOptions,
  ClusterError,
  isClusterError,
  type OptionRules,
  rule,
  telemetryOf,
  withDeadline,
} from '@quorate/core';
import { decodeAnswer, type ForwardTarget } from '../forwarding/envelope.ts';
import type { Forwarder, ForwardReceiver } from '../forwarding/forwarder.ts';
import type { Led } from '../leading/led.ts';
import { type Fetched, type FetchLike, fetchWhole, gather } from './fetching.ts';
import {
  answerNode,
  answerWeb,
  goneSignal,
  headersOf,
  type HttpAnswer,
  isFor,
  type NodeRequest,
  type NodeResponse,
  type Warn,
  warnerOf,
  writeAnswer,
} from './node-http.ts';

/** What `httpForwarder` is told. */
export interface HttpForwarderOptions {
  /** Sends requests: `fetch`. */
  readonly fetch: FetchLike;
  /** Where a node serves HTTP, as `http://host:port`; undefined when that is not known. */
  readonly urlOf: (to: ForwardTarget) => string | undefined;
  /**
   * Where requests are sent to, behind the URL of a node, and taken: the whole path, or what is left of it where the
   * framework takes the path off at which a handler is mounted (Express, `mount` of Hono).
   * @default '/quorate/forward'
   */
  readonly path?: string;
  /**
   * The header `authorization` of what is sent.
   * @default none
   */
  readonly authorization?: () => string;
  /**
   * Judges that header of what arrives: whatever it says but `true`, or throws, keeps the request out. Whoever is let in
   * may ask for everything that the handlers do.
   * @default everybody
   */
  readonly accepts?: (authorization: string | undefined) => boolean;
  /**
   * The largest body of a request or answer, in bytes: a little more than `maxBytes` of `forwardToLeader`.
   * @default 270336
   */
  readonly maxBodyBytes?: number;
  /**
   * How long the body of a request may take to arrive. What is sent has a deadline of its own.
   * @default 10000
   */
  readonly bodyTimeoutMs?: number;
}

/** A forwarder, and what takes its requests in a program's HTTP server. */
export interface HttpForwarder extends Forwarder {
  /** For `node:http`, Express, and hooks of Fastify (`request.raw`, `reply.raw`). Other paths are for `next`, or get 404. */
  readonly nodeHandler: (request: NodeRequest, response: NodeResponse, next?: () => void) => void;
  /** For Hono and others of the web's kind; undefined for other paths. */
  readonly webHandler: (request: Request) => Promise<Response | undefined>;
}

const MEDIA_TYPE = 'application/vnd.quorate.forward';
const isFunction = (value: unknown): boolean => typeof value === 'function';

const rules: OptionRules<HttpForwarderOptions> = {
  fetch: rule.value('a function such as fetch', isFunction),
  urlOf: rule.value('a function from a node to its URL', isFunction),
  path: rule.text('a path that begins with /', (text) => /^\/[\w./~-]*$/u.test(text)),
  authorization: rule.value('a function', isFunction),
  accepts: rule.value('a function', isFunction),
  maxBodyBytes: rule.integer({ min: 1024, max: 64 * 1024 * 1024 }),
  bodyTimeoutMs: rule.duration({ min: 1, max: 3_600_000 }),
};

/**
 * Forwards over HTTP: `POST` with the request in its body. 200 is an answer, of the leader or of its handler; 421 comes
 * from who doesn't lead.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function httpForwarder(led: Pick<Led, 'system'>, options: HttpForwarderOptions): HttpForwarder {
  const checked = checkOptions<HttpForwarderOptions>('httpForwarder', rules, options);
  for (const needed of ['fetch', 'urlOf'] as const) {
    if (checked[needed] === undefined) throw new ClusterError('INVALID_OPTIONS', `httpForwarder: ${needed} is needed`);
  }
  return new FetchForwarder(led, checked);
}

class FetchForwarder implements HttpForwarder {
  readonly #led: Pick<Led, 'system'>;
  readonly #options: HttpForwarderOptions;
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #bodyTimeoutMs: number;
  readonly #warn: Warn;
  #handle: ForwardReceiver | undefined;

  constructor(led: Pick<Led, 'system'>, options: HttpForwarderOptions) {
    this.#led = led;
    this.#options = options;
    this.#path = options.path ?? '/quorate/forward';
    this.#maxBytes = options.maxBodyBytes ?? 264 * 1024;
    this.#bodyTimeoutMs = options.bodyTimeoutMs ?? 10_000;
    this.#warn = warnerOf(() => led.system, 'httpForwarder');
  }

  async send(
    to: ForwardTarget,
    request: Uint8Array,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const base = this.#options.urlOf(to);
    if (base === undefined) {
      throw new ClusterError('NOT_FOUND', `the URL of ${to.nodeId} is not known`, { outcome: 'not-applied' });
    }
    const { authorization } = this.#options;
    const carrier = telemetryOf(this.#led.system).activeCarrier();
    const headers = {
      'content-type': MEDIA_TYPE,
      ...(carrier === undefined ? {} : { traceparent: carrier }),
      ...(authorization === undefined ? {} : { authorization: authorization() }),
    };
    const call = { clock: this.#led.system.clock, timeoutMs, signal, maxBytes: this.#maxBytes };
    const sent = { method: 'POST', headers, body: request };
    return read(await fetchWhole(this.#options.fetch, `${base}${this.#path}`, sent, call), to);
  }

  serve(handle: ForwardReceiver): Disposable {
    if (this.#handle !== undefined) throw new ClusterError('INVALID_OPTIONS', 'this forwarder serves already');
    this.#handle = handle;
    return { [Symbol.dispose]: () => (this.#handle = undefined) };
  }

  readonly nodeHandler = (request: NodeRequest, response: NodeResponse, next?: () => void): void => {
    if (!isFor(request, this.#path)) {
      if (next === undefined) writeAnswer(response, plain(404, 'not found'), this.#warn);
      else next();
      return;
    }
    const { method = 'GET' } = request;
    const authorization = headersOf(request)('authorization');
    const signal = goneSignal(response);
    const body = (): Promise<Uint8Array> => gather(request, this.#maxBytes);
    void answerNode(response, () => this.#answer(method, authorization, body, signal), this.#warn);
  };

  readonly webHandler = async (request: Request): Promise<Response | undefined> => {
    if (!isFor({ url: request.url }, this.#path)) return undefined;
    const authorization = request.headers.get('authorization') ?? undefined;
    const body = (): Promise<Uint8Array> => gather(request.body ?? [], this.#maxBytes);
    return await answerWeb(() => this.#answer(request.method, authorization, body, request.signal), this.#warn);
  };

  async #answer(
    method: string,
    authorization: string | undefined,
    readBody: () => Promise<Uint8Array>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    if (method !== 'POST') return plain(405, 'POST is needed');
    if (!this.#isAccepted(authorization)) return plain(401, 'not authorized');
    const handle = this.#handle;
    if (handle === undefined) return plain(421, 'nothing is served here');
    let request: Uint8Array;
    try {
      // Whoever is let in could hold connections and bodies otherwise, for as long as the server lets it.
      request = await withDeadline(this.#led.system.clock, this.#bodyTimeoutMs, 'the body', readBody, { signal });
    } catch (error) {
      this.#warn('a request was not read', error);
      if (isClusterError(error, 'TIMEOUT'))
        return plain(408, 'the body did not arrive in time', { connection: 'close' });
      return plain(413, 'the request could not be read');
    }
    // Should this fail, nobody knows what was done: a status that says so.
    const body = new Uint8Array(await handle(request, { signal }));
    const isLeader = decodeAnswer(body).kind !== 'not-leader';
    return { status: isLeader ? 200 : 421, headers: { 'content-type': MEDIA_TYPE }, body };
  }

  /** Never throws: anybody can send what makes a comparison throw. */
  #isAccepted(authorization: string | undefined): boolean {
    const { accepts } = this.#options;
    if (accepts === undefined) return true;
    try {
      // A promise, for one, lets nobody in.
      const verdict: unknown = accepts(authorization);
      return verdict === true;
    } catch (error) {
      this.#warn('accepts failed', error);
      return false;
    }
  }
}

/** @throws ClusterError for what is no answer */
function read({ status, headers, body }: Fetched, { nodeId }: ForwardTarget): Uint8Array {
  const isOurs = headers.get('content-type') === MEDIA_TYPE;
  if ((status === 200 || status === 421) && isOurs) return body;
  // These were refused before anybody has looked at them.
  const outcome = [401, 403, 404, 405, 408, 413, 421].includes(status) ? 'not-applied' : 'unknown';
  throw new ClusterError('REFUSED', `${nodeId} answered with the status ${status}`, { outcome });
}

function plain(status: number, body: string, headers: HttpAnswer['headers'] = {}): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

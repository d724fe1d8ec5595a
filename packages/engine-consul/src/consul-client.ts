import {
  type CallOptions,
  type Clock,
  ClusterError,
  isClusterError,
  linkSignals,
  parseJson,
  throwIfAborted,
  toClusterError,
  withDeadline,
} from '@quorate/core';

import { failureOf } from './consul-failure.ts';
import { type EngineSettings, isTls, isToken } from './engine-options.ts';
import type { ConsulTls, HttpAnswer, HttpExchange, HttpLine, HttpRequest } from './http-exchange.ts';

/** Values of a query; a list gives the name once for each, undefined leaves it out. */
export type ConsulQuery = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface ConsulCallOptions extends CallOptions {
  readonly query?: ConsulQuery;
  /** In place of the engine's. */
  readonly timeoutMs?: number;
  /** Statuses that are answers here, though they are failures elsewhere: 404 where a key may well not be there. */
  readonly answers?: readonly number[];
  /** The connection to go by, in place of any. */
  readonly via?: { readonly line: HttpLine; readonly continues: boolean } | undefined;
}

/** What Consul has answered. */
export interface ConsulAnswer {
  readonly status: number;
  /** Of the JSON: nothing is known of its form. Undefined where there was none. */
  readonly body: unknown;
  /** `X-Consul-Index` as it came, of answers that have one. */
  readonly index: number | undefined;
  /** Consul says that it left out what the token must not see; old servers never do. */
  readonly filtered: boolean;
}

/**
 * Consul's HTTP API with a deadline and a signal on every call. Paths are given as what stands between the slashes behind
 * `/v1`; each part is encoded.
 */
export interface ConsulClient extends AsyncDisposable {
  /** Where it is, for messages. */
  readonly address: string;
  readonly clock: Clock;
  /** Grows when the token is another one than before. What was written with the old one may have to be written again. */
  readonly tokenGeneration: number;
  /**
   * @throws ClusterError `NOT_FOUND`, `REFUSED` (rights, or a request that Consul can't take), `REMOTE` (Consul failed, has
   * no leader), `OVERLOADED`, `PROTOCOL`, `DISCONNECTED`, `TIMEOUT`, `ABORTED`, `CLOSED`
   */
  get(path: readonly string[], options?: ConsulCallOptions): Promise<ConsulAnswer>;
  /**
   * Writes. A failure carries its `outcome`.
   * @param body is sent as JSON, or as it is where it is bytes
   * @throws ClusterError as `get`
   */
  put(path: readonly string[], body?: unknown, options?: ConsulCallOptions): Promise<ConsulAnswer>;
  /** A question with a body; it changes nothing. */
  ask(path: readonly string[], body: unknown, options?: ConsulCallOptions): Promise<ConsulAnswer>;
  /** For reads one after the other that have to reach the same agent. To be disposed of; ends with the last client, too. */
  openLine(): HttpLine;
}

/** Ten thousand instances of a service, each with a little metadata, are about 15 MB. */
export const MAX_ANSWER_BYTES = 67_108_864;

type Method = HttpRequest['method'];

interface Call extends Pick<ConsulCallOptions, 'via'> {
  /** For messages. */
  readonly what: string;
  readonly method: Method;
  readonly path: string;
  readonly body: unknown;
  readonly answers: readonly number[] | undefined;
}

export class HttpConsulClient implements ConsulClient {
  readonly address: string;
  readonly clock: Clock;
  readonly #settings: EngineSettings;
  readonly #exchange: HttpExchange;
  readonly #onClose: () => void;
  readonly #closed = new AbortController();
  #token: string | undefined;
  #tokenGeneration = 0;

  constructor(clock: Clock, settings: EngineSettings, exchange: HttpExchange, onClose: () => void) {
    this.address = settings.target.origin;
    this.clock = clock;
    this.#settings = settings;
    this.#exchange = exchange;
    this.#onClose = onClose;
  }

  get tokenGeneration(): number {
    return this.#tokenGeneration;
  }

  get(path: readonly string[], options: ConsulCallOptions = {}): Promise<ConsulAnswer> {
    return this.#call('GET', path, undefined, options);
  }

  put(path: readonly string[], body?: unknown, options: ConsulCallOptions = {}): Promise<ConsulAnswer> {
    return this.#call('PUT', path, body, options);
  }

  ask(path: readonly string[], body: unknown, options: ConsulCallOptions = {}): Promise<ConsulAnswer> {
    return this.#call('POST', path, body, options);
  }

  openLine(): HttpLine {
    return this.#exchange.openLine();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed.signal.aborted) {
      this.#closed.abort(new ClusterError('CLOSED', `consul ${this.address}: disposed`));
      this.#onClose();
    }
    return Promise.resolve();
  }

  async #call(method: Method, path: readonly string[], body: unknown, options: ConsulCallOptions) {
    const { signal, query, timeoutMs = this.#settings.timeoutMs, via, answers } = options;
    const parts = path.map(encode).join('/');
    const what = `consul ${this.address}: ${method} /v1/${parts}`;
    const closed = this.#closed.signal;
    using either = linkSignals(signal, closed);
    const run = { sent: false };
    try {
      throwIfAborted(either.signal, what);
      const target = `/v1/${parts}${queryText({ ...this.#settings.query, ...query })}`;
      const send = (inner: AbortSignal) => this.#send({ what, method, path: target, body, via, answers }, run, inner);
      return await withDeadline(this.clock, timeoutMs, what, send, either);
    } catch (error) {
      throw this.#explain(what, error, method === 'PUT' ? run : undefined);
    }
  }

  async #send(call: Call, run: { sent: boolean }, signal: AbortSignal): Promise<ConsulAnswer> {
    const { what, method, path, body, via, answers } = call;
    const tls = await this.#tls();
    const token = await this.#currentToken();
    throwIfAborted(signal, what);
    const headers = { accept: 'application/json', ...(token === undefined ? {} : { 'x-consul-token': token }) };
    const content = body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) };
    run.sent = true;
    const request = { method, path, headers, maxBytes: MAX_ANSWER_BYTES, tls, ...content };
    const answer = await (via === undefined
      ? this.#exchange.send(request, { signal })
      : via.line.send(request, { signal, continues: via.continues }));
    const failure = failureOf(what, answer, token);
    if (failure !== undefined && answers?.includes(answer.status) !== true) throw failure;
    return readAnswer(what, answer);
  }

  async #tls(): Promise<ConsulTls | undefined> {
    const tls = await this.#settings.tls();
    if (tls === undefined || isTls(tls)) return tls;
    throw new ClusterError('INVALID_OPTIONS', 'tls: the function got no { ca?, cert? with key?, serverName? }');
  }

  async #currentToken(): Promise<string | undefined> {
    const given = await this.#settings.token();
    // Files end with a newline.
    const token = typeof given === 'string' ? given.trim() : given;
    if (token !== undefined && !isToken(token)) {
      throw new ClusterError('INVALID_OPTIONS', 'token: the function got no text of at most 4096 visible characters');
    }
    if (this.#token !== undefined && this.#token !== token) this.#tokenGeneration += 1;
    this.#token = token;
    return token;
  }

  /** @param write what became of a write */
  #explain(what: string, cause: unknown, write: { readonly sent: boolean } | undefined): ClusterError {
    const closed = this.#closed.signal;
    const error = toClusterError(closed.aborted ? closed.reason : cause, 'IO', what);
    const outcome = write === undefined ? undefined : (error.outcome ?? (write.sent ? 'unknown' : 'not-applied'));
    const isComplete = error.message.startsWith(what) || closed.aborted;
    if (isComplete && outcome === error.outcome) return error;
    const message = isComplete ? error.message : `${what}: ${error.message}`;
    return new ClusterError(error.code, message, { cause: isClusterError(cause) ? cause.cause : cause, outcome });
  }
}

function queryText(query: ConsulQuery): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const values = value === undefined ? [] : Array.isArray(value) ? (value as readonly string[]) : [String(value)];
    return values.map((one) => `${encode(name)}=${encode(one)}`);
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Of text that no UTF-8 can hold, what can be sent. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function readAnswer(what: string, { status, headers, body }: HttpAnswer): ConsulAnswer {
  const index = headers['x-consul-index'];
  const filtered = headers['x-consul-results-filtered-by-acls'] === 'true';
  return {
    status,
    body: readJson(what, body),
    index: index === undefined ? undefined : readIndex(what, index),
    filtered,
  };
}

function readJson(what: string, text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return parseJson(text);
  } catch (cause) {
    throw new ClusterError('PROTOCOL', `${what}: the answer is not JSON`, { cause, outcome: 'unknown' });
  }
}

function readIndex(what: string, header: string | readonly string[]): number {
  const index = typeof header === 'string' && /^\d{1,20}$/u.test(header) ? Number(header) : Number.NaN;
  if (Number.isSafeInteger(index)) return index;
  throw new ClusterError('PROTOCOL', `${what}: X-Consul-Index is no index`, { outcome: 'unknown' });
}

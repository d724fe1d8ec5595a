import type { Problem } from './problem.ts';

/** A node that failed is not asked first for so long. */
const AVOIDED_MS = 1_000;
/** From a round of all nodes in which none could do it to the next. */
const PAUSE_MS = 20;
const NOT_IMPLEMENTED = 501;
/** Of an answer that is read. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface NodesClientOptions {
  /** Where the nodes' HTTP APIs are: `http://host:port`. */
  readonly urls: readonly string[];
  /** For how long one try waits for its answer. */
  readonly timeoutMs: number;
}

export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** Instead of that of the client. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

/** An answer of a node. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** How often it was tried in vain before, such that a write may have been done all the same. */
  readonly unknownBefore: number;
}

/** No answer came, or one that says that nobody can tell. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A client of all nodes of a broker, which asks another one when one doesn't answer. */
export class NodesClient {
  readonly #options: NodesClientOptions;
  /** Until when each is rather not asked, by its URL. */
  readonly #avoided = new Map<string, number>();
  #next: number;
  /** Tries that failed, so far. */
  failed = 0;

  /** @param first which node is asked first */
  constructor(options: NodesClientOptions, first = 0) {
    this.#options = options;
    this.#next = first;
  }

  /** The node that is asked first now. */
  get url(): string {
    const { urls } = this.#options;
    const now = performance.now();
    for (let step = 0; step < urls.length; step += 1) {
      const url = urls[(this.#next + step) % urls.length] ?? '';
      if ((this.#avoided.get(url) ?? 0) <= now) return url;
    }
    return urls[this.#next % urls.length] ?? '';
  }

  /** From now on another one is asked first. */
  avoid(url: string): void {
    this.#avoided.set(url, performance.now() + AVOIDED_MS);
    this.#next += 1;
  }

  /**
   * Asks one node after the other until one has an answer that it will stand by, which may be that the request is wrong.
   * What is written has to be such that it may be written again.
   * @throws the signal's reason
   */
  async persist(call: Call): Promise<Answer> {
    let unknownBefore = 0;
    for (;;) {
      call.signal.throwIfAborted();
      const outcome = await this.attempt(call);
      if (outcome instanceof NoAnswer) unknownBefore += 1;
      else if (isFinal(outcome.status)) return { ...outcome, unknownBefore };
      else if ((outcome.body as Problem | undefined)?.outcome === 'unknown') unknownBefore += 1;
      call.signal.throwIfAborted();
      await pause(PAUSE_MS, call.signal);
    }
  }

  /** One node, once. */
  async attempt({ method, path, body, timeoutMs, signal }: Call): Promise<Omit<Answer, 'unknownBefore'> | NoAnswer> {
    const { url } = this;
    const within = AbortSignal.timeout(timeoutMs ?? this.#options.timeoutMs);
    try {
      const response = await fetch(url + path, {
        method,
        signal: AbortSignal.any([signal, within]),
        ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await response.text();
      if (text.length > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
      const { status } = response;
      if (!isFinal(status)) {
        this.failed += 1;
        this.avoid(url);
      }
      return { status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    } catch (error) {
      // What was given up by who asked is no failure.
      if (!signal.aborted) {
        this.failed += 1;
        this.avoid(url);
      }
      return new NoAnswer(`${method} ${path} at ${url}`, { cause: error });
    }
  }
}

/** Whether asking another node, or again, would change nothing. */
function isFinal(status: number): boolean {
  return (status < 500 && status !== 429) || status === NOT_IMPLEMENTED;
}

/** Resolves early when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

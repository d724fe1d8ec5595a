import {
  abortError,
  type CallOptions,
  type Clock,
  ClusterError,
  type LinkedSignal,
  linkSignals,
  parseJson,
  toClusterError,
  withDeadline,
} from '@quorate/core';

import type { HttpAnswer, HttpRequest, KubernetesHttp } from './http.ts';
import { readAll, readLines } from './lines.ts';
import { isRecord, type KubernetesObject, type ObjectPage, readObject, readPage } from './object.ts';
import { isObjectName, type KubernetesResource, resourceName, resourcePath, type Selection } from './resource.ts';
import { readStatus, statusError } from './status.ts';
import { readWatchEvent, type WatchEvent } from './watch-event.ts';

/** How the API of Kubernetes is asked. */
export interface KubernetesClientOptions {
  /**
   * How long the server may take to answer a call, or to begin a watch.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * How long one watch lasts before the server ends it and the next begins; by how much one can be silent when its
   * connection has died unnoticed. In whole seconds.
   * @default 60000
   */
  readonly watchMs?: number;
}

export interface PageOptions extends CallOptions {
  /** The most items. */
  readonly limit: number;
  /** From the page before. */
  readonly next?: string | undefined;
}

/** The largest answer, and the largest event of a watch, in bytes. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;
/** The longest event of a watch, in bytes. */
export const MAX_EVENT_BYTES: number = 4 * 1024 * 1024;
/** Watches that end sooner aren't renewed at once. */
export const SHORTEST_WATCH_MS = 500;

/**
 * The calls of the API, each with a deadline. A write that fails says with `outcome` whether it may have been done all
 * the same; `statusOf` gives what the server said: 409 when the object has changed since its `resourceVersion`.
 */
export class KubernetesClient implements AsyncDisposable {
  readonly #http: KubernetesHttp;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #watchMs: number;
  readonly #closed = new AbortController();

  constructor(
    http: KubernetesHttp,
    clock: Clock,
    { timeoutMs = 5_000, watchMs = 60_000 }: KubernetesClientOptions = {},
  ) {
    this.#http = http;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#watchMs = watchMs;
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** The namespace of the credentials, `default` where they don't say. */
  async namespace(): Promise<string> {
    const namespace = await this.#http.namespace();
    if (namespace === undefined || isObjectName(namespace)) return namespace ?? 'default';
    throw new ClusterError('INVALID_OPTIONS', 'kubernetes: the namespace of the credentials is no name');
  }

  /** A page of the objects, as they are now: the server asks a majority of its store. */
  async list(
    resource: KubernetesResource,
    selection: Selection,
    { limit, next, signal }: PageOptions,
  ): Promise<ObjectPage> {
    const { labelSelector, fieldSelector } = selection;
    const query = queryOf({ labelSelector, fieldSelector, limit: String(limit), continue: next });
    const path = resourcePath(resource, selection.namespace) + query;
    const what = describe('list', resource, selection.namespace);
    return this.#call({ method: 'GET', path }, what, signal, readPage);
  }

  /** @throws ClusterError `NOT_FOUND` */
  async get(
    resource: KubernetesResource,
    namespace: string,
    name: string,
    options: CallOptions = {},
  ): Promise<KubernetesObject> {
    const path = resourcePath(resource, namespace, name);
    return this.#object({ method: 'GET', path }, describe('get', resource, namespace, name), options);
  }

  async create(
    resource: KubernetesResource,
    namespace: string,
    object: KubernetesObject,
    options: CallOptions = {},
  ): Promise<KubernetesObject> {
    const what = describe('create', resource, namespace, object.metadata.name);
    return this.#object({ method: 'POST', path: resourcePath(resource, namespace), body: json(object) }, what, options);
  }

  /** Replaces the object; when it carries a `resourceVersion`, only if that is still the one. */
  async update(
    resource: KubernetesResource,
    namespace: string,
    object: KubernetesObject,
    options: CallOptions = {},
  ): Promise<KubernetesObject> {
    const { name } = object.metadata;
    const what = describe('update', resource, namespace, name);
    const path = resourcePath(resource, namespace, name);
    return this.#object({ method: 'PUT', path, body: json(object) }, what, options);
  }

  /** Changes fields of the object by a JSON merge patch (RFC 7386): null removes one. */
  async patch(
    resource: KubernetesResource,
    namespace: string,
    name: string,
    patch: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<KubernetesObject> {
    const body = json(patch, 'application/merge-patch+json');
    const request: HttpRequest = { method: 'PATCH', path: resourcePath(resource, namespace, name), body };
    return this.#object(request, describe('patch', resource, namespace, name), options);
  }

  /** @throws ClusterError `NOT_FOUND` */
  async delete(
    resource: KubernetesResource,
    namespace: string,
    name: string,
    options: CallOptions = {},
  ): Promise<void> {
    const request: HttpRequest = { method: 'DELETE', path: resourcePath(resource, namespace, name) };
    await this.#call(request, describe('delete', resource, namespace, name), options.signal, () => undefined);
  }

  /**
   * Changes from a version on, until the server ends the watch, as it does after `watchMs`; then another goes on from
   * the last version.
   * @throws ClusterError `TIMEOUT` when the connection has been silent past that time. One for which `isExpired` holds
   * when the version is too old: list again
   */
  async *watch(
    resource: KubernetesResource,
    selection: Selection,
    resourceVersion: string,
    options: CallOptions = {},
  ): AsyncGenerator<WatchEvent> {
    const what = describe('watch', resource, selection.namespace);
    const seconds = Math.max(1, Math.round(this.#watchMs / 1000));
    const { labelSelector, fieldSelector } = selection;
    const query = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds), resourceVersion };
    const path = resourcePath(resource, selection.namespace) + queryOf({ ...query, labelSelector, fieldSelector });
    const life = new WatchLife(this.#clock, `kubernetes: ${what}`, [this.#closed.signal, options.signal]);
    try {
      life.endAfter(this.#timeoutMs);
      const answer = await this.#http.send({ method: 'GET', path }, { signal: life.signal });
      if (answer.status !== 200) throw await this.#refusal(answer, what, false);
      life.endAfter(seconds * 1000 + this.#timeoutMs);
      const begunAt = this.#clock.now();
      for await (const line of readLines(answer.body, MAX_EVENT_BYTES)) yield readWatchEvent(line, what);
      life.signal.throwIfAborted();
      // Renewed at once, such watches would keep both sides busy.
      if (this.#clock.now() - begunAt < SHORTEST_WATCH_MS) {
        throw new ClusterError('DISCONNECTED', `kubernetes: ${what}: the server ended it at once`);
      }
    } catch (error) {
      throw this.#failure(life.reasonOf(error), what, options.signal);
    } finally {
      life.end();
    }
  }

  /** Ends what is under way. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new ClusterError('CLOSED', 'kubernetes: the client was disposed'));
    await this.#http[Symbol.asyncDispose]();
  }

  #object(request: HttpRequest, what: string, { signal }: CallOptions): Promise<KubernetesObject> {
    return this.#call(request, what, signal, readObject);
  }

  async #call<T>(
    request: HttpRequest,
    what: string,
    signal: AbortSignal | undefined,
    read: (answer: unknown, what: string) => T,
  ): Promise<T> {
    const closed = this.#closed.signal;
    using either = linkSignals(signal, closed);
    let sent = false;
    const ask = async (inner: AbortSignal) => {
      sent = true;
      return read(await this.#ask(request, what, inner), `kubernetes: ${what}`);
    };
    try {
      return await withDeadline(this.#clock, this.#timeoutMs, `kubernetes: ${what}`, ask, either);
    } catch (error) {
      const failure = this.#failure(error, what, signal);
      if (request.method === 'GET' || failure.outcome !== undefined) throw failure;
      // Once it was sent nobody knows, unless the server answered.
      const outcome = sent && failure.code !== 'INVALID_OPTIONS' ? 'unknown' : 'not-applied';
      throw new ClusterError(failure.code, failure.message, { cause: failure.cause, outcome });
    }
  }

  async #ask(request: HttpRequest, what: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#http.send(request, { signal });
    if (answer.status < 200 || answer.status > 299) throw await this.#refusal(answer, what, request.method !== 'GET');
    return parse(await readAll(answer.body, MAX_ANSWER_BYTES), what);
  }

  async #refusal(answer: HttpAnswer, what: string, isWrite: boolean): Promise<ClusterError> {
    const text = await readAll(answer.body, MAX_ANSWER_BYTES);
    let told: unknown = undefined;
    try {
      told = parseJson(text);
    } catch {
      // A proxy in between answers in words of its own.
    }
    return statusError(readStatus(told, answer.status), what, isWrite);
  }

  #failure(error: unknown, what: string, signal: AbortSignal | undefined): ClusterError {
    const closed = this.#closed.signal;
    if (closed.aborted) return toClusterError(closed.reason, 'CLOSED', 'kubernetes');
    if (signal?.aborted === true) return abortError(signal, `kubernetes: ${what}`);
    return toClusterError(error, 'DISCONNECTED', `kubernetes: ${what}`);
  }
}

/** Ends a watch by the clock, or by whoever it belongs to. */
class WatchLife {
  readonly #clock: Clock;
  readonly #what: string;
  readonly #own = new AbortController();
  readonly #link: LinkedSignal;
  readonly signal: AbortSignal;
  #timer: { cancel(): void } | undefined;

  constructor(clock: Clock, what: string, owners: readonly (AbortSignal | undefined)[]) {
    this.#clock = clock;
    this.#what = what;
    this.#link = linkSignals(this.#own.signal, ...owners);
    this.signal = this.#link.signal;
    // At once: what is read ends later, when the connection has closed.
    this.signal.addEventListener('abort', () => this.#timer?.cancel(), { once: true });
  }

  endAfter(delayMs: number): void {
    this.#timer?.cancel();
    if (this.signal.aborted) return;
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#own.abort(new ClusterError('TIMEOUT', `${this.#what}: silent for too long`));
    });
  }

  /** What the connection says when it is cut off is not why it was. */
  reasonOf(error: unknown): unknown {
    return this.#own.signal.aborted ? this.#own.signal.reason : error;
  }

  end(): void {
    this.#timer?.cancel();
    this.#own.abort(new ClusterError('CLOSED', `${this.#what}: over`));
    this.#link[Symbol.dispose]();
  }
}

function describe(verb: string, resource: KubernetesResource, namespace: string, name?: string): string {
  return `${verb} ${resourceName(resource)}${name === undefined ? '' : ` ${name}`} in ${namespace}`;
}

function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}

function json(value: object, type = 'application/json'): { readonly type: string; readonly text: string } {
  return { type, text: JSON.stringify(value) };
}

function parse(text: string, what: string): unknown {
  try {
    const value = parseJson(text);
    if (isRecord(value)) return value;
  } catch {
    // Told below.
  }
  throw new ClusterError('PROTOCOL', `kubernetes: ${what}: the answer is not an object of JSON`);
}

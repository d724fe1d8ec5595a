import {
  type Channel,
  type Clock,
  ClusterError,
  createChannel,
  type DiscoveredNode,
  settleWithin,
} from '@quorate/core';
import type { HttpAnswer, HttpRequest, KubernetesHttp } from '@quorate/engine-kubernetes';

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly [field: string]: unknown;
}

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: unknown;
}

const PAGE = /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/default\/endpointslices\?/u;
const MAPS = '/api/v1/namespaces/default/configmaps';

/** What a server of the API may say, in order and out of it: lists in small pages, watches, and a history that ends. */
export class FakeKubernetes {
  state: 'up' | 'broken' | 'stalled' = 'up';
  /** How many lists were asked for, first pages only. */
  lists = 0;
  /** Items of a page, whatever the client wants at most. */
  pageSize = 2;
  readonly #clock: Clock;
  #version = 100;
  #forgottenUpTo = 0;
  #slices: readonly Stored[] = [];
  readonly #history: Change[] = [];
  readonly #maps = new Map<string, Stored>();
  readonly #watches = new Set<Channel<Uint8Array>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly http = (): KubernetesHttp => ({
    namespace: () => Promise.resolve(undefined),
    send: (request, { signal } = {}) => this.#send(request, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

  /** Makes these all slices there are, told to watches as changes of one each. */
  put(slices: readonly Stored[]): void {
    const gone = this.#slices.filter(({ metadata }) => !slices.some((each) => each.metadata.name === metadata.name));
    for (const slice of gone) this.#record('DELETED', slice);
    this.#slices = slices.map((slice) => {
      const old = this.#slices.find(({ metadata }) => metadata.name === slice.metadata.name);
      if (old !== undefined && isSame(old, slice)) return old;
      return this.#record(old === undefined ? 'ADDED' : 'MODIFIED', slice);
    });
  }

  /** No watch goes on from before now. */
  forget(): void {
    this.#forgottenUpTo = this.#version;
  }

  /** What a watch may be sent at any time. */
  say(event: unknown): void {
    for (const watch of this.#watches) watch.push(lineOf(event));
  }

  break(): void {
    this.state = 'broken';
    for (const watch of this.#watches) watch.close();
  }

  #record(type: Change['type'], slice: Stored): Stored {
    this.#version += 1;
    const object = { ...slice, metadata: { ...slice.metadata, resourceVersion: String(this.#version) } };
    this.#history.push({ version: this.#version, type, object });
    if (this.state === 'up') this.say({ type, object });
    return object;
  }

  async #send({ method, path, body }: HttpRequest, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    await Promise.resolve();
    signal?.throwIfAborted();
    if (this.state === 'stalled') await settleWithin(signal, 'a request', () => () => undefined);
    if (this.state === 'broken') throw new ClusterError('DISCONNECTED', 'nobody is there');
    if (path.startsWith(MAPS)) return this.#configMap(method, path.slice(MAPS.length + 1), body?.text);
    if (!PAGE.test(path) || method !== 'GET') return answer(404, { kind: 'Status', code: 404, reason: 'NotFound' });
    const query = new URLSearchParams(path.split('?')[1]);
    return query.get('watch') === 'true' ? this.#watch(query, signal) : this.#list(query);
  }

  #list(query: URLSearchParams): HttpAnswer {
    const from = Number(query.get('continue') ?? 0);
    if (from === 0) this.lists += 1;
    const to = from + this.pageSize;
    const rest = to < this.#slices.length ? { continue: String(to) } : {};
    const metadata = { resourceVersion: String(this.#version), ...rest };
    return answer(200, { kind: 'EndpointSliceList', metadata, items: this.#slices.slice(from, to) });
  }

  #watch(query: URLSearchParams, signal: AbortSignal | undefined): HttpAnswer {
    const from = Number(query.get('resourceVersion'));
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    const channel: Channel<Uint8Array> = createChannel<Uint8Array>({
      capacity: 10_000,
      signal,
      onClose: () => this.#watches.delete(channel),
    });
    if (from < this.#forgottenUpTo) channel.push(lineOf({ type: 'ERROR', object: status }));
    for (const { version, type, object } of this.#history) if (version > from) channel.push(lineOf({ type, object }));
    this.#watches.add(channel);
    const timer = this.#clock.setTimer(Number(query.get('timeoutSeconds')) * 1000, () => channel.close());
    signal?.addEventListener('abort', () => timer.cancel(), { once: true });
    return { status: 200, body: channel };
  }

  #configMap(method: string, name: string, text: string | undefined): HttpAnswer {
    if (method === 'POST') {
      const map = JSON.parse(text ?? '') as Stored;
      if (this.#maps.has(map.metadata.name)) return answer(409, { kind: 'Status', code: 409, reason: 'AlreadyExists' });
      this.#maps.set(map.metadata.name, map);
      return answer(201, map);
    }
    const map = this.#maps.get(name);
    return map === undefined ? answer(404, { kind: 'Status', code: 404, reason: 'NotFound' }) : answer(200, map);
  }
}

/** Each in a slice of its own, since they have ports of their own. */
export function sliceOf(node: DiscoveredNode): Stored {
  const { id = 'unknown', host, port } = node;
  const endpoint = { addresses: [host], conditions: { ready: true }, targetRef: { kind: 'Pod', name: id } };
  return rawSlice(`web-${id}`, [endpoint], [{ name: 'cluster', port }]);
}

export function rawSlice(name: string, endpoints: unknown, ports: unknown): Stored {
  return { metadata: { name }, addressType: 'IPv4', endpoints, ports };
}

function isSame(old: Stored, slice: Stored): boolean {
  const { resourceVersion, ...metadata } = old.metadata;
  return resourceVersion !== undefined && JSON.stringify({ ...old, metadata }) === JSON.stringify(slice);
}

function answer(status: number, value: unknown): HttpAnswer {
  return { status, body: bodyOf(new TextEncoder().encode(JSON.stringify(value))) };
}

// oxlint-disable-next-line require-await -- a body is asynchronous
async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 10);
  yield bytes.subarray(10);
}

function lineOf(event: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(event)}\n`);
}

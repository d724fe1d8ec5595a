import { type CallOptions, ClusterError, settleWithin } from '@quorate/core';
import type { HttpAnswer, HttpExchange, HttpLine, HttpRequest } from '@quorate/engine-consul';

type Fields = Record<string, unknown>;

/** As much of Consul as a discovery asks for, in time that is handed in: to say what a real one says rarely, or never. */
export class FakeConsul {
  state: 'up' | 'broken' | 'stalled' = 'up';
  /** What the health endpoint tells beside what was registered. */
  entries: readonly unknown[] = [];
  /** Whether the agent writes what it is told to the catalog. */
  writesCatalog = true;
  /** What is denied; undefined: there is no access control. */
  denied: readonly string[] | undefined;
  filtered = false;
  index = 10;
  readonly keys = new Map<string, unknown>();
  /** What the agent was told, by id. */
  readonly services = new Map<string, Fields>();
  /** Writes to the agent, as they came: `register a`. */
  readonly told: string[] = [];
  readonly #waiting = new Set<() => void>();

  get exchange(): (target: URL) => HttpExchange {
    const line: HttpLine = {
      send: (request, options) => this.#send(request, options),
      [Symbol.dispose]: () => undefined,
    };
    return () => ({ ...line, openLine: () => line, send: (request, options = {}) => this.#send(request, options) });
  }

  /** To be called after what was told here differs. */
  changed(index: number = this.index + 1): void {
    this.index = index;
    for (const wake of this.#waiting) wake();
  }

  /** What a restarted agent with an empty folder knows. */
  forget(): void {
    this.services.clear();
    this.changed(3);
  }

  async #send(request: HttpRequest, options: CallOptions = {}): Promise<HttpAnswer> {
    if (this.state === 'stalled') await this.#hold(options, () => this.state === 'stalled');
    this.#failIfBroken();
    const url = new URL(request.path, 'http://fake');
    const path = url.pathname.split('/').slice(2).map(decodeURIComponent);
    if (path[0] === 'health') return await this.#health(url.searchParams, options);
    if (path[0] === 'agent') return this.#agent(path, request);
    if (path[0] === 'kv') return this.#kv(path.slice(1).join('/'), request);
    if (this.denied === undefined) return answer('ACL support disabled', 401);
    const questions = JSON.parse(String(request.body)) as readonly { readonly Resource: string }[];
    return answer(questions.map(({ Resource }) => ({ Allow: !this.denied?.includes(Resource) })));
  }

  async #health(query: URLSearchParams, options: CallOptions): Promise<HttpAnswer> {
    const index = Number(query.get('index') ?? 0);
    if (index > 0 && index >= this.index) await this.#hold(options, () => index >= this.index);
    this.#failIfBroken();
    const listed = this.writesCatalog ? [...this.services.values()].map((Service) => ({ Service, Node: {} })) : [];
    const headers = {
      'x-consul-index': String(this.index),
      'x-consul-results-filtered-by-acls': String(this.filtered),
    };
    return { ...answer([...this.entries, ...listed]), headers };
  }

  #agent([, kind = '', verb = '', id = '']: readonly string[], { body }: HttpRequest): HttpAnswer {
    if (verb === 'register') {
      const { Name, ...service } = JSON.parse(String(body)) as Fields;
      const ID = String(service['ID']);
      this.told.push(`register ${ID}`);
      this.services.set(ID, { ...service, Service: Name, ModifyIndex: this.index + 1 });
      this.changed();
      return answer('');
    }
    this.told.push(`${verb} ${id}`);
    const known = this.services.has(id.replace(/^service:/u, ''));
    if (!known) return answer(`Unknown ${kind} "${id}"`, kind === 'check' ? 500 : 404);
    if (verb === 'deregister') {
      this.services.delete(id);
      this.changed();
    }
    return answer('');
  }

  #kv(key: string, { method, body }: HttpRequest): HttpAnswer {
    if (method === 'GET') return this.keys.has(key) ? answer([{ Value: this.keys.get(key) }]) : answer('', 404);
    const free = !this.keys.has(key);
    if (free) this.keys.set(key, btoa(String.fromCharCode(...(body as Uint8Array))));
    return answer(free);
  }

  #failIfBroken(): void {
    if (this.state === 'broken') throw new ClusterError('DISCONNECTED', 'refused', { outcome: 'not-applied' });
  }

  /** Until what is waited for has changed. */
  #hold(options: CallOptions, isWaiting: () => boolean): Promise<void> {
    return settleWithin<void>(options.signal, 'hold', (resolve) => {
      const wake = () => void (isWaiting() || resolve());
      this.#waiting.add(wake);
      return () => void this.#waiting.delete(wake);
    });
  }
}

function answer(body: unknown, status = 200): HttpAnswer {
  return { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

/** A node as an entry of the health endpoint; what is none, as near to one as can be. */
export function entryOf(node: unknown): unknown {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return node;
  const { host, port, id, weight, metadata } = node as Fields;
  const known = Object.entries({ 'quorate-node': id, 'quorate-weight': weight }).filter(
    ([, value]) => value !== undefined,
  );
  const own = { 'quorate-cluster': 'test', ...Object.fromEntries(known.map(([name, value]) => [name, String(value)])) };
  const Meta = typeof metadata === 'object' ? { ...own, ...metadata } : metadata === undefined ? own : metadata;
  return { Node: {}, Service: { ID: 'x', Service: 'quorate', Address: host, Port: port, Meta }, Checks: [] };
}

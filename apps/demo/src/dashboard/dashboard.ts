import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { CONTENT_SECURITY_POLICY, readAssets, readPage } from './assets.ts';
import type { Asset } from './assets.ts';
import { consumerDoes, controlAction, messageRequest } from './control-requests.ts';
import { ControlRefused } from './dashboard-source.ts';
import type { DashboardControls, DashboardSource } from './dashboard-source.ts';
import type { DashboardState } from './dashboard-state.ts';
import { EventHub } from './event-hub.ts';
import { PersonMessages } from './person-messages.ts';
import { isByOurPage, isOurHost, isSameOrigin } from './same-origin.ts';

const MAX_BODY_BYTES = 16_384;
const MAX_CLIENTS = 32;

export interface DashboardOptions {
  readonly source: DashboardSource;
  /** What the buttons do; without it there are none. */
  readonly controls?: DashboardControls;
  /**
   * Lets a person publish messages to a queue of the dashboard's own, and see them consumed, over the HTTP API of the
   * nodes that the source shows. Without it there is no such thing.
   */
  readonly messages?: { readonly bearerToken?: string };
  /**
   * Names besides `localhost` and addresses by which the page may be asked for.
   *
   * @default []
   */
  readonly hostNames?: readonly string[];
}

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/**
 * The page and what stands behind it, as a handler of HTTP requests. Everything it asks for is below where it stands, so
 * that it can stand below any path that ends in a slash.
 */
export class Dashboard implements Disposable {
  readonly #options: DashboardOptions;
  readonly #run: string = randomBytes(9).toString('base64url');
  readonly #token: string = randomBytes(32).toString('base64url');
  readonly #assets: ReadonlyMap<string, Asset> = readAssets();
  readonly #page: string = readPage(this.#run, this.#token);
  readonly #hub: EventHub;
  readonly #messages: PersonMessages | undefined;

  constructor(options: DashboardOptions) {
    this.#options = options;
    const { source, messages } = options;
    const nodes = (): DashboardState['nodes'] =>
      source
        .state()
        .nodes.filter(({ url }) => url !== '')
        .sort(byAnswering);
    this.#messages = messages && new PersonMessages({ ...messages, nodes }, () => this.#hub.messagesChanged());
    this.#hub = new EventHub({
      source,
      run: this.#run,
      maxClients: MAX_CLIENTS,
      messages: () => this.#messages?.all,
      may: (state) => (options.controls === undefined ? [] : state.controls),
    });
  }

  /** `path` is what comes after where the dashboard stands, without a leading slash. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, path: string): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (!isOurHost(request, this.#options.hostNames ?? [])) return problem(response, 421, 'This name is not ours.');
    if (request.method === 'POST') {
      this.#do(request, response, path).catch((error: unknown) => problem(response, 500, String(error)));
    } else if (request.method === 'GET' || request.method === 'HEAD') this.#show(request, response, path);
    else problem(response, 405, 'GET or POST.');
  }

  [Symbol.dispose](): void {
    this.#messages?.[Symbol.dispose]();
    this.#hub[Symbol.dispose]();
  }

  #show(request: IncomingMessage, response: ServerResponse, path: string): void {
    if (path === '') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(this.#page);
    } else if (path === 'events') {
      if (request.method !== 'GET') problem(response, 405, 'GET, please.');
      else if (!isSameOrigin(request)) problem(response, 403, 'For our own page only.');
      else if (!this.#hub.join(response)) problem(response, 503, 'Too many look already.');
    } else {
      const asset = this.#assets.get(path);
      if (asset === undefined) problem(response, 404, 'Nothing is here.');
      else send(asset, request, response);
    }
  }

  async #do(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (!isByOurPage(request, this.#token)) return refuse(request, response, 403, 'For our own page only.');
    if (request.headers['content-type'] !== 'application/json') return refuse(request, response, 415, 'JSON, please.');
    const body = await readJson(request);
    if (body === undefined) return refuse(request, response, 413, 'JSON of at most 16 KiB, please.');
    const done = await this.#act(path, body.value);
    if (done === undefined) response.writeHead(204).end();
    else problem(response, done.status, done.detail);
  }

  /** Undefined where it was done. */
  async #act(path: string, body: unknown): Promise<Refusal | undefined> {
    const { controls, source } = this.#options;
    if (path === 'control' && controls !== undefined) {
      const action = controlAction(body);
      if (action === undefined) return { status: 400, detail: 'No such action.' };
      if (!source.state().controls.includes(action.action)) return { status: 409, detail: 'That cannot be done here.' };
      return controls.act(action).then(() => undefined, refusal);
    }
    if (path === 'messages' && this.#messages !== undefined) {
      const message = messageRequest(body);
      if (message === undefined) return { status: 400, detail: 'No message: 1 to 1000 characters.' };
      void this.#messages.publish(message);
      return undefined;
    }
    if (path === 'consumer' && this.#messages !== undefined) {
      const does = consumerDoes(body);
      if (does === undefined) return { status: 400, detail: 'A consumer does nothing of the kind.' };
      this.#messages.consume(does);
      return undefined;
    }
    return { status: 404, detail: 'Nothing is here.' };
  }
}

interface Refusal {
  readonly status: number;
  readonly detail: string;
}

function refusal(error: unknown): Refusal {
  if (error instanceof ControlRefused) return { status: 409, detail: error.message };
  return { status: 500, detail: error instanceof Error ? error.message : String(error) };
}

function byAnswering(one: DashboardState['nodes'][number], other: DashboardState['nodes'][number]): number {
  return Number(other.status !== undefined) - Number(one.status !== undefined);
}

function send({ body, type, etag }: Asset, request: IncomingMessage, response: ServerResponse): void {
  const headers = { etag, 'cache-control': 'no-cache', 'content-type': type };
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
  else response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
}

/** Undefined of what is too long or no JSON. */
async function readJson(request: IncomingMessage): Promise<{ readonly value: unknown } | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString()) };
  } catch {
    return undefined;
  }
}

/** Before the body is read, which is not worth reading. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, detail: string): void {
  response.setHeader('connection', 'close');
  request.resume();
  problem(response, status, detail);
}

function problem(response: ServerResponse, status: number, detail: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, detail }));
}

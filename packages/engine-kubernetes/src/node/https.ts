import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type CallOptions, ClusterError, toClusterError } from '@quorate/core';

import type { Access, AccessSource } from '../access.ts';
import type { HttpAnswer, HttpRequest, KubernetesHttp } from '../http.ts';

/** Watches hold a connection each; more than this at a time, and calls wait for one. */
const MAX_SOCKETS = 64;
/** From when on a silent connection is probed by the operating system. */
const PROBE_AFTER_MS = 10_000;

/** HTTP over TLS, with connections that are used again. */
export class NodeHttp implements KubernetesHttp {
  readonly #source: AccessSource;
  /** Made of these authorities and certificates; made anew when they have been replaced. */
  #agent: { readonly key: string; readonly agent: HttpAgent } | undefined;
  #closed = false;

  constructor(source: AccessSource) {
    this.#source = source;
  }

  namespace(): Promise<string | undefined> {
    return this.#source.namespace();
  }

  async send(request: HttpRequest, { signal }: CallOptions = {}): Promise<HttpAnswer> {
    const access = await this.#source.access();
    signal?.throwIfAborted();
    const response = await this.#open(request, access, signal);
    return { status: response.statusCode ?? 0, body: bodyOf(response, new URL(access.server).host) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#agent?.agent.destroy();
    return Promise.resolve();
  }

  async #open({ method, path, body }: HttpRequest, access: Access, signal?: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(access.server);
    const headers: Record<string, string | number> = { accept: 'application/json', 'user-agent': 'quorate' };
    if (access.token !== undefined) headers['authorization'] = `Bearer ${access.token}`;
    if (body !== undefined) {
      headers['content-type'] = body.type;
      headers['content-length'] = Buffer.byteLength(body.text);
    }
    try {
      const target = { host: hostOf(url), port: url.port, path: url.pathname.replace(/\/$/u, '') + path };
      const options = { ...target, method, headers, signal, agent: this.#agentFor(access) };
      const sent = url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
      // An error past the head reaches whoever reads the body; nobody else may be ended by it, and it may come with the head.
      sent.on('error', () => undefined);
      sent.end(body?.text);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.on('error', () => undefined);
      return response;
    } catch (error) {
      throw toClusterError(error, 'DISCONNECTED', `kubernetes: no way to ${url.host}`);
    }
  }

  #agentFor({ server, ca, cert, key, serverName, insecure }: Access): HttpAgent {
    if (this.#closed) throw new ClusterError('CLOSED', 'kubernetes: the client was disposed');
    const made = JSON.stringify([server, ca, cert, key, serverName, insecure]);
    if (this.#agent?.key === made) return this.#agent.agent;
    if (this.#agent !== undefined) retire(this.#agent.agent);
    const pool = { keepAlive: true, keepAliveMsecs: PROBE_AFTER_MS, maxSockets: MAX_SOCKETS, maxFreeSockets: 2 };
    const tls = { ca, cert, key, servername: serverName, rejectUnauthorized: insecure !== true };
    const agent = server.startsWith('https:') ? new HttpsAgent({ ...pool, ...tls }) : new HttpAgent(pool);
    this.#agent = { key: made, agent };
    return agent;
  }
}

/** Node.js says of a connection that was lost that it was aborted, whoever did it. */
async function* bodyOf(response: IncomingMessage, host: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    throw new ClusterError('DISCONNECTED', `kubernetes: the connection to ${host} was lost`, { cause: error });
  }
}

/** What is under way keeps its connections until it is done; nothing new is sent over them. */
function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/** Without the brackets that a URL has around an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

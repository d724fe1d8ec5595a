import { Agent, type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent as SecureAgent, request as requestSecure, type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';

import { type CallOptions, ClusterError, settleWithin } from '@quorate/core';

import type { ConsulTls, HttpAnswer, HttpExchange, HttpRequest } from '../http-exchange.ts';

const MAX_SOCKETS = 1_024;
const MAX_IDLE_SOCKETS = 8;
const MAX_HEADER_BYTES = 16_384;

/** What a request came to know on its way. */
interface Journey {
  /** Whether the other side can have seen it. */
  sent: boolean;
  /** Whether it is over: then the connection belongs to the pool. */
  done: boolean;
}

/**
 * HTTP by Node.js. Reads share kept connections. Each write has one of its own: one that the other side has closed
 * meanwhile would leave it unknown whether the write was applied.
 */
export class NodeHttpExchange implements HttpExchange {
  readonly #target: URL;
  readonly #agent: Agent;

  constructor(target: URL) {
    const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE_SOCKETS };
    this.#target = target;
    this.#agent = target.protocol === 'https:' ? new SecureAgent(pool) : new Agent(pool);
  }

  async send(request: HttpRequest, options: CallOptions = {}): Promise<HttpAnswer> {
    try {
      return await this.#attempt(request, options);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await this.#attempt(request, options, false);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #attempt(request: HttpRequest, options: CallOptions, mayReuse = request.method === 'GET'): Promise<HttpAnswer> {
    return settleWithin<HttpAnswer>(options.signal, `${request.method} ${this.#target.origin}`, (resolve, reject) => {
      const journey: Journey = { sent: false, done: false };
      const fail = (error: unknown) => reject(this.#explain(error, journey, mayReuse && outgoing?.reusedSocket));
      let outgoing: ClientRequest | undefined;
      try {
        outgoing = this.#open(request, mayReuse);
        outgoing.on('error', fail);
        outgoing.on('socket', (socket) => noteSending(socket, this.#target.protocol === 'https:', journey));
        outgoing.on('response', (answer) => collect(answer, request.maxBytes, journey, resolve, fail));
        outgoing.end(request.body);
      } catch (error) {
        fail(error);
      }
      return () => void (journey.done || outgoing?.destroy());
    });
  }

  #open({ method, path, headers, body, tls }: HttpRequest, mayReuse: boolean): ClientRequest {
    const { protocol, hostname, port } = this.#target;
    const options: RequestOptions = {
      // An IPv6 address stands in brackets in a URL, and without them in a call.
      host: hostname.replace(/^\[|\]$/gu, ''),
      port,
      method,
      path,
      headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      agent: mayReuse ? this.#agent : false,
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    if (protocol === 'http:') return requestPlain(options);
    return requestSecure({ ...options, ...secure(tls ?? {}) });
  }

  #explain(cause: unknown, { sent }: Journey, reused: boolean | undefined): Error {
    if (cause instanceof ClusterError) return cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (reused === true && (code === 'ECONNRESET' || code === 'EPIPE')) return new StaleConnection();
    const details = { cause, outcome: sent ? ('unknown' as const) : ('not-applied' as const) };
    const broken = code?.startsWith('HPE_') === true;
    const what = broken ? 'the answer is not HTTP' : 'no connection';
    // Of several addresses that all refuse Node.js makes an error without a message.
    const reason = message === '' ? (code ?? 'unknown') : message;
    return new ClusterError(broken ? 'PROTOCOL' : 'DISCONNECTED', `${what}: ${reason}`, details);
  }
}

/** The other side closed a kept connection as it was used again: a read may go again on a new one. */
class StaleConnection extends Error {}

function secure({ ca, cert, key, serverName }: ConsulTls): RequestOptions {
  const given = Object.entries({ ca, cert, key, servername: serverName }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), minVersion: 'TLSv1.2' };
}

function noteSending(socket: Socket, encrypted: boolean, journey: Journey): void {
  const note = () => {
    journey.sent = true;
  };
  // One that was kept has sent the request already.
  if (!socket.connecting && socket.bytesWritten > 0) note();
  else socket.once(encrypted ? 'secureConnect' : 'connect', note);
}

function collect(
  answer: IncomingMessage,
  maxBytes: number,
  journey: Journey,
  resolve: (answer: HttpAnswer) => void,
  reject: (error: unknown) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= maxBytes) chunks.push(chunk);
    else reject(new ClusterError('PROTOCOL', `the answer is longer than ${maxBytes} bytes`, { outcome: 'unknown' }));
  });
  answer.on('error', reject);
  answer.on('end', () => {
    journey.done = true;
    resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString('utf8') });
  });
}

import { Agent, type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent as SecureAgent, request as requestSecure, type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';

import { type CallOptions, ClusterError, settleWithin } from '@quorate/core';

import type { ConsulTls, HttpAnswer, HttpExchange, HttpLine, HttpRequest, LineOptions } from '../http-exchange.ts';

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

/** Whether a request goes on a connection that was used before. */
type Reuse = 'never' | 'may' | 'must';

/**
 * HTTP by Node.js. Reads share kept connections. Each write has one of its own: one that the other side has closed
 * meanwhile would leave it unknown whether the write was applied.
 */
export class NodeHttpExchange implements HttpExchange {
  readonly #target: URL;
  readonly #agent: Agent;
  readonly #lines = new Set<NodeHttpLine>();

  constructor(target: URL) {
    this.#target = target;
    this.#agent = makeAgent(target, { maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE_SOCKETS });
  }

  async send(request: HttpRequest, options: CallOptions = {}): Promise<HttpAnswer> {
    if (request.method !== 'GET') return await sendOnce(this.#target, this.#agent, request, options, 'never');
    try {
      return await sendOnce(this.#target, this.#agent, request, options, 'may');
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await sendOnce(this.#target, this.#agent, request, options, 'never');
    }
  }

  openLine(): HttpLine {
    const line = new NodeHttpLine(this.#target, () => void this.#lines.delete(line));
    this.#lines.add(line);
    return line;
  }

  [Symbol.dispose](): void {
    for (const line of this.#lines) line[Symbol.dispose]();
    this.#agent.destroy();
  }
}

class NodeHttpLine implements HttpLine {
  readonly #target: URL;
  readonly #agent: Agent;
  readonly #onClose: () => void;
  /** Whether the other side closed after the last answer. */
  #isClosed = false;

  constructor(target: URL, onClose: () => void) {
    this.#target = target;
    this.#agent = makeAgent(target, { maxSockets: 1, maxFreeSockets: 1 });
    this.#onClose = onClose;
  }

  async send(request: HttpRequest, { signal, continues }: LineOptions): Promise<HttpAnswer> {
    const reuse = continues && !this.#isClosed ? 'must' : 'may';
    try {
      const answer = await sendOnce(this.#target, this.#agent, request, { signal }, reuse);
      this.#isClosed = answer.headers['connection'] === 'close';
      return answer;
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      throw new ClusterError('DISCONNECTED', error.message, { cause: error, outcome: 'not-applied' });
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    this.#onClose();
  }
}

function makeAgent({ protocol }: URL, limits: { readonly maxSockets: number; readonly maxFreeSockets: number }): Agent {
  const options = { ...limits, keepAlive: true };
  return protocol === 'https:' ? new SecureAgent(options) : new Agent(options);
}

function sendOnce(
  target: URL,
  agent: Agent,
  request: HttpRequest,
  options: CallOptions,
  reuse: Reuse,
): Promise<HttpAnswer> {
  return settleWithin<HttpAnswer>(options.signal, `${request.method} ${target.origin}`, (resolve, reject) => {
    const journey: Journey = { sent: false, done: false };
    const fail = (error: unknown) => reject(explain(error, journey, outgoing?.reusedSocket === true));
    let outgoing: ClientRequest | undefined;
    try {
      const opened = open(target, reuse === 'never' ? false : agent, request);
      outgoing = opened;
      opened.on('error', fail);
      opened.on('socket', (socket) => {
        if (reuse === 'must' && !opened.reusedSocket) fail(new StaleConnection());
        else noteSending(socket, target.protocol === 'https:', journey);
      });
      opened.on('response', (answer) => collect(answer, request.maxBytes, journey, resolve, fail));
      opened.end(request.body);
    } catch (error) {
      fail(error);
    }
    return () => void (journey.done || outgoing?.destroy());
  });
}

function open(
  { protocol, hostname, port }: URL,
  agent: Agent | false,
  { method, path, headers, body, tls }: HttpRequest,
): ClientRequest {
  const options: RequestOptions = {
    // An IPv6 address stands in brackets in a URL, and without them in a call.
    host: hostname.replace(/^\[|\]$/gu, ''),
    port,
    method,
    path,
    headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    agent,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  if (protocol === 'http:') return requestPlain(options);
  return requestSecure({ ...options, ...secure(tls ?? {}) });
}

function explain(cause: unknown, { sent }: Journey, reused: boolean): Error {
  if (cause instanceof ClusterError || cause instanceof StaleConnection) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (reused && (code === 'ECONNRESET' || code === 'EPIPE')) return new StaleConnection();
  const details = { cause, outcome: sent ? ('unknown' as const) : ('not-applied' as const) };
  const broken = code?.startsWith('HPE_') === true;
  const what = broken ? 'the answer is not HTTP' : 'no connection';
  // Of several addresses that all refuse Node.js makes an error without a message.
  const reason = message === '' ? (code ?? 'unknown') : message;
  return new ClusterError(broken ? 'PROTOCOL' : 'DISCONNECTED', `${what}: ${reason}`, details);
}

/** The other side has closed the kept connection: a read may go again on a new one. */
class StaleConnection extends Error {
  constructor() {
    super('the connection was closed meanwhile');
  }
}

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

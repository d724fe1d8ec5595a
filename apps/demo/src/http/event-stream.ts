import type { ServerResponse } from 'node:http';

/** What a client may leave unread before it is let go of. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** Comments in between tell both ends that the other is there. */
const KEEP_ALIVE_MS = 15_000;
/** After which a client that lost the connection comes back. */
const RETRY_MS = 1000;

/** Server-sent events, to one client. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  readonly #gone = new AbortController();

  /** @param headers beside those of such a stream */
  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>) {
    this.#response = response;
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.socket?.setNoDelay(true);
    response.write(`retry: ${RETRY_MS}\n\n`);
    response.once('close', () => this.#end());
    response.on('error', () => this.#end());
    this.#keepAlive = setInterval(() => this.#write(':\n\n'), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
    // Who has gone before the answer began is not told of any more.
    if (response.closed) this.#end();
  }

  /** Aborts when the client has gone, or `close` was called. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** What the client has yet to read, as far as it is still here. */
  get unreadBytes(): number {
    return this.#response.writableLength;
  }

  /** @returns false when nobody gets it */
  send(event: string, data: unknown): boolean {
    return this.sendText(event, JSON.stringify(data));
  }

  /** The same, of what is JSON already. */
  sendText(event: string, json: string): boolean {
    return this.#write(`event: ${event}\ndata: ${json}\n\n`);
  }

  /** Ends the response, whole. */
  close(): void {
    if (this.#gone.signal.aborted) return;
    this.#response.end();
    this.#end();
  }

  #write(text: string): boolean {
    if (this.#gone.signal.aborted) return false;
    if (this.#response.writableLength > MAX_UNREAD_BYTES) {
      this.#response.destroy();
      this.#end();
      return false;
    }
    this.#response.write(text);
    return true;
  }

  #end(): void {
    clearInterval(this.#keepAlive);
    this.#gone.abort();
  }
}

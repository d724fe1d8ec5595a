import type { Socket as Stream } from 'node:net';
import type { Address } from '../address.ts';
import type { Logger } from '../logger.ts';
import type { Socket, SocketHandler } from '../net.ts';
import type { SecuredStream } from '../stream-security.ts';
import { streamError } from './tls-error.ts';

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/iu;

/** A connected stream of `node:net`, or of `node:tls`. */
export class SystemSocket implements Socket {
  readonly local: Address;
  readonly remote: Address;
  readonly secured: SecuredStream | undefined;
  readonly #stream: Stream;
  readonly #logger: Logger;
  readonly #lingerMs: number;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #error: Error | undefined;
  #ended = false;

  constructor(stream: Stream, logger: Logger, lingerMs: number, secured?: SecuredStream) {
    this.#stream = stream;
    this.secured = secured;
    this.#logger = logger;
    this.#lingerMs = lingerMs;
    this.local = addressOf(stream.localAddress, stream.localPort);
    this.remote = addressOf(stream.remoteAddress, stream.remotePort);
    // Also before a handler is attached: an error without a listener would end the process.
    stream.on('error', (error) => {
      this.#error = streamError(error);
      // One of TLS leaves the stream open, though nothing more can come of it.
      stream.destroy();
    });
  }

  attach(handler: SocketHandler): void {
    const stream = this.#stream;
    stream.on('data', (bytes: Uint8Array) => {
      if (this.#ended || stream.destroyed) return;
      // A plain view: the methods of Buffer differ, and the handler was promised a Uint8Array.
      this.#guard(() => handler.data(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    });
    stream.on('drain', () => stream.destroyed || this.#guard(() => handler.drain()));
    stream.on('end', () => this.#lingerThenClose());
    stream.on('finish', () => this.#lingerThenClose());
    stream.on('close', () => {
      clearTimeout(this.#linger);
      this.#guard(() => (this.#error === undefined ? handler.close() : handler.close(this.#error)));
    });
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const stream = this.#stream;
    if (!stream.writable) return true;
    if (chunks.length > 1) stream.cork();
    let roomLeft = true;
    for (const chunk of chunks) roomLeft = stream.write(chunk);
    if (chunks.length > 1) stream.uncork();
    return roomLeft;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    // What still arrives is read and dropped until the other side has ended too: closing with bytes unread would
    // reset the connection, and the reset could overtake what was sent.
    this.#ended = true;
    this.#stream.end();
    this.#stream.resume();
  }

  destroy(error?: Error): void {
    this.#stream.destroy(error);
  }

  /** A side that is done must not be held up for ever by one that neither reads nor closes. */
  #lingerThenClose(): void {
    this.#linger ??= setTimeout(() => this.#stream.destroy(), this.#lingerMs).unref();
  }

  /** What a handler throws ends its connection, not the process. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error('net: a socket handler failed', error);
      this.#stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** As text that can be dialled: a socket bound for both versions of IP reports IPv4 addresses in IPv6 form. */
export function addressOf(host: string | undefined, port: number | undefined): Address {
  return { host: (host ?? '').replace(MAPPED_IPV4, ''), port: port ?? 0 };
}

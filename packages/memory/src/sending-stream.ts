import { checkBytes, ClusterError, type OutgoingStream } from '@quorate/core';

import type { Link } from './link.ts';

/** The sending end. Bytes that the receiver's reader has not taken are never more than the window, or one chunk. */
export class SendingStream implements OutgoingStream {
  readonly #link: Link;
  readonly #id: number;
  readonly #windowBytes: number;
  readonly #onSettled: () => void;
  readonly #result: Promise<void>;
  #settle: { resolve(): void; reject(error: ClusterError): void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  #state: 'open' | 'ended' | 'settled' = 'open';
  #error: ClusterError | undefined;
  #chunks = 0;
  #untaken = 0;
  /** Continues the write that waits for the window. */
  #wake: (() => void) | undefined;

  constructor(link: Link, id: number, windowBytes: number, onSettled: () => void) {
    this.#link = link;
    this.#id = id;
    this.#windowBytes = windowBytes;
    this.#onSettled = onSettled;
    this.#result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever never ends the stream must not hear of it as an unhandled rejection.
    this.#result.catch(() => undefined);
  }

  async write(chunk: Uint8Array): Promise<void> {
    checkBytes('stream', 'chunk', chunk);
    if (this.#wake !== undefined) throw new ClusterError('OVERLOADED', 'one write at a time');
    const payload = chunk.slice();
    while (this.#state === 'open' && this.#untaken > 0 && this.#untaken + payload.length > this.#windowBytes) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#state === 'ended') throw new ClusterError('CLOSED', 'the stream has ended');
    // Settled without an error: the receiver wants no more of it.
    if (this.#state === 'settled') return;
    this.#link.post({ type: 'chunk', stream: this.#id, index: this.#chunks, payload });
    this.#chunks += 1;
    this.#untaken += payload.length;
  }

  end(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'ended';
      this.#link.post({ type: 'end', stream: this.#id, chunks: this.#chunks });
    }
    return this.#result;
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'open') {
      this.#link.post({ type: 'abandon', stream: this.#id });
      this.done(new ClusterError('CLOSED', 'the stream was disposed before its end'));
    }
    return Promise.resolve();
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    this.#resume();
  }

  /** The receiver's handler has come to an end, or the link has. */
  done(error: ClusterError | undefined): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#error = error;
    this.#onSettled();
    if (error === undefined) this.#settle.resolve();
    else this.#settle.reject(error);
    this.#resume();
  }

  #resume(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

import { ClusterError } from '@quorate/core';

interface Reader {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: ClusterError): void;
}

/** What a stream's handler reads. The sender's window bounds the queue. */
export class IncomingChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #onTaken: (bytes: number) => void;
  readonly #queue: Uint8Array[] = [];
  readonly #readers: Reader[] = [];
  #received = 0;
  #finished = false;
  #error: ClusterError | undefined;
  /** The reader has turned away: what still comes is dropped. */
  #left = false;

  /** @param onTaken told of every chunk that has left the queue */
  constructor(onTaken: (bytes: number) => void) {
    this.#onTaken = onTaken;
  }

  push(index: number, chunk: Uint8Array): void {
    if (index !== this.#received) {
      this.fail(new ClusterError('PROTOCOL', `chunk ${index} of a stream came instead of ${this.#received}`));
      return;
    }
    this.#received += 1;
    if (this.#left) this.#onTaken(chunk.length);
    else this.#queue.push(chunk);
    this.#serve();
  }

  finish(chunks: number): void {
    if (chunks !== this.#received) this.fail(new ClusterError('PROTOCOL', 'a stream ended without all of its chunks'));
    this.#finished = true;
    this.#serve();
  }

  fail(error: ClusterError): void {
    if (this.#finished) return;
    this.#error ??= error;
    this.#serve();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#left = true;
    for (const chunk of this.#queue.splice(0)) this.#onTaken(chunk.length);
    this.#finished = true;
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An error comes at once, before chunks that are queued: the handler is to stop. */
  #serve(): void {
    while (this.#readers.length > 0) {
      if (this.#error === undefined && this.#queue.length === 0 && !this.#finished) return;
      const reader = this.#readers.shift();
      const chunk = this.#error === undefined ? this.#queue.shift() : undefined;
      if (this.#error !== undefined) reader?.reject(this.#error);
      else if (chunk === undefined) reader?.resolve({ done: true, value: undefined });
      else {
        this.#onTaken(chunk.length);
        reader?.resolve({ done: false, value: chunk });
      }
    }
  }
}

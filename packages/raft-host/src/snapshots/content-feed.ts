import { ClusterError } from '@quorate/core';

interface Reader {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

/** Content on its way from streams, one after the other, to the log store. Holds one chunk. */
export class ContentFeed implements AsyncIterableIterator<Uint8Array> {
  #chunk: Uint8Array | undefined;
  #reader: Reader | undefined;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #waiters: (() => void)[] = [];

  /**
   * Resolves when there is room for a chunk; several may wait.
   * @throws what it has failed with
   */
  async room(): Promise<void> {
    while (this.#state === 'open' && this.#chunk !== undefined) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    if (this.#state === 'failed') throw this.#error;
  }

  /** There must be room. */
  put(chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    if (this.#chunk !== undefined) throw new ClusterError('OVERLOADED', 'the last chunk was not taken yet');
    this.#chunk = chunk;
    this.#serve();
  }

  /** That was all. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#serve();
  }

  /** The reader gets the error instead of what is left. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    this.#chunk = undefined;
    this.#serve();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#serve();
    });
  }

  /** The reader wants no more: there will be no room until this fails with the reader's reason. */
  return(): Promise<IteratorResult<Uint8Array>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #serve(): void {
    const reader = this.#reader;
    const chunk = this.#chunk;
    if (reader !== undefined && (chunk !== undefined || this.#state !== 'open')) {
      this.#reader = undefined;
      this.#chunk = undefined;
      if (chunk !== undefined) reader.resolve({ done: false, value: chunk });
      else if (this.#state === 'failed') reader.reject(this.#error);
      else reader.resolve({ done: true, value: undefined });
    }
    if (this.#chunk !== undefined) return;
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

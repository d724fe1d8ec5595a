/**
 * A bounded queue between one or more writers and a reader that iterates. When it is full the oldest value goes, so
 * a capacity of 1 always holds the newest: what a slow reader of a state wants.
 */
export interface Channel<T> extends AsyncIterable<T> {
  /** Values dropped so far because the reader was slow. */
  readonly dropped: number;
  /** Ignored once closed. */
  push(value: T): void;
  /** Ends the iteration after what is queued, with the error if one is given. Idempotent. */
  close(error?: unknown): void;
}

/** What a channel is told when it is made. */
export interface ChannelOptions {
  /** The most values queued. */
  readonly capacity: number;
  /** Closes the channel, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the channel has closed or its reader has returned. */
  readonly onClose?: () => unknown;
}

interface Waiter<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: unknown): void;
}

/** A queue with a bound, from who pushes to who iterates. */
export function createChannel<T>(options: ChannelOptions): Channel<T> {
  return new BoundedChannel<T>(options);
}

class BoundedChannel<T> implements Channel<T>, AsyncIterator<T> {
  readonly #options: ChannelOptions;
  /** Empty while there are waiters. */
  readonly #queue: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  #closed = false;
  #error: { readonly value: unknown } | undefined;
  #dropped = 0;
  readonly #onAbort = () => this.close();

  constructor(options: ChannelOptions) {
    this.#options = options;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted === true) this.close();
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(value: T): void {
    if (this.#closed) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value });
      return;
    }
    this.#queue.push(value);
    if (this.#queue.length > this.#options.capacity) {
      this.#queue.shift();
      this.#dropped += 1;
    }
  }

  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    if (error !== undefined) this.#error = { value: error };
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter);
    this.#options.onClose?.();
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.#queue.length > 0) resolve({ done: false, value: this.#queue.shift() as T });
      else if (this.#closed) this.#settle(waiter);
      else this.#waiters.push(waiter);
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#queue.length = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this;
  }

  /** The error is told once; after it the iteration is over. */
  #settle(waiter: Waiter<T>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) waiter.resolve({ done: true, value: undefined });
    else waiter.reject(error.value);
  }
}

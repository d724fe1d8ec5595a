import type { CallOptions } from './call-options.ts';
import { type Channel, createChannel } from './channel.ts';

/** One source, any number of readers, each with a bounded channel of its own: what stands behind every `watch`. */
export class Broadcast<T> implements Disposable {
  readonly #capacity: number;
  readonly #onIdle: (() => void) | undefined;
  /** Undefined until somebody reads: most have no reader, ever. */
  #channels: Set<Channel<T>> | undefined;
  #closed = false;

  /**
   * @param capacity the most values queued for a slow reader; 1 keeps just the newest
   * @param options `onIdle` is called when the last reader has gone
   */
  constructor(capacity: number, options: { readonly onIdle?: () => void } = {}) {
    this.#capacity = capacity;
    this.#onIdle = options.onIdle;
  }

  /** How many read now. */
  get readers(): number {
    return this.#channels?.size ?? 0;
  }

  /** To all who read now, without waiting for any; what a slow one has not read in time is dropped, the oldest first. */
  publish(value: T): void {
    if (this.#channels === undefined) return;
    for (const channel of this.#channels) channel.push(value);
  }

  /** Subscribes now. `initial` is what the reader gets first. */
  watch(options: CallOptions = {}, initial: readonly T[] = []): AsyncIterable<T> {
    let channel: Channel<T> | undefined = undefined;
    const onClose = () => {
      if (channel === undefined || this.#channels?.delete(channel) !== true) return;
      if (this.#channels.size === 0) this.#onIdle?.();
    };
    channel = createChannel<T>({ capacity: this.#capacity, signal: options.signal, onClose });
    for (const value of initial) channel.push(value);
    if (this.#closed) channel.close();
    else if (options.signal?.aborted !== true) (this.#channels ??= new Set()).add(channel);
    return channel;
  }

  /** Ends every reader's iteration. Idempotent. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const channel of this.#channels ?? []) channel.close();
  }
}

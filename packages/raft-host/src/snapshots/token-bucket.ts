import { type CallOptions, type Clock, type MonotonicMs, sleep } from '@quorate/core';

/** What may go at once after a pause, in milliseconds' worth of bytes. */
const BURST_MS = 100;

/** Keeps what goes out to so many bytes a second, over all who take from it. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #msPerByte: number;
  /** When all that was taken is paid for, at the steady pace. */
  #paidAt: MonotonicMs = -Infinity;

  /** @param bytesPerSecond more than 0; may be infinite */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#msPerByte = 1000 / bytesPerSecond;
  }

  /**
   * Resolves when so many bytes may go. They count from the call on.
   * @throws ClusterError `ABORTED`
   */
  async take(bytes: number, options: CallOptions = {}): Promise<void> {
    const now = this.#clock.now();
    this.#paidAt = Math.max(this.#paidAt, now - BURST_MS) + bytes * this.#msPerByte;
    if (this.#paidAt > now) await sleep(this.#clock, this.#paidAt - now, options);
  }
}

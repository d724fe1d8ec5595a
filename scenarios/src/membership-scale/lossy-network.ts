import type { Random } from '@quorate/core';

export interface NetworkOptions {
  /** The share of packets that is lost, each by itself, those of TCP as well. */
  readonly lossRate: number;
  /** One way; uniform between the two. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/** First and doubled: RFC 6298, 2.1, and the smallest that Linux lets a measured one become. */
const SYN_TIMEOUT_MS = 1000;
const RETRANSMISSION_TIMEOUT_MS = 200;
/** After as many lost attempts nobody waits any more. */
const MAX_ATTEMPTS = 8;

/** What links do to what is sent: no links of their own, all are alike. */
export class LossyNetwork {
  readonly #options: NetworkOptions;
  readonly #random: Random;

  constructor(options: NetworkOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  isLost(): boolean {
    return this.#options.lossRate > 0 && this.#random.next() < this.#options.lossRate;
  }

  /** One way. */
  delayMs(): number {
    const { minDelayMs, maxDelayMs } = this.#options;
    return minDelayMs + this.#random.next() * (maxDelayMs - minDelayMs);
  }

  /** Until the other side's kernel has answered SYN; it does so without its program. */
  connectMs(): number {
    return this.#roundTripMs(SYN_TIMEOUT_MS);
  }

  /** There and back over a stream that is open, however often it takes. */
  exchangeMs(): number {
    return this.#roundTripMs(RETRANSMISSION_TIMEOUT_MS);
  }

  #roundTripMs(firstTimeoutMs: number): number {
    let spent = 0;
    let timeout = firstTimeoutMs;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && (this.isLost() || this.isLost()); attempt += 1) {
      spent += timeout;
      timeout *= 2;
    }
    return spent + this.delayMs() + this.delayMs();
  }
}

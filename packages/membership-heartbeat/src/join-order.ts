import type { MonotonicMs } from '@quorate/core';

import type { Heartbeat } from './heartbeat-frame.ts';

/** For so many intervals a node looks for others before it takes itself for the first. */
const ALONE_FOR = 10;
const MAX_ORDER = 0xffff_ffff;

/**
 * Which place a node takes among those that joined, without a word more than heartbeats carry: the one after the highest
 * that anybody it hears knows of. Those that hear none but of others without a place, for an interval, are the first
 * together; so is one that hears nobody for long.
 */
export class JoinOrder {
  readonly #intervalMs: number;
  readonly #startedAt: MonotonicMs;
  #metAt: MonotonicMs | undefined;
  #own = 0;
  #highest = 0;

  constructor(intervalMs: number, startedAt: MonotonicMs) {
    this.#intervalMs = intervalMs;
    this.#startedAt = startedAt;
  }

  /** 0 until it is decided, once. */
  get own(): number {
    return this.#own;
  }

  get highest(): number {
    return this.#highest;
  }

  /** True when this decided it. */
  heard({ joinOrder, highestOrder }: Pick<Heartbeat, 'joinOrder' | 'highestOrder'>, now: MonotonicMs): boolean {
    this.#highest = Math.max(this.#highest, joinOrder, highestOrder);
    if (this.#own !== 0) return false;
    this.#metAt ??= now;
    return this.#highest > 0 && this.#decide(this.#highest + 1);
  }

  /** True when this decided it. */
  waited(now: MonotonicMs): boolean {
    if (this.#own !== 0) return false;
    const aloneAt = this.#startedAt + ALONE_FOR * this.#intervalMs;
    const firstAt = this.#metAt === undefined ? aloneAt : this.#metAt + this.#intervalMs;
    return now >= firstAt && this.#decide(this.#highest + 1);
  }

  #decide(order: number): true {
    this.#own = Math.min(order, MAX_ORDER);
    this.#highest = Math.max(this.#highest, this.#own);
    return true;
  }
}

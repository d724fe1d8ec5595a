import type { MonotonicMs } from '@quorate/core';

export interface StabilityOptions {
  readonly stableAfterMs: number;
  readonly downAllWhenUnstableMs: number;
}

/** `calm`: nobody is unreachable. `waiting`: not yet stable for long enough. */
export type Stability = 'calm' | 'waiting' | 'stable' | 'unstable';

/** For how long who is reachable has stayed the same, once somebody is not. */
export class StabilityMargin {
  readonly #options: StabilityOptions;
  #beganAt: MonotonicMs | undefined;
  #changedAt: MonotonicMs = -Infinity;

  constructor(options: StabilityOptions) {
    this.#options = options;
  }

  /** Members came, went, or changed their state. */
  changed(now: MonotonicMs): void {
    this.#changedAt = now;
  }

  /** This node stood still: what it knows is of before, and its waiting begins anew. */
  paused(now: MonotonicMs): void {
    if (this.#beganAt !== undefined) this.#beganAt = now;
    this.#changedAt = now;
  }

  /** @param settled whether each member is reachable or unreachable, and none is about to become so */
  judge(now: MonotonicMs, { split, settled }: { readonly split: boolean; readonly settled: boolean }): Stability {
    if (!split) {
      this.#beganAt = undefined;
      return 'calm';
    }
    this.#beganAt ??= now;
    if (settled && now - this.#changedAt >= this.#options.stableAfterMs) return 'stable';
    return now - this.#beganAt >= this.#options.downAllWhenUnstableMs ? 'unstable' : 'waiting';
  }
}

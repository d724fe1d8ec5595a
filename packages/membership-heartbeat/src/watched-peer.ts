import type { FailureReason, MonotonicMs } from '@quorate/core';
import type { FailureDetector } from '@quorate/failure-detector';

interface Suspicion {
  readonly since: MonotonicMs;
  /** How long the member was alive before. */
  readonly livedMs: number;
  reason: FailureReason;
}

/** One run of another node, as this one hears it. All times are those that this node was awake. */
export class WatchedPeer {
  readonly incarnation: number;
  readonly #detector: FailureDetector;
  readonly #earliestMs: number;
  readonly #maxLoopDelayMs: number;
  #heardAt: MonotonicMs;
  #heardUnsurely = false;
  #loopDelayMs = 0;
  /** Set while it is suspect. */
  suspected: Suspicion | undefined;

  /** @param earliestMs what comes earlier after another heartbeat was held up together with it, and tells nothing new */
  constructor(
    incarnation: number,
    detector: FailureDetector,
    now: MonotonicMs,
    limits: { readonly earliestMs: number; readonly maxLoopDelayMs: number },
  ) {
    this.incarnation = incarnation;
    this.#detector = detector;
    this.#earliestMs = limits.earliestMs;
    this.#maxLoopDelayMs = limits.maxLoopDelayMs;
    this.#heardAt = now;
    detector.heartbeat(now);
  }

  get loopDelayMs(): number {
    return this.#loopDelayMs;
  }

  /** For how long nothing was heard of it. */
  silence(now: MonotonicMs): number {
    return now - this.#heardAt;
  }

  /** @param isUnsure whether time stands still now: then it counts when time goes on, however many came */
  heard(now: MonotonicMs, loopDelayMs: number, isUnsure: boolean): void {
    this.#loopDelayMs = Math.min(loopDelayMs, this.#maxLoopDelayMs);
    if (isUnsure) this.#heardUnsurely = true;
    else if (now - this.#heardAt >= this.#earliestMs) this.#count(now);
  }

  /** Time goes on. */
  settle(now: MonotonicMs): void {
    if (this.#heardUnsurely) this.#count(now);
    this.#heardUnsurely = false;
  }

  /** A node that is late, and says so, is given that much time. */
  isAvailable(now: MonotonicMs): boolean {
    return this.#detector.isAvailable(Math.max(this.#heardAt, now - this.#loopDelayMs));
  }

  #count(now: MonotonicMs): void {
    this.#heardAt = now;
    this.#detector.heartbeat(now);
  }
}

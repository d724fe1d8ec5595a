import { type Clock, ClusterError, type MonotonicMs, toClusterError } from '@quorate/core';

interface Waiter {
  isTrue(): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Those who wait for something to become true of the group; they look again whenever anything may have happened. */
export class Conditions {
  readonly #clock: Clock;
  #waiters: Set<Waiter> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return (this.#waiters?.size ?? 0) === 0;
  }

  /**
   * Resolves when `isTrue` gives true.
   * @throws what it throws, and what `late` makes when the time is over
   */
  until(isTrue: () => boolean, deadline: MonotonicMs, late: () => ClusterError): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(Math.max(0, deadline - this.#clock.now()), () => waiter.reject(late()));
      const leave = () => {
        timer.cancel();
        this.#waiters?.delete(waiter);
      };
      const waiter: Waiter = {
        isTrue,
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(toClusterError(error, 'REMOTE', 'change the members'));
        },
      };
      (this.#waiters ??= new Set()).add(waiter);
      look(waiter);
    });
  }

  /** Whether it becomes true in time. Rejects with what `isTrue` throws. */
  async within(isTrue: () => boolean, ms: number): Promise<boolean> {
    const late = new ClusterError('TIMEOUT', `not within ${ms} ms`);
    try {
      await this.until(isTrue, this.#clock.now() + ms, () => late);
      return true;
    } catch (error) {
      if (error === late) return false;
      throw error;
    }
  }

  /** Something may have happened. */
  check(): void {
    for (const waiter of this.#waiters ?? []) look(waiter);
  }

  failAll(error: ClusterError): void {
    for (const waiter of this.#waiters ?? []) waiter.reject(error);
  }
}

function look(waiter: Waiter): void {
  try {
    if (waiter.isTrue()) waiter.resolve();
  } catch (error) {
    waiter.reject(error);
  }
}

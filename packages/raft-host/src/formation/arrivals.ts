import { type Clock, settleWithin, sleep, type Transport } from '@quorate/core';

/** So that somebody who comes and goes all the time doesn't have everybody asked all the time. */
const MIN_PAUSE_MS = 20;

/** Notices who comes, so that founders need not wait for their next round to find each other. */
export class Arrivals {
  readonly #clock: Clock;
  #hasNew = false;
  #onNew: (() => void) | undefined;

  /** @param signal ends the noticing */
  constructor(clock: Clock, transport: Transport, signal: AbortSignal) {
    this.#clock = clock;
    void this.#follow(transport.watch({ signal }));
  }

  /**
   * Resolves when somebody has come since the last call, or enough time has passed.
   * @throws ClusterError `ABORTED`
   */
  async next(enoughMs: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#clock, Math.min(MIN_PAUSE_MS, enoughMs), { signal });
    if (!this.#hasNew) await this.#wait(enoughMs, signal);
    this.#hasNew = false;
  }

  /** Somebody is there now who was not before. */
  noticed(): void {
    this.#hasNew = true;
    this.#onNew?.();
  }

  #wait(enoughMs: number, signal: AbortSignal): Promise<void> {
    return settleWithin<void>(signal, 'wait for a founder', (resolve) => {
      const timer = this.#clock.setTimer(enoughMs, resolve);
      this.#onNew = resolve;
      return () => {
        timer.cancel();
        this.#onNew = undefined;
      };
    });
  }

  async #follow(events: ReturnType<Transport['watch']>): Promise<void> {
    try {
      for await (const { type } of events) {
        if (type === 'connected') this.noticed();
      }
    } catch {
      // The forming is over, or the transport is: nobody asks any more.
    }
  }
}

import { type CallOptions, type Clock, ClusterError, settleWithin, shared, withDeadline } from '@quorate/core';

import type { SwimRunner } from './swim-runner.ts';

/** What a departure needs of the rest. */
export interface DepartureParts {
  readonly clock: Clock;
  readonly runner: SwimRunner;
  readonly timeoutMs: number;
  /** Aborts when this node is closed. */
  readonly closed: AbortSignal;
}

/** This node's leaving: begun once, and over when a majority of the others has acknowledged it. */
export class Departure {
  readonly #parts: DepartureParts;
  #leaving: Promise<void> | undefined;
  #resolve: () => void = () => undefined;

  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  get hasBegun(): boolean {
    return this.#leaving !== undefined;
  }

  /** @throws ClusterError as `Membership.leave` */
  async leave(options: CallOptions): Promise<void> {
    this.#leaving ??= this.#leave();
    await shared(this.#leaving, 'membership-swim: leave', options);
  }

  /** The machine says that a majority has. */
  acknowledged(): void {
    this.#resolve();
  }

  async #leave(): Promise<void> {
    const { clock, runner, timeoutMs, closed } = this.#parts;
    if (runner.swim === undefined) return;
    const leave = (signal: AbortSignal) =>
      settleWithin<void>(signal, 'membership-swim: leave', (resolve) => {
        this.#resolve = () => resolve();
        runner.enter((swim, now) => swim.leave(now));
        return () => undefined;
      });
    try {
      await withDeadline(clock, timeoutMs, 'membership-swim: leave', leave, { signal: closed });
    } catch (cause) {
      throw closed.aborted ? new ClusterError('CLOSED', 'membership-swim: disposed while it left', { cause }) : cause;
    }
  }
}

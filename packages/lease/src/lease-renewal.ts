import {
  Backoff,
  type ClusterError,
  isClusterError,
  type MonotonicMs,
  sleep,
  toClusterError,
  withDeadline,
} from '@quorate/core';
import type { LeaseMachine } from './lease-machine.ts';
import type { LeaseHold } from './lease-store.ts';

export interface RenewalEvents {
  renewed(): void;
  /** The engine says that it is over. Called at most once; nothing is renewed after it. */
  lost(reason: ClusterError): void;
}

/**
 * Renews a lease that was taken until it is let go of or lost. One call at a time; one that hangs is given up, and its
 * answer isn't waited for.
 */
export class LeaseRenewal {
  readonly hold: LeaseHold;
  readonly #machine: LeaseMachine;
  readonly #events: RenewalEvents;
  readonly #stopped = new AbortController();
  /** When the last call by which it was taken or renewed was sent: what the grant is counted from. */
  #sentAt: MonotonicMs;

  constructor(machine: LeaseMachine, hold: LeaseHold, events: RenewalEvents) {
    this.hold = hold;
    this.#machine = machine;
    this.#events = events;
    this.#sentAt = Math.min(hold.sentAt, machine.clock.now());
    void this.#run();
  }

  get sentAt(): MonotonicMs {
    return this.#sentAt;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const { clock, random, timings } = this.#machine;
    const { signal } = this.#stopped;
    const backoff = new Backoff(random, { baseMs: timings.renewEveryMs / 8, maxMs: timings.renewEveryMs });
    let due = this.#sentAt + this.#interval();
    while (!signal.aborted) {
      await sleep(clock, Math.max(0, due - clock.now()), { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const calledAt = clock.now();
      const renewed = await this.#renew(signal);
      if (renewed) backoff.reset();
      due = renewed ? calledAt + this.#interval() : clock.now() + backoff.next();
    }
  }

  #interval(): number {
    const { random, timings } = this.#machine;
    return timings.renewEveryMs * (0.9 + 0.1 * random.next());
  }

  /** Whether it succeeded. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const { clock, timings, outage, instruments } = this.#machine;
    const began = clock.now();
    try {
      const renew = (inner: AbortSignal): Promise<MonotonicMs> => this.hold.renew({ signal: inner });
      const sentAt = await withDeadline(clock, timings.callTimeoutMs, 'renew', renew, { signal });
      if (signal.aborted) return true;
      outage.succeeded('renew');
      instruments.renewed.record((clock.now() - began) / 1000);
      // Nothing was sent after its answer came.
      this.#sentAt = Math.max(this.#sentAt, Math.min(sentAt, clock.now()));
      this.#events.renewed();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      instruments.failed.record((clock.now() - began) / 1000);
      if (isClusterError(error, 'NOT_FOUND')) {
        outage.succeeded('renew');
        this.stop();
        this.#events.lost(toClusterError(error, 'NOT_FOUND', 'renew'));
      } else outage.failed('renew', error);
      return false;
    }
  }
}

import {
  type CallOptions,
  type Clock,
  ClusterError,
  linkSignals,
  type MonotonicMs,
  type Random,
  type Timer,
} from '@quorate/core';
import type { LeaseHold, LeaseRefusal, LeaseStore, LeaseView } from '@quorate/lease';

import { KubernetesLeaseHold } from './kubernetes-lease-hold.ts';
import type { LeaseObject } from './lease-object.ts';
import { type LeaseWriter, MAX_ATTEMPTS } from './lease-writer.ts';

/** No timer is longer: what a stranger's record says may be years. */
const MAX_TIMER_MS = 3_600_000;

export interface StoreParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly lease: LeaseObject;
  readonly writer: LeaseWriter;
  /** How often who waits looks again, at least. */
  readonly retryMs: number;
  /** Called when it is disposed of. */
  readonly closed: () => void;
}

/** A Lease as one that contends for it by the rules of client-go's LeaderElector. */
export class KubernetesLeaseStore implements LeaseStore {
  readonly #parts: StoreParts;
  readonly #closing = new AbortController();
  /** Whether a write may have taken it without saying so. */
  #mayOwe = false;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  async follow(tell: (view: LeaseView) => void, options: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, lease } = this.#parts;
    using either = linkSignals(options.signal, this.#closing.signal);
    using telling = new Telling(clock, lease, tell);
    using _ = lease.observation.listen(() => telling.changed());
    // At once: the watch ends later, when its connection has closed.
    either.signal.addEventListener('abort', () => telling[Symbol.dispose](), { once: true });
    await lease.follow(either.signal);
  }

  async acquire({ signal }: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const { clock, random, lease, writer, retryMs } = this.#parts;
    using either = linkSignals(signal, this.#closing.signal);
    const later = (): MonotonicMs => clock.now() + retryMs * (1 + 0.2 * random.next());
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      await lease.read(either);
      const { record } = lease.observation;
      const until = writer.isOwn(record) ? undefined : lease.observation.heldUntil(clock.now());
      if (until !== undefined) return { retryAt: Math.min(until, later()) };
      const hold = await this.#take(either);
      if (hold !== undefined) return hold;
    }
    return { retryAt: later() };
  }

  async withdraw({ signal }: CallOptions): Promise<void> {
    if (!this.#mayOwe) return;
    const { clock, lease, writer } = this.#parts;
    using either = linkSignals(signal, this.#closing.signal);
    await lease.read(either);
    await writer.release(lease.observation.freeFrom(writer.identity, clock.now()), either);
    this.#mayOwe = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ClusterError('CLOSED', 'kubernetes: the lease was disposed of'));
    this.#parts.closed();
    return Promise.resolve();
  }

  /** Undefined when somebody has written it meanwhile. */
  async #take(options: CallOptions): Promise<LeaseHold | undefined> {
    const { clock, lease, writer } = this.#parts;
    const sentAt = clock.now();
    const usableFrom = lease.observation.freeFrom(writer.identity, sentAt);
    this.#mayOwe = true;
    const taken = await writer.acquire(usableFrom, options);
    if (taken === undefined) return undefined;
    this.#mayOwe = false;
    return new KubernetesLeaseHold(writer, taken, { sentAt, usableFrom });
  }
}

/** Tells who holds it when that has changed; also when a holder has not renewed it for too long. */
class Telling implements Disposable {
  readonly #clock: Clock;
  readonly #lease: LeaseObject;
  readonly #tell: (view: LeaseView) => void;
  #told: LeaseView | undefined;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(clock: Clock, lease: LeaseObject, tell: (view: LeaseView) => void) {
    this.#clock = clock;
    this.#lease = lease;
    this.#tell = tell;
  }

  changed(): void {
    const now = this.#clock.now();
    const view = this.#lease.observation.view(now);
    if (view === undefined || this.#isOver) return;
    this.#timer?.cancel();
    const until = this.#lease.observation.heldUntil(now);
    if (until !== undefined) {
      this.#timer = this.#clock.setTimer(Math.min(until - now, MAX_TIMER_MS), () => this.changed());
    }
    const isSame = this.#told !== undefined && this.#told.holder?.token === view.holder?.token;
    if (isSame && this.#told?.holder?.nodeId === view.holder?.nodeId) return;
    this.#told = view;
    this.#tell(view);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}

import {
  Backoff,
  type CallOptions,
  ClusterError,
  Grant,
  type MonotonicMs,
  settleWithin,
  sleep,
  type Timer,
  withDeadline,
} from '@quorate/core';
import { boundedCall } from './bounded-call.ts';
import { followLease } from './lease-follower.ts';
import type { LeaseMachine } from './lease-machine.ts';
import { LeaseRenewal } from './lease-renewal.ts';
import type { LeaseHold, LeaseRefusal, LeaseStore, LeaseView } from './lease-store.ts';

/** Between two questions, however often the engine tells of a change. */
const MIN_GAP_MS = 20;

/** What happens to a lease, as told to who wants it. */
export interface KeeperEvents {
  /** It is granted. */
  began(grant: Grant): void;
  /** The grant has ended, by whatever cause. Whether the lease is still wanted is told by `stand` and `withdraw`. */
  ended(reason: ClusterError): void;
  /** The engine was asked, and somebody else has it or is before us, or it can't be used yet. */
  refused(): void;
  /** The engine could not be asked. */
  failed(error: unknown): void;
  observed(view: LeaseView): void;
}

/**
 * One lease, as one who wants it sees it: asks for it, waits until it may be used, keeps it, and gives it back. Whatever
 * is asked of the store is asked one after another, but for renewals.
 *
 * The grant is counted from when the last renewal that succeeded was sent, on this node's monotonic clock, so that it
 * ends before the engine lets another have the lease. (Gray and Cheriton, "Leases", SOSP 1989, section 2 and 5.)
 */
export class LeaseKeeper implements AsyncDisposable {
  readonly #machine: LeaseMachine;
  readonly #store: LeaseStore;
  readonly #events: KeeperEvents;
  /** Whether views tell who holds it. */
  readonly #exclusive: boolean;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #wanted = false;
  /** Whether the store may have a place in a queue for us, or may have taken it without knowing. */
  #placed = false;
  /** There while the store is asked. */
  #asking: AbortController | undefined;
  /** Taken, and renewed. */
  #kept: LeaseRenewal | undefined;
  /** Taken, and to be given back. Not there together with `#kept`. */
  #left: LeaseRenewal | undefined;
  /** Only while `#kept` is there. */
  #grant: Grant | undefined;
  /** For when what is kept may be used. */
  #usable: Timer | undefined;
  /** Of the last grant: a token is one grant. */
  #granted: bigint | undefined;
  #following = false;
  #holder: bigint | undefined;
  /** What is done one after another; undefined while there is nothing to do. */
  #working: Promise<void> | undefined;
  /** Who waits until all is given back. */
  readonly #settling = new Set<() => void>();
  #roused = false;
  #wake: (() => void) | undefined;
  #disposing: Promise<void> | undefined;

  constructor(
    machine: LeaseMachine,
    store: LeaseStore,
    { exclusive }: { readonly exclusive: boolean },
    events: KeeperEvents,
  ) {
    this.#machine = machine;
    this.#store = store;
    this.#events = events;
    this.#exclusive = exclusive;
    this.#backoff = new Backoff(machine.random, {
      baseMs: machine.timings.ttlMs / 100,
      maxMs: machine.timings.ttlMs / 6,
    });
  }

  get grant(): Grant | undefined {
    return this.#grant;
  }

  /** Follows the engine from now on. It does so anyway once it was refused, or has renewed. Idempotent. */
  follow(): void {
    if (this.#following || this.#closing.signal.aborted) return;
    this.#following = true;
    void followLease(this.#machine, this.#store, (view) => this.#told(view), this.#closing.signal);
  }

  /** Wants it from now on. Idempotent. */
  stand(): void {
    if (this.#wanted || this.#closing.signal.aborted) return;
    this.#wanted = true;
    this.#advance();
    this.#work();
  }

  /** Wants it no longer: ends the grant if there is one, and gives back what there is. Idempotent. */
  withdraw(reason: ClusterError): void {
    this.#wanted = false;
    this.#asking?.abort(reason);
    this.#grant?.end(reason);
    this.#advance();
    this.#rouse();
    this.#work();
  }

  /**
   * Resolves when all that was given up has been given back as far as the engine could be told.
   * @throws ClusterError `TIMEOUT`, `ABORTED`
   */
  settled({ signal }: CallOptions = {}): Promise<void> {
    const { clock, timings } = this.#machine;
    const timeoutMs = 2 * timings.callTimeoutMs;
    return settleWithin<void>(signal, 'give back', (resolve, reject) => {
      const timer = clock.setTimer(timeoutMs, () => {
        reject(new ClusterError('TIMEOUT', `the engine did not take it back within ${timeoutMs} ms: it runs out`));
      });
      this.#settling.add(resolve);
      this.#showSettled();
      return () => {
        timer.cancel();
        this.#settling.delete(resolve);
      };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  /** Gives back what can be given back in the time of three calls; the rest runs out. */
  async #dispose(): Promise<void> {
    const { clock, timings, outage } = this.#machine;
    const reason = new ClusterError('CLOSED', 'disposed');
    this.#closing.abort(reason);
    this.withdraw(reason);
    const finished = (): Promise<void> => this.#working ?? Promise.resolve();
    await withDeadline(clock, 3 * timings.callTimeoutMs, 'give back', finished).catch((error: unknown) =>
      outage.failed('give back', error),
    );
    await withDeadline(clock, timings.callTimeoutMs, 'dispose', async () => {
      await this.#store[Symbol.asyncDispose]();
    }).catch((error: unknown) => outage.failed('dispose', error));
    outage[Symbol.dispose]();
  }

  #work(): void {
    if (this.#working !== undefined || this.#nextStep() === undefined) return;
    this.#working = this.#steps().finally(() => {
      this.#working = undefined;
      this.#work();
    });
  }

  async #steps(): Promise<void> {
    for (let step = this.#nextStep(); step !== undefined; step = this.#nextStep()) {
      await step();
      this.#showSettled();
    }
  }

  #showSettled(): void {
    if (this.#left !== undefined || (this.#placed && !this.#wanted)) return;
    for (const resolve of this.#settling) resolve();
  }

  /** Each of them ends in bounded time, and never rejects. */
  #nextStep(): (() => Promise<void>) | undefined {
    const left = this.#left;
    if (left !== undefined) return () => this.#release(left);
    if (this.#kept !== undefined) return undefined;
    if (this.#wanted) return () => this.#ask();
    return this.#placed ? () => this.#unplace() : undefined;
  }

  async #ask(): Promise<void> {
    const { clock, timings } = this.#machine;
    const sinceMs = clock.now();
    this.#placed = true;
    this.#roused = false;
    const answer = await this.#acquire();
    if (answer === undefined) {
      if (this.#wanted) await this.#pause(clock.now() + this.#backoff.next());
    } else if ('renew' in answer) {
      this.#took(answer);
      return;
    } else {
      this.follow();
      this.#events.refused();
      if (this.#wanted) await this.#pause(Math.min(answer.retryAt ?? Infinity, clock.now() + timings.ttlMs));
    }
    const restMs = sinceMs + MIN_GAP_MS - clock.now();
    if (this.#wanted && restMs > 0) await this.#sleep(restMs);
  }

  /** Undefined when nobody knows what became of it. */
  async #acquire(): Promise<LeaseHold | LeaseRefusal | undefined> {
    const { clock, timings, outage } = this.#machine;
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const acquire = (signal: AbortSignal): Promise<LeaseHold | LeaseRefusal> => this.#store.acquire({ signal });
      const answer = await boundedCall(clock, timings.callTimeoutMs, 'acquire', acquire, asking);
      outage.succeeded('acquire');
      this.#backoff.reset();
      return answer;
    } catch (error) {
      if (!asking.signal.aborted) {
        outage.failed('acquire', error);
        this.#events.failed(error);
      }
      return undefined;
    } finally {
      this.#asking = undefined;
    }
  }

  #took(hold: LeaseHold): void {
    const isOld = this.#granted !== undefined && hold.token <= this.#granted;
    this.#placed = false;
    const kept = new LeaseRenewal(this.#machine, hold, {
      renewed: () => this.#renewed(kept),
      lost: (reason) => this.#lost(kept, reason),
    });
    this.#kept = kept;
    // What an earlier grant had: that one has ended, and a token is one grant.
    if (isOld) return this.#leave(kept);
    this.#advance();
    if (this.#kept === kept && this.#grant === undefined) this.#events.refused();
  }

  #renewed(kept: LeaseRenewal): void {
    if (this.#kept !== kept) return;
    this.follow();
    // Too late: the grant ends by that.
    if (this.#grant !== undefined) this.#grant.renew(this.#deadline(kept));
    else this.#advance();
  }

  /** Goes on with what is kept as far as it may: until it may be used it is neither used nor given back. */
  #advance(): void {
    const kept = this.#kept;
    if (kept === undefined || this.#grant !== undefined) return;
    const { clock } = this.#machine;
    const now = clock.now();
    this.#usable?.cancel();
    const { usableFrom } = kept.hold;
    if (now < usableFrom && this.#closing.signal.aborted) this.#abandon(kept);
    else if (now < usableFrom) this.#usable = clock.setTimer(usableFrom - now, () => this.#advance());
    else if (!this.#wanted) this.#leave(kept);
    // Otherwise its answer was long in coming: the next renewal finds out whether it is still ours.
    else if (now < this.#deadline(kept)) this.#begin(kept);
  }

  #begin(kept: LeaseRenewal): void {
    const { clock, nodeId } = this.#machine;
    const { token } = kept.hold;
    this.#granted = token;
    this.#grant = new Grant(clock, { nodeId, token, deadline: this.#deadline(kept) }, (reason) => this.#ended(reason));
    this.#machine.instruments.grants.add(1);
    this.#events.began(this.#grant);
  }

  #deadline(kept: LeaseRenewal): MonotonicMs {
    return kept.sentAt + this.#machine.timings.validForMs;
  }

  #ended(reason: ClusterError): void {
    this.#grant = undefined;
    this.#machine.instruments.ends.add(1);
    if (this.#kept !== undefined) this.#leave(this.#kept);
    this.#events.ended(reason);
  }

  #lost(kept: LeaseRenewal, reason: ClusterError): void {
    if (this.#kept !== kept) return;
    if (this.#grant === undefined) this.#leave(kept);
    else this.#grant.end(reason);
  }

  /** The grant has ended before: from here on another may have it. */
  #leave(kept: LeaseRenewal): void {
    this.#abandon(kept);
    // Given back, it would be used at once by whoever is next: until it may be used it can only run out.
    if (this.#machine.clock.now() >= kept.hold.usableFrom) this.#left = kept;
    this.#work();
  }

  /** Lets it run out. */
  #abandon(kept: LeaseRenewal): void {
    kept.stop();
    this.#usable?.cancel();
    this.#kept = undefined;
  }

  async #release(left: LeaseRenewal): Promise<void> {
    const { clock, timings, outage } = this.#machine;
    try {
      const release = (signal: AbortSignal): Promise<void> => left.hold.release({ signal });
      await boundedCall(clock, timings.callTimeoutMs, 'release', release);
      outage.succeeded('release');
      this.#left = undefined;
    } catch (error) {
      outage.failed('release', error);
      const isOver = clock.now() >= left.sentAt + timings.ttlMs;
      if (isOver || this.#closing.signal.aborted) this.#left = undefined;
      else await this.#sleep(this.#backoff.next());
    }
  }

  async #unplace(): Promise<void> {
    const { clock, timings, outage } = this.#machine;
    try {
      const withdraw = (signal: AbortSignal): Promise<void> => this.#store.withdraw({ signal });
      await boundedCall(clock, timings.callTimeoutMs, 'withdraw', withdraw);
      outage.succeeded('withdraw');
    } catch (error) {
      // Nothing renews it: it runs out.
      outage.failed('withdraw', error);
    }
    this.#placed = false;
  }

  #told(view: LeaseView): void {
    const kept = this.#kept;
    const holder = view.holder?.token;
    if (this.#exclusive && kept !== undefined && view.revision >= kept.hold.token && holder !== kept.hold.token) {
      const who = view.holder === undefined ? 'nobody' : view.holder.nodeId;
      this.#lost(
        kept,
        new ClusterError('NOT_LEADER', `the engine says that ${who} holds it, not the one of ${kept.hold.token}`),
      );
    }
    if (!this.#exclusive || holder === undefined || holder !== this.#holder) this.#rouse();
    this.#holder = holder;
    this.#events.observed(view);
  }

  /** Until then, or until something has changed. */
  async #pause(until: MonotonicMs): Promise<void> {
    const { clock } = this.#machine;
    if (!this.#roused && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(Math.max(0, until - clock.now()), resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#roused = false;
  }

  async #sleep(delayMs: number): Promise<void> {
    await sleep(this.#machine.clock, delayMs, { signal: this.#closing.signal }).catch(() => undefined);
  }

  #rouse(): void {
    this.#roused = true;
    this.#wake?.();
  }
}

import { Backoff, type Clock, type MonotonicMs, type System, type Timer } from '@quorate/core';
import type { ClaimState } from './lock-command.ts';
import type { OpenClaim } from './open-claim.ts';

/** What is due within so small a part of its time goes along with what is due now. */
const ALONG = 0.5;
/** A sign is given so much of the time between two to be acknowledged before it is sent again. */
const PATIENCE = 2;
/** Between two renewals, whoever asks for them: what others say must not make a node write all the time. */
const LEAST_GAP_MS = 10;

/** Shows that this node lives: one command for all that it has and waits for, one at a time. */
export class LockRenewals implements Disposable {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #open: () => Iterable<OpenClaim>;
  readonly #send: (claims: readonly number[], timeoutMs: number) => Promise<readonly ClaimState[]>;
  readonly #renewed: (claim: OpenClaim, state: ClaimState, sentAt: MonotonicMs) => void;
  #timer: Timer | undefined;
  #nextAt = Infinity;
  /** When the last one was sent. */
  #lastAt = -Infinity;
  #isSending = false;
  /** Everything is to be renewed as soon as what is on its way is answered. */
  #isUrgent = false;
  #isClosed = false;

  constructor(parts: {
    readonly system: Pick<System, 'clock' | 'random'>;
    readonly open: () => Iterable<OpenClaim>;
    /** @throws ClusterError when it isn't known whether they are renewed */
    readonly send: (claims: readonly number[], timeoutMs: number) => Promise<readonly ClaimState[]>;
    readonly renewed: (claim: OpenClaim, state: ClaimState, sentAt: MonotonicMs) => void;
  }) {
    this.#clock = parts.system.clock;
    this.#backoff = new Backoff(parts.system.random, { baseMs: 10, maxMs: 250 });
    this.#open = parts.open;
    this.#send = parts.send;
    this.#renewed = parts.renewed;
  }

  /** There is another claim, or one more sign of it. */
  added(claim: OpenClaim): void {
    this.#arm(claim.dueAt);
  }

  /** Renews all at once, and learns how they stand. */
  hurry(): void {
    this.#isUrgent = true;
    this.#arm(this.#soon);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  get #soon(): MonotonicMs {
    return Math.max(this.#clock.now(), this.#lastAt + LEAST_GAP_MS);
  }

  #arm(at: MonotonicMs): void {
    if (this.#isClosed || this.#isSending || at >= this.#nextAt) return;
    this.#timer?.cancel();
    this.#nextAt = at;
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () => {
      this.#nextAt = Infinity;
      void this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const due = this.#due();
    if (due.length > 0) {
      this.#isSending = true;
      const pauseMs = await this.#try(due);
      this.#isSending = false;
      if (pauseMs > 0) {
        this.#arm(this.#clock.now() + pauseMs);
        return;
      }
    }
    if (this.#isUrgent) this.#arm(this.#soon);
    for (const claim of this.#open()) if (claim.isEntered) this.#arm(claim.dueAt);
  }

  #due(): readonly OpenClaim[] {
    const now = this.#clock.now();
    const isUrgent = this.#isUrgent;
    this.#isUrgent = false;
    const entered = [...this.#open()].filter(({ isEntered }) => isEntered);
    if (!isUrgent && entered.every(({ dueAt }) => dueAt > now)) return [];
    return entered.filter(({ dueAt, request }) => isUrgent || dueAt - (request.ttlMs / 6) * ALONG <= now);
  }

  /** How long to wait before it is tried again; 0 when it was done. */
  async #try(due: readonly OpenClaim[]): Promise<number> {
    const sentAt = this.#clock.now();
    this.#lastAt = sentAt;
    const shortest = Math.min(...due.map(({ request }) => request.ttlMs));
    try {
      const numbers = due.map(({ number }) => number);
      const states = await this.#send(numbers, (shortest / 6) * PATIENCE);
      for (const [at, claim] of due.entries()) this.#renewed(claim, states[at] ?? { type: 'gone' }, sentAt);
    } catch {
      return this.#backoff.next();
    }
    this.#backoff.reset();
    return 0;
  }
}

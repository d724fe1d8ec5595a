import type { Clock, MonotonicMs, Timer } from '@quorate/core';
import type { HeartbeatOptions } from './options.ts';

export interface HeartbeatSubject {
  /** When anything was last received. */
  heardAt(): MonotonicMs;
  ping(): void;
  /** Nothing was heard for the whole timeout. Called once, last. */
  expired(): void;
}

/** Finds out whether a silent peer lives. Costs a connection one timer, which traffic doesn't touch. */
export class Heartbeat implements Disposable {
  readonly #clock: Clock;
  readonly #options: Required<HeartbeatOptions>;
  readonly #subject: HeartbeatSubject;
  readonly #probes = new Map<Timer, (alive: boolean) => void>();
  #timer: Timer | undefined;
  /** Silence counts from here at the earliest. */
  #watchedFrom: MonotonicMs;

  constructor(clock: Clock, options: Required<HeartbeatOptions>, subject: HeartbeatSubject) {
    this.#clock = clock;
    this.#options = options;
    this.#subject = subject;
    this.#watchedFrom = clock.now();
    this.#arm(options.intervalMs);
  }

  /** Tells whether anything is heard within one interval from now; not so if this is disposed meanwhile. */
  probe(answer: (alive: boolean) => void): void {
    const asked = this.#subject.heardAt();
    this.#subject.ping();
    const timer = this.#clock.setTimer(this.#options.intervalMs, () => {
      this.#probes.delete(timer);
      answer(this.#subject.heardAt() > asked);
    });
    this.#probes.set(timer, answer);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    for (const [timer, answer] of this.#probes) {
      timer.cancel();
      answer(false);
    }
    this.#probes.clear();
  }

  #arm(delayMs: number): void {
    const due = this.#clock.now() + delayMs;
    this.#timer = this.#clock.setTimer(delayMs, () => this.#check(due));
  }

  #check(due: MonotonicMs): void {
    const { intervalMs, timeoutMs } = this.#options;
    const now = this.#clock.now();
    // This process itself stood still, and has yet to read what arrived meanwhile.
    if (now - due > intervalMs) this.#watchedFrom = now - timeoutMs + intervalMs;
    const silence = now - Math.max(this.#subject.heardAt(), this.#watchedFrom);
    if (silence >= timeoutMs) {
      this.#subject.expired();
      return;
    }
    if (silence >= intervalMs) this.#subject.ping();
    const untilPing = silence >= intervalMs ? intervalMs : intervalMs - silence;
    // Not less than a millisecond: what rounding leaves over would be waited for again and again.
    this.#arm(Math.max(1, Math.min(untilPing, timeoutMs - silence)));
  }
}

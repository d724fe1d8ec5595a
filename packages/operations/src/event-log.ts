import {
  type Clock,
  ClusterError,
  type MonotonicMs,
  plainText,
  type Random,
  randomId,
  settleWithin,
} from '@quorate/core';
import type { EventReport, EventsReport, EventType } from './reports.ts';

interface KeptEvent extends Omit<EventReport, 'agoMs'> {
  readonly at: MonotonicMs;
}

/** Whoever waits costs a timer and a promise. */
const MAX_WAITING = 256;
/** In one answer, so that it fits into a frame. */
const MAX_EVENTS_AT_ONCE = 128;
const MAX_TEXT_LENGTH = 256;

/** The last events of a node, numbered, for whoever asks for those behind a number. */
export class EventLog implements Disposable {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #session: string;
  /** The oldest first, with consecutive numbers up to `#last`. */
  #events: KeptEvent[] = [];
  #last = 0;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(clock: Clock, random: Random, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
    this.#session = randomId(random);
  }

  add(type: EventType, text: string, nodeId?: string): void {
    this.#last += 1;
    const shown = plainText(text, MAX_TEXT_LENGTH);
    const about = nodeId === undefined ? {} : { nodeId };
    this.#events.push({ number: this.#last, at: this.#clock.now(), type, ...about, text: shown });
    if (this.#events.length > this.#limit) this.#events.shift();
    this.#wake();
  }

  /**
   * What came behind `after`, or, without it, all that is kept; waits for the first one.
   * @throws ClusterError `OVERLOADED`, `ABORTED`, `CLOSED`
   */
  async read(
    { session, after }: { readonly session?: string; readonly after?: number },
    waitMs: number,
    signal: AbortSignal,
  ): Promise<EventsReport> {
    const isOther = session !== undefined && session !== this.#session;
    // A number that was never given says that it is of another run, too.
    const from = isOther || (after ?? 0) > this.#last ? 0 : (after ?? 0);
    if (from === this.#last && waitMs > 0) await this.#more(waitMs, signal);
    return this.#report(from, isOther);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#wake();
  }

  #report(from: number, isOtherSession: boolean): EventsReport {
    const now = this.#clock.now();
    const oldest = this.#events[0]?.number ?? this.#last + 1;
    const known = this.#events.slice(Math.max(0, from + 1 - oldest)).slice(0, MAX_EVENTS_AT_ONCE);
    const events = known.map(({ at, ...event }) => ({ ...event, agoMs: Math.round(now - at) }));
    const last = events.at(-1)?.number ?? from;
    const lost = events.length === 0 ? 0 : Math.max(0, oldest - from - 1);
    return { session: this.#session, events, last, lost, isOtherSession };
  }

  async #more(waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) {
      throw new ClusterError('OVERLOADED', `${MAX_WAITING} others wait for events here`, { outcome: 'not-applied' });
    }
    await settleWithin<void>(signal, 'events', (resolve) => {
      const woken = (): void => resolve();
      const timer = this.#clock.setTimer(waitMs, woken);
      this.#waiting.add(woken);
      return () => {
        timer.cancel();
        this.#waiting.delete(woken);
      };
    });
    if (this.#isClosed) throw new ClusterError('CLOSED', 'this node serves no operations any more');
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

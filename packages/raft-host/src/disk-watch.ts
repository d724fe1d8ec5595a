import { inTicks, type RaftTimings } from './group-options.ts';

/** A disk that takes this long for a write has stalled: in election times, and at least in milliseconds. */
const STALL_ELECTION_TIMES = 4;
const MIN_STALL_MS = 500;

/** What a leader whose disk doesn't answer is to do now. */
export type StallAdvice = 'hand-over' | 'step-down' | undefined;

/**
 * Notices a disk that doesn't answer. A leader with such a one still commits what its followers have, but applies and
 * answers nothing: it had better hand over, or, if that doesn't come about, just step down.
 */
export class DiskWatch {
  readonly #stallTicks: number;
  #ticks = 0;

  constructor(timings: RaftTimings) {
    const stallMs = Math.max(STALL_ELECTION_TIMES * timings.electionMs, MIN_STALL_MS);
    this.#stallTicks = inTicks(stallMs, timings);
  }

  get isStalled(): boolean {
    return this.#ticks >= this.#stallTicks;
  }

  /** @param ticks for which the disk has owed an answer and given none */
  tick(ticks: number): void {
    this.#ticks = ticks;
  }

  /** Asked at each tick. */
  get advice(): StallAdvice {
    if (this.#ticks === this.#stallTicks) return 'hand-over';
    return this.#ticks >= 2 * this.#stallTicks ? 'step-down' : undefined;
  }
}

import { MAX_LEAP, SEEN_WINDOW } from './limits.ts';
import type { Mark } from './news.ts';

const MAX_SEEN = 4_096;

/**
 * Tells what was heard before, within a window of a Lamport clock (Lamport 1978), as Serf does for its events: each is told
 * once, and what is older than the window counts as heard. So memory is bounded, and nothing is told twice.
 */
export class SeenWindow {
  /** By time; all are later than the floor. */
  readonly #seen = new Map<number, Set<string>>();
  #count = 0;
  /** What is not later than this counts as heard. */
  #floor = 0;
  #time = 0;

  /** The latest that was heard of. */
  get time(): number {
    return this.#time;
  }

  witness(time: number): void {
    if (time <= this.#time || this.#isLeap(time)) return;
    this.#time = time;
    this.#raise(time - SEEN_WINDOW);
  }

  /** What was told up to now is not for this node. */
  ignoreUntil(time: number): void {
    if (this.#isLeap(time)) return;
    this.witness(time);
    this.#raise(time);
  }

  /** Whether it is heard for the first time. From now on it was heard. */
  admit(mark: Mark, time: number): boolean {
    if (this.#isLeap(time)) return false;
    this.witness(time);
    const id = `${mark.origin}/${mark.session}/${mark.sequence}`;
    const heard = this.#seen.get(time) ?? new Set();
    if (time <= this.#floor || heard.has(id)) return false;
    this.#seen.set(time, heard.add(id));
    this.#count += 1;
    while (this.#count > MAX_SEEN) this.#raise(Math.min(...this.#seen.keys()));
    return true;
  }

  #isLeap(time: number): boolean {
    return time - this.#time > MAX_LEAP;
  }

  #raise(floor: number): void {
    if (floor <= this.#floor) return;
    this.#floor = floor;
    for (const [time, heard] of this.#seen) {
      if (time > floor) continue;
      this.#seen.delete(time);
      this.#count -= heard.size;
    }
  }
}

import { RaftError } from './raft-error.ts';
import type { RaftLog } from './raft-log.ts';

/**
 * Whether a committed change of the configuration waits to be applied. Committed entries never change, so each is looked
 * at once, however often this is asked and wherever the entries have to be loaded first.
 */
export class ConfChangeScan {
  /** Committed entries up to here have been looked at. */
  #seenTo = 0;
  /** The last of them that is a change of the configuration. */
  #lastChange = 0;

  /** 'later' where what has to be looked at is not loaded yet. */
  findUnapplied(log: RaftLog, pageBytes: number): boolean | 'later' {
    // What is compacted away has been applied, even where that was not reported yet.
    this.#seenTo = Math.max(this.#seenTo, log.applied, log.firstIndex - 1);
    while (this.#lastChange <= log.applied && this.#seenTo < log.committed) {
      const lo = this.#seenTo + 1;
      const page = log.slice(lo, log.committed + 1, pageBytes);
      if (page === 'later') return 'later';
      if (page === undefined) throw new RaftError('LOG_BROKEN', `Entry ${lo} is compacted but not applied`);
      this.#seenTo += page.length;
      this.#lastChange = page.findLast(({ type }) => type !== 'normal')?.index ?? this.#lastChange;
    }
    return this.#lastChange > log.applied;
  }
}

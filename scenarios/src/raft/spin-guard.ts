import type { Ready } from '@quorate/raft';

const MAX_EMPTY_IN_A_ROW = 3;

/** Watches that a node doesn't keep its host busy with nothing while the disk reads. */
export class SpinGuard {
  #emptyInARow = 0;

  /** Nothing to do is fine when the node finds out only then that the disk has to read first. */
  takes(id: number, ready: Ready): void {
    this.#emptyInARow = isEmpty(ready) ? this.#emptyInARow + 1 : 0;
    if (this.#emptyInARow > MAX_EMPTY_IN_A_ROW) throw new Error(`spinning: ${id} says again and again to do nothing`);
  }

  /** The disk has read, or the node is a new one. */
  reset(): void {
    this.#emptyInARow = 0;
  }
}

function isEmpty({ softState, hardState, snapshot, ...lists }: Ready): boolean {
  const { readStates, entries, committedEntries, messages } = lists;
  const count = readStates.length + entries.length + committedEntries.length + messages.length;
  return count === 0 && softState === undefined && hardState === undefined && snapshot === undefined;
}

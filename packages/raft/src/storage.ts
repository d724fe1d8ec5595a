import type { ConfState, Entry, HardState, Snapshot } from './types.ts';

/**
 * What a node reads of its own durable log, without waiting: entries from `firstIndex` to `lastIndex`, behind a snapshot
 * at `firstIndex - 1`. Everything is known at once but the entries themselves, which may be on a disk. Writing is the
 * caller's; see the package documentation. An exception passes through to whoever called the node, whose state is
 * unusable from then on.
 */
export interface RaftStorage {
  /** As last made durable. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /**
   * Entries from `lo` to before `hi`, as many as fit into `maxBytes` of data but at least one, or fewer where no more are
   * at hand. Undefined when `lo` is compacted away; `hi` is at most `lastIndex() + 1`.
   *
   * 'later' when not even the one at `lo` is at hand. The caller then sees to it that this one is, until the next
   * `ready`, and tells the node by `entriesLoaded`; that need not be done for each 'later', only after the last.
   */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | 'later' | undefined;
  /** Known from `firstIndex() - 1` to `lastIndex()`; undefined outside. */
  term(index: number): number | undefined;
  /** Of the first entry that is there; where none is, one more than `lastIndex()`. */
  firstIndex(): number;
  /** Of the last entry; where none is, that of the snapshot before it, or 0. */
  lastIndex(): number;
  /**
   * The latest one; undefined while it cannot be had, to be asked for again later. A member that was added behind it
   * can't use it and waits for a newer one.
   */
  snapshot(): Snapshot | undefined;
}

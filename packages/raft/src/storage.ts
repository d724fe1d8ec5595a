import type { ConfState, Entry, HardState, Snapshot } from './types.ts';

/**
 * What a node reads of its own durable log, at once and without waiting: entries from `firstIndex` to `lastIndex`,
 * behind a snapshot at `firstIndex - 1`. Writing is the caller's; see the package documentation. An exception
 * passes through to whoever called the node, whose state is unusable from then on.
 */
export interface RaftStorage {
  /** As last made durable. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /**
   * Entries from `lo` to before `hi`, as many as fit into `maxBytes` of data but at least one.
   * Undefined when `lo` is compacted away; `hi` is at most `lastIndex() + 1`.
   */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined;
  /** Known from `firstIndex() - 1` to `lastIndex()`; undefined outside. */
  term(index: number): number | undefined;
  firstIndex(): number;
  lastIndex(): number;
  /**
   * The latest one; undefined while it cannot be had, to be asked for again later. A member that was added behind it
   * can't use it and waits for a newer one.
   */
  snapshot(): Snapshot | undefined;
}

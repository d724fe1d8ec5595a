import type { LogBatch } from './log-batch.ts';

/**
 * The replicated logs of one node, one for each group that it is a member of: entries, what a group must remember beside
 * them, and snapshots. Appends of all groups that wait at one time are one write and one sync.
 *
 * What it tells of a group is what is durable: an append shows when its promise has resolved. Calls of one group take
 * effect in the order in which they were made. After a write or sync that failed, every later change rejects with `IO`:
 * nobody knows what is on the disk. Reading goes on. A disk that is full is told as `IO` too, with `outcome`
 * `not-applied` where nothing was written; then the store goes on as soon as there is room.
 */
export interface LogStore extends AsyncDisposable {
  /**
   * Finds out what there is. Called once, after the storage's own `open`, before all else.
   * @throws ClusterError `CORRUPT`, naming file and offset, where something is damaged that was acknowledged; `IO`
   */
  open(): Promise<void>;
  /** The ids of those with anything in them, in order. */
  groups(): readonly number[];
  /**
   * The log of this group, empty when there was none: the same object at each call.
   * @param id from 0 to 2^32 - 1
   */
  group(id: number): GroupLog;
  /**
   * Puts what there is out of the way, for people to look at, and begins anew with nothing: in place of `open`, or after
   * it, be it that it failed. Logs that were handed out are `CLOSED` from then on. The call must be repeated, with the
   * same name, until it has resolved once: what a crash left is not to be opened. Absent where the store can't do that,
   * or is told not to.
   * @param copy a name for what is put away, of letters and digits; an earlier copy goes when the new one is there.
   * Undefined: nothing is kept of what there is, and an earlier copy stays
   * @throws ClusterError `INVALID_OPTIONS` for another name, `CLOSED`, `IO`
   */
  readonly setAside?: ((copy: string | undefined) => Promise<void>) | undefined;
}

/** The log of one group: entries `firstIndex` to `lastIndex`, without gaps. */
export interface GroupLog {
  readonly id: number;
  /** One more than `lastIndex` when there are no entries; 1 at the beginning. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** As given last, 0 at the beginning. After a crash it may be an earlier one. */
  readonly commit: number;
  /** As given last: it never falls back. */
  readonly state: Uint8Array | undefined;
  /** The newest. */
  readonly snapshot: SnapshotInfo | undefined;
  /** Of an entry, or of the one before `firstIndex`, which is 0 at the beginning; undefined for others. */
  term(index: number): number | undefined;
  /**
   * Each batch cuts the log off before its first entry and follows there. All of it is durable when it resolves, and
   * after a crash all of it is there or nothing. The bytes must not change from now on: they are kept, not copied.
   * @throws ClusterError `INVALID_OPTIONS` for entries that would leave a gap, `OVERLOADED` for more than
   * `MAX_APPEND_BYTES` or too much that waits, `IO`
   */
  append(batches: readonly LogBatch[], beside?: LogAppendOptions): Promise<void>;
  /**
   * Entries from `from` on, in batches that may have been cut to what is asked for and what is left: until `maxBytes`
   * are reached, at least one where there is one.
   * @throws ClusterError `NOT_FOUND` below `firstIndex`, `CORRUPT`, `IO`
   */
  read(from: number, maxBytes: number): Promise<readonly LogBatch[]>;
  /**
   * Forgets entries up to and including `index`; all of them when the log has not this entry with this term: then the
   * log goes on behind what a snapshot has.
   */
  truncatePrefix(index: number, term: number): Promise<void>;
  /**
   * Keeps a snapshot and does away with older ones. The log stays as it is: truncate it afterwards. When a crash comes in
   * between, the snapshot is newer than the log: truncate after opening. Two may be saved at one time, as a node's own and
   * one that its leader sends; neither waits for the other's content.
   * @throws ClusterError `INVALID_OPTIONS` for one that isn't newer, when it begins or when all of it is there; `IO`; what
   * `chunks` throws
   */
  saveSnapshot(about: SnapshotAbout, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotInfo>;
  /**
   * Content of that snapshot from `offset` on: `maxBytes` of it or what there is. Any part can be read at any time.
   * @throws ClusterError `NOT_FOUND` when there is another by now, `CORRUPT`, `IO`
   */
  readSnapshot(snapshot: SnapshotInfo, offset: number, maxBytes: number): Promise<Uint8Array>;
  /** Does away with everything. The object can be used on, as that of a new group. */
  remove(): Promise<void>;
}

/** What goes with entries, or without any. */
export interface LogAppendOptions {
  /**
   * What must never fall back, such as term and vote; at most `MAX_STATE_BYTES`. Takes a second sync: give it only when
   * it has changed.
   */
  readonly state?: Uint8Array;
  /** How far the log is known to be committed. */
  readonly commit?: number;
}

/** What a snapshot is of. */
export interface SnapshotAbout {
  /** The last entry that is in it, and its term. */
  readonly index: number;
  readonly term: number;
  /** What to know before reading it, such as the configuration; at most `MAX_SNAPSHOT_METADATA_BYTES`. */
  readonly metadata: Uint8Array;
}

/** A snapshot that is there. */
export interface SnapshotInfo extends SnapshotAbout {
  /** Of the content. */
  readonly size: number;
}

/** The most that one append may bring, in bytes of its batches. */
export const MAX_APPEND_BYTES: number = 16 * 1024 * 1024;
/** The most bytes of what a group remembers beside its entries. */
export const MAX_STATE_BYTES = 1024;
/** The most bytes of what is told about a snapshot. */
export const MAX_SNAPSHOT_METADATA_BYTES: number = 64 * 1024;

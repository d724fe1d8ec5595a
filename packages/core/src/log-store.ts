/** An entry of a replicated log, encoded once by its proposer: these bytes go to every disk and over every wire. */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  readonly payload: Uint8Array;
}

/** The durable part of one replicated log: entries `firstIndex` to `lastIndex`, without gaps. */
export interface LogStore extends AsyncDisposable {
  /** One more than `lastIndex` when the log is empty. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Of the entry before `firstIndex`; 0 at the beginning. */
  readonly baseTerm: number;
  /** Undefined outside the range `firstIndex - 1` to `lastIndex`. */
  term(index: number): number | undefined;
  /** From `from` on, until `to` (exclusive) or `maxBytes` of payload; at least one entry if there is one. */
  read(from: number, to: number, maxBytes: number): Promise<readonly LogEntry[]>;
  /**
   * Cuts the log off before the first of these and appends them. Durable when it resolves; calls take effect in order.
   * A rejection with `IO` is final for the store.
   */
  append(entries: readonly LogEntry[]): Promise<void>;
  /** Forgets entries up to and including `index`. */
  truncatePrefix(index: number): Promise<void>;
}

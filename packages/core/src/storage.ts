import type { LogStore } from './log-store.ts';

/**
 * Small records under names (a wrong one is `INVALID_OPTIONS`), each replaced as a whole: a vote with its term, an incarnation, an electorate.
 * Reads see the last write that resolved; after a crash, that one or one that was under way, never a mixture.
 */
export interface RecordStore {
  /**
   * Undefined when the name was never written.
   * @throws ClusterError `CORRUPT`, naming file and offset: damage is never taken for absence
   */
  read(name: string): Promise<Uint8Array | undefined>;
  /**
   * Durable when it resolves, where the storage is durable. Writes of one name take effect in the order of the calls.
   * After a rejection with `IO` the store refuses further writes: what is on the disk is not known. The bytes are the
   * caller's again when the call has returned.
   * @throws ClusterError `IO`, `OVERLOADED` for more than `MAX_RECORD_BYTES` or too many writes under way,
   * `INVALID_OPTIONS` for what is no bytes
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Fine when the name is not there. */
  remove(name: string): Promise<void>;
  /** In order. */
  names(): Promise<readonly string[]>;
}

/** Letters, digits, `.`, `_` and `-`, beginning with a letter or digit; at most 100 characters. */
export function isRecordName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/u.test(name);
}

/** The largest record, in bytes. */
export const MAX_RECORD_BYTES: number = 64 * 1024;

/** Where one node keeps what must survive it. One process at a time holds it. */
export interface Storage extends AsyncDisposable {
  readonly supports: { readonly durable: boolean };
  readonly records: RecordStore;
  /** Logs of groups, where it can keep any. Whoever needs them opens it; it is disposed of with the storage. */
  readonly log?: LogStore;
  /**
   * Takes hold of it. Called once, before all else.
   * @throws ClusterError `LOCKED` while another process has it, `IO`
   */
  open(): Promise<void>;
}

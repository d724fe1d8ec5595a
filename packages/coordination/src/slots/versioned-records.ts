import type { CallOptions } from '@quorate/core';

/** What is kept under a name, and the version that it is. */
export interface VersionedRecord {
  readonly value: Uint8Array;
  /** Never that of another value under this name, also after it was removed. To be compared for equality only. */
  readonly version: string;
}

/**
 * Small records that are written on the condition that nobody has written since. Whoever keeps such (a store of keys, a
 * database) can keep claims; nothing else is asked of it, and it needs not know this package.
 *
 * Every call ends by itself, and rejects when it has no answer; a write may have been done all the same, or may yet be.
 */
export interface VersionedRecords {
  /** What is there, not older than anything that was written before the call; undefined where there is none. */
  read(name: string, options?: CallOptions): Promise<VersionedRecord | undefined>;
  /**
   * Writes a record if it still is of this version.
   * @param expected undefined when there is to be none
   * @returns false when it is another version, or may have become one by this very call whose answer got lost
   */
  write(name: string, value: Uint8Array, expected: string | undefined, options?: CallOptions): Promise<boolean>;
  /** Takes a record away if it still is of this version. False when another version is there. */
  remove(name: string, expected: string, options?: CallOptions): Promise<boolean>;
}

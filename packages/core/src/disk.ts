/**
 * The disk, handed in. Paths are absolute, `/`-separated. A write is durable once `sync` of its file has resolved; a
 * created, renamed or removed name once `syncDirectory` of its directory has. A failed sync says nothing about which
 * writes are durable and must not be retried.
 * Every call rejects with ClusterError `IO`, `NOT_FOUND` where a name is missing.
 */
export interface Disk {
  /** Opens a file; one that is missing is `NOT_FOUND` unless it is to be created. */
  open(path: string, options?: DiskOpenOptions): Promise<DiskFile>;
  /** Replaces `to` atomically. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; fine when it is not there. */
  remove(path: string): Promise<void>;
  /** Makes the directory and those above it; fine when they are there. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** Makes the names in a directory durable: files that were created, renamed or removed there. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes an exclusive lock that ends with the process, however that ends.
   * @throws ClusterError `LOCKED` while another holder lives, in this process or another
   */
  lock(path: string): Promise<DiskLock>;
}

/** How a file is opened. */
export interface DiskOpenOptions {
  /**
   * Makes the file if it is missing.
   * @default false
   */
  readonly create?: boolean;
  /**
   * For files of others, which this process may read and not write, such as the system's settings. Changing it is `IO`.
   * @default false
   */
  readonly readOnly?: boolean;
}

/** A file with positioned reads and writes. Calls may overlap; overlapping ranges have no defined order. */
export interface DiskFile {
  /** Bytes read into `buffer`: fewer than its length only at the end of the file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all the chunks, one after the other, from `position` on. The bytes must not change meanwhile. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Makes every write that has resolved durable, and the size with it. */
  sync(): Promise<void>;
  /**
   * Writes and syncs in one, and is not held up by what else the program asks of its machine, where the disk can do
   * that. A rejection is that of a sync. Absent: write, then sync.
   */
  writeDurably?(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Cuts off or extends with zeros. */
  truncate(size: number): Promise<void>;
  /** In bytes. */
  size(): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A lock that is held. The system drops it with the process, however that ends. */
export interface DiskLock {
  /** Idempotent. */
  release(): Promise<void>;
}

/** Values that are written under a lock, by whoever has it. */
export interface FencedStore {
  /**
   * Writes in the name of a lock.
   * @throws ClusterError `STALE_TOKEN` when somebody who had the lock later has written already
   */
  write(key: string, value: string, token: bigint): Promise<void>;
  read(key: string): Promise<string | undefined>;
  close(): Promise<void>;
}

import {
  type ClusterError,
  type GroupLog,
  isClusterError,
  type LogAppendOptions,
  type LogBatch,
  type SnapshotAbout,
  type SnapshotInfo,
} from '@quorate/core';

/** The log of a group, which notes what of it could not be read. */
export class CheckedLog implements GroupLog {
  readonly #log: GroupLog;
  #damage: ClusterError | undefined;

  constructor(log: GroupLog) {
    this.#log = log;
  }

  /** What was found damaged last, and was not cut off since. A machine may tell of it in words of its own. */
  get damage(): ClusterError | undefined {
    return this.#damage;
  }

  /** What was damaged is not needed any more. */
  mended(): void {
    this.#damage = undefined;
  }

  get id(): number {
    return this.#log.id;
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  get commit(): number {
    return this.#log.commit;
  }

  get state(): Uint8Array | undefined {
    return this.#log.state;
  }

  get snapshot(): SnapshotInfo | undefined {
    return this.#log.snapshot;
  }

  term(index: number): number | undefined {
    return this.#log.term(index);
  }

  append(batches: readonly LogBatch[], beside?: LogAppendOptions): Promise<void> {
    return this.#log.append(batches, beside);
  }

  read(from: number, maxBytes: number): Promise<readonly LogBatch[]> {
    return this.#noting(this.#log.read(from, maxBytes));
  }

  truncatePrefix(index: number, term: number): Promise<void> {
    return this.#log.truncatePrefix(index, term);
  }

  saveSnapshot(about: SnapshotAbout, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    return this.#log.saveSnapshot(about, chunks);
  }

  readSnapshot(snapshot: SnapshotInfo, offset: number, maxBytes: number): Promise<Uint8Array> {
    return this.#noting(this.#log.readSnapshot(snapshot, offset, maxBytes));
  }

  remove(): Promise<void> {
    return this.#log.remove();
  }

  async #noting<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      if (isClusterError(error, 'CORRUPT')) this.#damage = error;
      throw error;
    }
  }
}

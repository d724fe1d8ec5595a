import { ClusterError, type DiskLock, type Storage, type StorageContext } from '@quorate/core';
import { FileRecords } from './file-records.ts';
import { FileLogStore } from './log/file-log-store.ts';
import type { CheckedFileStorageOptions } from './options.ts';

/** The directory of one node, held by a lock from `open` to disposal. */
export class FileStorage implements Storage {
  readonly supports: { readonly durable: boolean } = { durable: true };
  readonly records: FileRecords;
  readonly log: FileLogStore;
  readonly #context: StorageContext;
  readonly #directory: string;
  #lock: DiskLock | undefined;
  #opening: Promise<void> | undefined;
  #disposing: Promise<void> | undefined;

  constructor(context: StorageContext, { directory, log }: CheckedFileStorageOptions) {
    this.#context = context;
    this.#directory = directory;
    this.records = new FileRecords(context, this.#recordsDirectory);
    this.log = new FileLogStore(context, `${directory}/log`, log, () => this.#checkHeld());
  }

  get #recordsDirectory(): string {
    return `${this.#directory}/records`;
  }

  open(): Promise<void> {
    if (this.#disposing !== undefined)
      return Promise.reject(new ClusterError('CLOSED', `${this.#directory}: disposed`));
    if (this.#opening !== undefined) {
      return Promise.reject(new ClusterError('INVALID_OPTIONS', `${this.#directory}: open was called twice`));
    }
    this.#opening = this.#open().catch((error: unknown) => {
      // Whoever had the lock may be gone the next time.
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #open(): Promise<void> {
    const { disk } = this.#context;
    await disk.makeDirectory(this.#recordsDirectory);
    this.#lock = await disk.lock(`${this.#directory}/lock`);
    try {
      await disk.syncDirectory(this.#recordsDirectory);
      await disk.syncDirectory(this.#directory);
      await this.#syncDirectoriesAbove();
      await this.records.open();
    } catch (error) {
      await this.#release();
      throw error;
    }
  }

  /**
   * Those above may be new too, made by this process or by one that died before it came here. One that this user may
   * not even read was there before.
   */
  async #syncDirectoriesAbove(): Promise<void> {
    for (let path = parentOf(this.#directory); path !== undefined; path = parentOf(path)) {
      try {
        await this.#context.disk.syncDirectory(path);
      } catch (error) {
        this.#context.logger.warn(`${path}: this directory cannot be synced; its names may not be durable`, error);
      }
    }
  }

  #checkHeld(): void {
    if (this.#lock === undefined) throw new ClusterError('CLOSED', `${this.#directory}: the storage is not open`);
  }

  async #dispose(): Promise<void> {
    const closed = Promise.all([this.records.close(), this.log[Symbol.asyncDispose]()]);
    // What became of it was told to its caller.
    await this.#opening?.catch(() => undefined);
    await closed;
    await this.#release();
  }

  async #release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }
}

/** The directory that this one is in; undefined for the root. */
function parentOf(path: string): string | undefined {
  const slash = path.lastIndexOf('/');
  if (slash < 0 || slash === path.length - 1) return undefined;
  return path.slice(0, slash === 0 || path[slash - 1] === ':' ? slash + 1 : slash);
}

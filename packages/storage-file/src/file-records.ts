import {
  checkBytes,
  ClusterError,
  type Clock,
  type Disk,
  type Histogram,
  isClusterError,
  isRecordName,
  type Logger,
  MAX_RECORD_BYTES,
  type RecordStore,
  type StorageContext,
  telemetryOf,
  toClusterError,
} from '@quorate/core';
import { RecordFile } from './record-file.ts';
import { isDraft, recordNameOf } from './record-path.ts';
import { recordDuration } from './storage-instruments.ts';

/** The most records in a store. All that were used are held in memory. */
export const MAX_RECORDS = 1024;
/** The most calls waiting for their turn. */
export const MAX_WAITING_CALLS = 1024;

/** The records of a directory that this process holds alone. Calls take their turns; a known value needs none. */
export class FileRecords implements RecordStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #duration: Histogram;
  readonly #files = new Map<string, RecordFile>();
  #lastTurn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #state: 'new' | 'open' | 'closed' = 'new';
  /** Of the write that failed first. There is no other after it. */
  #failure: ClusterError | undefined;

  constructor(context: StorageContext, directory: string) {
    this.#disk = context.disk;
    this.#directory = directory;
    this.#logger = context.logger;
    this.#clock = context.clock;
    this.#duration = recordDuration(telemetryOf(context));
  }

  /**
   * Finds out which records there are, and removes what a crash left unfinished.
   * @throws ClusterError `CLOSED` when `close` came first
   */
  async open(): Promise<void> {
    for (const fileName of await this.#disk.list(this.#directory)) {
      const name = recordNameOf(fileName);
      if (name !== undefined) this.#files.set(name, this.#fileOf(name));
      else if (isDraft(fileName)) await this.#disk.remove(`${this.#directory}/${fileName}`);
      else this.#logger.warn(`${this.#directory}/${fileName}: not a record; left alone`);
    }
    if (this.#state === 'closed') throw this.#closedError();
    this.#state = 'open';
  }

  /** Refuses new calls at once, and resolves when those accepted have ended. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#lastTurn;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    this.#check(name);
    const known = this.#files.get(name)?.value;
    if (known !== undefined) return known.slice();
    return this.#inTurn(async () => {
      const file = this.#files.get(name);
      if (file === undefined) return undefined;
      const { value } = await this.#writing(() => file.load(this.#failure === undefined));
      return value.slice();
    });
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#check(name);
    checkBytes('write', 'bytes', bytes);
    if (bytes.length > MAX_RECORD_BYTES) {
      throw new ClusterError('OVERLOADED', `record ${name}: ${bytes.length} bytes, at most ${MAX_RECORD_BYTES} fit`);
    }
    // The caller may go on to use its array.
    const value = Uint8Array.from(bytes);
    const began = this.#clock.now();
    return this.#inTurn(async () => {
      this.#refuseAfterFailure();
      const file = this.#files.get(name);
      if (file === undefined) await this.#create(name, value);
      else await this.#writing(() => file.replace(value));
      this.#duration.record((this.#clock.now() - began) / 1000);
    });
  }

  async remove(name: string): Promise<void> {
    this.#check(name);
    return this.#inTurn(async () => {
      const file = this.#files.get(name);
      if (file === undefined) return;
      this.#refuseAfterFailure();
      await this.#writing(() => file.remove());
      this.#files.delete(name);
    });
  }

  async names(): Promise<readonly string[]> {
    this.#refuseWhenClosed();
    return [...this.#files.keys()].sort();
  }

  async #create(name: string, value: Uint8Array): Promise<void> {
    if (this.#files.size >= MAX_RECORDS) {
      throw new ClusterError('OVERLOADED', `record ${name}: there are ${MAX_RECORDS} records already`);
    }
    const file = this.#fileOf(name);
    await this.#writing(() => file.create(value));
    this.#files.set(name, file);
  }

  #fileOf(name: string): RecordFile {
    return new RecordFile(this.#disk, this.#directory, name, this.#logger);
  }

  #check(name: string): void {
    if (!isRecordName(name)) {
      throw new ClusterError('INVALID_OPTIONS', `a record cannot have the name ${JSON.stringify(name)}`);
    }
    this.#refuseWhenClosed();
  }

  #refuseWhenClosed(): void {
    if (this.#state !== 'open') throw this.#closedError();
  }

  #closedError(): ClusterError {
    return new ClusterError('CLOSED', `${this.#directory}: the storage is not open`);
  }

  #refuseAfterFailure(): void {
    if (this.#failure === undefined) return;
    throw new ClusterError('IO', `${this.#directory}: nothing is written since a write failed`, {
      cause: this.#failure,
      outcome: 'not-applied',
    });
  }

  /** Runs the call when those before it have ended, however they ended. */
  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING_CALLS) {
      return Promise.reject(new ClusterError('OVERLOADED', `${this.#directory}: ${this.#waiting} calls are waiting`));
    }
    this.#waiting += 1;
    const turn = this.#lastTurn.then(call).finally(() => {
      this.#waiting -= 1;
    });
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  /** After a call that failed on the disk nobody knows what is on it. A second try could succeed and be lost. */
  async #writing<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const failure = toClusterError(error, 'IO', this.#directory);
      if (!isClusterError(failure, 'IO')) throw failure;
      this.#failure ??= failure;
      throw new ClusterError('IO', failure.message, { cause: failure, outcome: 'unknown' });
    }
  }
}

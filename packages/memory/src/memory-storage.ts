import {
  checkOptions,
  type Clock,
  checkBytes,
  ClusterError,
  isRecordName,
  MAX_RECORD_BYTES,
  type OptionRules,
  type Plugin,
  type RecordStore,
  rule,
  type Storage,
  type StorageContext,
} from '@quorate/core';
import { type LogContents, MemoryLog } from './memory-log.ts';

/** What outlives a node within one program. Share one between two runs of a node, never between two nodes. */
export interface MemoryDisk {
  /** What is kept now, in order. */
  readonly names: readonly string[];
}

export function memoryDisk(): MemoryDisk {
  return new Records();
}

/** What `memoryStorage` is told. */
export interface MemoryStorageOptions {
  /**
   * Keeps the records when the node is gone; without it they are gone with the node, and the storage says so: it is
   * not durable.
   */
  readonly disk?: MemoryDisk;
}

const rules: OptionRules<MemoryStorageOptions> = {
  disk: rule.value<MemoryDisk>('made by memoryDisk()', (value) => value instanceof Records),
};

/** Records in memory, and logs. */
export function memoryStorage(options: MemoryStorageOptions = {}): Plugin<Storage, 'storage'> {
  const { disk } = checkOptions('memoryStorage', rules, options);
  return {
    name: 'storage-memory',
    kind: 'storage',
    requires: [],
    provides: disk === undefined ? ['log'] : ['durable-storage', 'log'],
    create: (context) => new RecordsStorage(context, disk as Records | undefined),
  };
}

/** How long the holder of a disk has to answer when another wants it. */
const HOLDER_ANSWERS_MS = 100;

class Records implements MemoryDisk {
  readonly contents = new Map<string, Uint8Array>();
  readonly logs: LogContents = new Map();
  holder: RecordsStorage | undefined;

  get names(): readonly string[] {
    return [...this.contents.keys()].sort();
  }
}

class RecordsStorage implements Storage, RecordStore {
  readonly supports: { readonly durable: boolean };
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: MemoryLog;
  readonly #disk: Records;
  #closed = false;

  constructor({ nodeId, clock }: StorageContext, disk: Records | undefined) {
    this.nodeId = nodeId;
    this.clock = clock;
    this.supports = { durable: disk !== undefined };
    this.#disk = disk ?? new Records();
    this.log = new MemoryLog(this.#disk.logs, { clock, check: () => this.#check() });
  }

  get records(): RecordStore {
    return this;
  }

  async open(): Promise<void> {
    if (this.#closed) throw new ClusterError('CLOSED', 'the storage was closed');
    const { holder } = this.#disk;
    if (holder !== undefined && holder !== this && (await this.#isAlive(holder))) {
      throw new ClusterError('LOCKED', `node ${holder.nodeId} holds the disk`);
    }
    // Somebody else may have waited for the same holder, which may have closed it meanwhile.
    const other = this.#disk.holder === holder ? undefined : this.#disk.holder;
    if (other !== undefined) throw new ClusterError('LOCKED', 'another node has just taken the disk');
    this.#disk.holder = this;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    await this.#turn(name);
    return this.#disk.contents.get(name)?.slice();
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    checkBytes('write', 'bytes', bytes);
    if (bytes.length > MAX_RECORD_BYTES) {
      throw new ClusterError('OVERLOADED', `record ${name} has ${bytes.length} bytes, more than ${MAX_RECORD_BYTES}`);
    }
    const copy = bytes.slice();
    await this.#turn(name, () => this.#disk.contents.set(name, copy));
  }

  async remove(name: string): Promise<void> {
    await this.#turn(name, () => this.#disk.contents.delete(name));
  }

  async names(): Promise<readonly string[]> {
    this.#check();
    return this.#disk.names;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#disk.holder === this) this.#disk.holder = undefined;
    return Promise.resolve();
  }

  /** Acts in a later turn, as a disk would: what dies before has not written. */
  #turn(name: string, act?: () => void): Promise<void> {
    if (!isRecordName(name))
      throw new ClusterError('INVALID_OPTIONS', `${JSON.stringify(name)} is no name of a record`);
    this.#check();
    return new Promise((resolve, reject) => {
      this.clock.defer(() => {
        try {
          if (act !== undefined) this.#checkHold();
          act?.();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #check(): void {
    if (this.#closed) throw new ClusterError('CLOSED', 'the storage is closed');
    this.#checkHold();
  }

  #checkHold(): void {
    if (this.#disk.holder === this) return;
    if (this.#closed) throw new ClusterError('CLOSED', 'the storage was closed');
    if (this.#disk.holder === undefined) throw new ClusterError('CLOSED', 'the storage is not open');
    throw new ClusterError('LOCKED', `node ${this.#disk.holder.nodeId} has taken the disk`);
  }

  /** A process that died without a word doesn't answer. Were it only slow, its later writes are refused. */
  #isAlive(holder: RecordsStorage): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(HOLDER_ANSWERS_MS, () => resolve(false));
      holder.clock.defer(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }
}

import { ClusterError, type Disk, type DiskFile, type DiskLock, type DiskOpenOptions } from '@quorate/core';

import type { Engine } from './engine.ts';
import type { Operation, SimulatedDisk } from './host-disk.ts';
import { parentOf } from './name-space.ts';
import { concatenate } from './concatenate.ts';
import type { SimulatedProcess } from './process.ts';
import { type Change, SimulatedFile } from './sim-file.ts';

/** The disk as one process sees it. Operations of a dead process neither take effect nor resolve. */
export class ProcessDisk implements Disk {
  readonly disk: SimulatedDisk;
  readonly #engine: Engine;
  readonly #process: SimulatedProcess;

  constructor(engine: Engine, disk: SimulatedDisk, process: SimulatedProcess) {
    this.#engine = engine;
    this.disk = disk;
    this.#process = process;
  }

  open(path: string, { create = false, readOnly = false }: DiskOpenOptions = {}): Promise<DiskFile> {
    return this.operate(create ? 'create' : 'open', path, () => {
      const file = this.#find(path) ?? this.#create(path, create);
      return () => new OpenFile(this, path, file, readOnly);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.operate('rename', `${from} ${to}`, () => {
      const entry = this.#find(from) ?? missing(from);
      this.#needDirectory(parentOf(to));
      if (from !== to) this.disk.names.change({ removes: from, adds: { path: to, entry } });
      return nothing;
    });
  }

  remove(path: string): Promise<void> {
    return this.operate('remove', path, () => {
      if (this.#find(path) !== undefined) this.disk.names.change({ removes: path });
      return nothing;
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.operate('create', path, () => {
      const lacking: string[] = [];
      for (let at = path; this.disk.names.get(at) === undefined; at = parentOf(at)) lacking.unshift(at);
      this.#needDirectory(lacking.length === 0 ? path : parentOf(lacking[0] ?? path));
      for (const each of lacking) this.disk.names.change({ adds: { path: each, entry: 'directory' } });
      return nothing;
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.operate('list', path, () => {
      this.#needDirectory(path);
      return () => this.disk.names.list(path);
    });
  }

  syncDirectory(path: string): Promise<void> {
    const { names, random } = this.disk;
    return this.operate('sync', path, () => {
      this.#needDirectory(path);
      const changes = names.unsyncedIn(path);
      return () => {
        this.concludeSync(path, (isGood) => (isGood ? names.sync(changes) : names.gamble(changes, random)));
      };
    });
  }

  lock(path: string): Promise<DiskLock> {
    return this.operate('lock', path, () => {
      this.disk.lock(path, this.#process);
      const release = () => {
        this.disk.unlock(path, this.#process);
        return Promise.resolve();
      };
      return () => ({ release });
    });
  }

  /**
   * One operation. `begin` has the effects that it has at once, as far as the page cache goes; what it returns has the
   * rest and the result, when the operation is over.
   */
  operate<T>(operation: Operation, path: string, begin: () => () => T): Promise<T> {
    if (!this.#process.alive) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const takes = this.disk.begin(operation, path);
      const conclude = this.#begin(operation, path, begin);
      // A planned crash finds the operation begun and not over.
      this.disk.midway();
      this.#engine.enterAt(this.#engine.now + takes, this.#process, () => {
        try {
          resolve(conclude());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** @throws ClusterError `IO` when the sync fails: `settle` is told in any case */
  concludeSync(path: string, settle: (isGood: boolean) => void): void {
    try {
      this.disk.check('sync', path);
    } catch (error) {
      settle(false);
      throw error;
    }
    settle(true);
  }

  #begin<T>(operation: Operation, path: string, begin: () => () => T): () => T {
    try {
      if (operation !== 'sync') this.disk.check(operation, path);
      return begin();
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #find(path: string): SimulatedFile | undefined {
    const entry = this.disk.names.get(path);
    if (entry === 'directory') throw new ClusterError('IO', `${path} is a directory`);
    return entry;
  }

  #create(path: string, isWanted: boolean): SimulatedFile {
    if (!isWanted) return missing(path);
    this.#needDirectory(parentOf(path));
    const entry = new SimulatedFile();
    this.disk.names.change({ adds: { path, entry } });
    return entry;
  }

  #needDirectory(path: string): void {
    const entry = this.disk.names.get(path);
    if (entry === undefined) missing(path);
    if (entry !== 'directory') throw new ClusterError('IO', `${path} is not a directory`);
  }
}

class OpenFile implements DiskFile {
  readonly #disk: ProcessDisk;
  readonly #path: string;
  readonly #file: SimulatedFile;
  readonly #isReadOnly: boolean;
  /** Changes whose calls have not resolved: a sync that begins meanwhile says nothing about them. */
  readonly #underWay = new Set<Change>();
  #closed = false;

  constructor(disk: ProcessDisk, path: string, file: SimulatedFile, isReadOnly: boolean) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#isReadOnly = isReadOnly;
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return this.#operate('read', () => () => this.#file.read(buffer, position));
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.#change({ bytes: concatenate(chunks), position });
  }

  truncate(size: number): Promise<void> {
    return this.#change({ size });
  }

  sync(): Promise<void> {
    return this.#operate('sync', () => {
      const changes = this.#file.unsynced.filter((change) => !this.#underWay.has(change));
      const settle = (isGood: boolean) =>
        isGood ? this.#file.sync(changes) : this.#file.gamble(changes, this.#disk.disk.random);
      return () => this.#disk.concludeSync(this.#path, settle);
    });
  }

  size(): Promise<number> {
    return this.#operate('read', () => () => this.#file.size);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #change(change: Change): Promise<void> {
    return this.#operate('write', () => {
      if (this.#isReadOnly) throw new ClusterError('IO', `${this.#path} was opened for reading only`);
      this.#underWay.add(change);
      this.#file.change(change);
      return () => void this.#underWay.delete(change);
    });
  }

  #operate<T>(operation: Operation, begin: () => () => T): Promise<T> {
    return this.#disk.operate(operation, this.#path, () => {
      if (this.#closed) throw new ClusterError('IO', `${this.#path} is closed`);
      return begin();
    });
  }
}

function missing(path: string): never {
  throw new ClusterError('NOT_FOUND', `there is no ${path}`);
}

function nothing(): void {
  // No more to do when it is over.
}

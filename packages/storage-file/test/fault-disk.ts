import { ClusterError, type Disk, type DiskFile, type DiskLock } from '@quorate/core';

/** How the machine's disk looks after a crash. `choose(n)` gives an integer below n. */
export interface Crash {
  /** True: only the process dies, and what it wrote is still in the page cache. */
  readonly keepsCache: boolean;
  readonly choose: (bound: number) => number;
}

interface Inode {
  durable: Uint8Array;
  current: Uint8Array;
  readonly unsynced: { readonly position: number; readonly bytes: Uint8Array }[];
}

type Names = Map<string, Inode>;
/** One change of a directory, whole or not at all. */
type NameChange = readonly (readonly [name: string, inode: Inode | undefined])[];

interface Directory {
  readonly durable: Names;
  readonly current: Names;
  readonly unsynced: NameChange[];
  entryIsDurable: boolean;
}

export class Crashed extends Error {}

/**
 * A disk in memory that stops at a chosen step, and afterwards shows what a real one may: any part of what was not
 * synced, torn at any byte.
 */
export class FaultDisk implements Disk {
  readonly #directories: Map<string, Directory>;
  readonly #held = new Set<string>();
  steps = 0;
  /** The step at which everything stops. */
  crashAt = Infinity;
  /** The step that fails with IO. A sync that does takes what it was for with it: later ones know nothing of it. */
  failAt = Infinity;
  /** What becomes of the writes that a failed sync was for. */
  choose: (bound: number) => number = () => 0;
  /** Of every step so far, to see which is which. */
  readonly log: string[] = [];

  constructor(directories: Map<string, Directory> = new Map([['/', newDirectory(true)]])) {
    this.#directories = directories;
  }

  /** The disk as the next process finds it. */
  after({ keepsCache, choose }: Crash): FaultDisk {
    if (keepsCache) return new FaultDisk(this.#directories);
    const survivors = new Map([...this.#directories].filter(([path]) => this.#survives(path)));
    for (const directory of survivors.values()) {
      for (const change of directory.unsynced.splice(0)) {
        if (choose(2) === 0) apply(directory.durable, change);
      }
      replaceAll(directory.current, directory.durable);
      for (const inode of directory.current.values()) settle(inode, choose);
    }
    return new FaultDisk(survivors);
  }

  /** The bytes of a file, to be damaged by a test. */
  bytesOf(path: string): Uint8Array {
    return this.#inode(path).current;
  }

  setBytes(path: string, bytes: Uint8Array): void {
    const inode = this.#inode(path);
    inode.current = bytes.slice();
    inode.durable = bytes.slice();
    inode.unsynced.length = 0;
  }

  async open(path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> {
    const { directory, name } = this.#find(path);
    if (!directory.current.has(name)) {
      if (options.create !== true) throw new ClusterError('NOT_FOUND', path);
      const inode = { durable: new Uint8Array(0), current: new Uint8Array(0), unsynced: [] };
      await this.#step(`create ${path}`, () => this.#change(directory, [[name, inode]]));
    }
    return this.#fileOf(path, this.#inode(path));
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#find(from);
    await this.#step(`rename ${from}`, () =>
      this.#change(source.directory, [
        [source.name, undefined],
        [this.#find(to).name, this.#inode(from)],
      ]),
    );
  }

  async remove(path: string): Promise<void> {
    const { directory, name } = this.#find(path);
    await this.#step(`remove ${path}`, () => this.#change(directory, [[name, undefined]]));
  }

  async makeDirectory(path: string): Promise<void> {
    const parts = path.split('/').slice(1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const made = `/${parts.slice(0, depth).join('/')}`;
      if (this.#directories.has(made)) continue;
      await this.#step(`mkdir ${made}`, () => this.#directories.set(made, newDirectory(false)));
    }
  }

  async list(path: string): Promise<readonly string[]> {
    return [...this.#directory(path).current.keys()].sort();
  }

  async syncDirectory(path: string): Promise<void> {
    const directory = this.#directory(path);
    await this.#step(`syncdir ${path}`, () => {
      for (const change of directory.unsynced.splice(0)) apply(directory.durable, change);
      for (const [child, entry] of this.#directories) if (split(child)[0] === path) entry.entryIsDurable = true;
    });
  }

  async lock(path: string): Promise<DiskLock> {
    if (this.#held.has(path)) throw new ClusterError('LOCKED', path);
    this.#held.add(path);
    return {
      release: async () => {
        this.#held.delete(path);
      },
    };
  }

  #fileOf(path: string, inode: Inode): DiskFile {
    return {
      read: async (buffer, position) => {
        const part = inode.current.subarray(position, position + buffer.length);
        buffer.set(part);
        return part.length;
      },
      write: (chunks, position) =>
        this.#step(`write ${path} ${position}`, () => {
          const bytes = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
          inode.unsynced.push({ position, bytes });
          inode.current = overwritten(inode.current, position, bytes);
        }),
      sync: () =>
        this.#step(
          `sync ${path}`,
          () => {
            for (const { position, bytes } of inode.unsynced.splice(0)) {
              inode.durable = overwritten(inode.durable, position, bytes);
            }
          },
          () => {
            const { current } = inode;
            settle(inode, this.choose);
            inode.current = current;
          },
        ),
      truncate: () => Promise.reject(new Error('not used')),
      size: async () => inode.current.length,
      close: async () => undefined,
    };
  }

  /** A crash at a step may leave anything between nothing and all of it. */
  async #step(what: string, effect: () => void, onFailure?: () => void): Promise<void> {
    if (this.steps >= this.crashAt) throw new Crashed();
    this.steps += 1;
    this.log.push(what);
    if (this.steps === this.failAt) {
      onFailure?.();
      throw new ClusterError('IO', `${what}: failed as told`);
    }
    const stopped = this.steps >= this.crashAt;
    // A sync that was stopped is one that didn't happen: what it covers is as unsynced as before.
    if (!stopped || !what.startsWith('sync')) effect();
    if (stopped) throw new Crashed();
  }

  #change(directory: Directory, change: NameChange): void {
    apply(directory.current, change);
    directory.unsynced.push(change);
  }

  #survives(path: string): boolean {
    for (let at = path; at !== '/'; at = split(at)[0]) {
      if (this.#directories.get(at)?.entryIsDurable !== true) return false;
    }
    return true;
  }

  #find(path: string): { directory: Directory; name: string } {
    const [parent, name] = split(path);
    return { directory: this.#directory(parent), name };
  }

  #directory(path: string): Directory {
    const directory = this.#directories.get(path);
    if (directory === undefined) throw new ClusterError('NOT_FOUND', path);
    return directory;
  }

  #inode(path: string): Inode {
    const { directory, name } = this.#find(path);
    const inode = directory.current.get(name);
    if (inode === undefined) throw new ClusterError('NOT_FOUND', path);
    return inode;
  }
}

function newDirectory(entryIsDurable: boolean): Directory {
  return { durable: new Map(), current: new Map(), unsynced: [], entryIsDurable };
}

function split(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [slash <= 0 ? '/' : path.slice(0, slash), path.slice(slash + 1)];
}

function apply(names: Names, change: NameChange): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
  }
}

function replaceAll(target: Names, source: Names): void {
  target.clear();
  for (const [name, inode] of source) target.set(name, inode);
}

/** Of each unsynced write: nothing, all, a beginning, an end, or garbage in its place. */
function settle(inode: Inode, choose: (bound: number) => number): void {
  for (const { position, bytes } of inode.unsynced.splice(0)) {
    const cut = choose(bytes.length + 1);
    const fate = choose(5);
    if (fate === 1) inode.durable = overwritten(inode.durable, position, bytes);
    if (fate === 2) inode.durable = overwritten(inode.durable, position, bytes.subarray(0, cut));
    if (fate === 3) inode.durable = overwritten(inode.durable, position + cut, bytes.subarray(cut));
    if (fate === 4)
      inode.durable = overwritten(
        inode.durable,
        position,
        bytes.map(() => choose(256)),
      );
  }
  inode.current = inode.durable.slice();
}

function overwritten(old: Uint8Array, position: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return old;
  const result = new Uint8Array(Math.max(old.length, position + bytes.length));
  result.set(old);
  result.set(bytes, position);
  return result;
}

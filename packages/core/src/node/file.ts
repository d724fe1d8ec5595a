import * as fs from 'node:fs';
import { ClusterError } from '../cluster-error.ts';
import type { DiskFile, DiskOpenOptions } from '../disk.ts';
import { diskError } from './disk-error.ts';
import type { DurableWriter } from './durable-writer.ts';

const FILE_MODE = 0o600;

type Done<T> = (error: Error | null, value?: T) => void;

/** @throws ClusterError `IO`, `NOT_FOUND` */
export function openFile(path: string, options: DiskOpenOptions, writer: DurableWriter): Promise<DiskFile> {
  const { O_CREAT, O_RDONLY, O_RDWR } = fs.constants;
  const flags = (options.readOnly === true ? O_RDONLY : O_RDWR) | (options.create === true ? O_CREAT : 0);
  return new Promise((resolve, reject) => {
    fs.open(path, flags, FILE_MODE, (error, descriptor) => {
      if (error === null) resolve(new SystemFile(path, descriptor, writer));
      else reject(diskError(error, `open ${path}`));
    });
  });
}

/** A descriptor. It is closed only when no call uses it any more: its number may then be another file's. */
class SystemFile implements DiskFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #writer: DurableWriter;
  #callsUnderWay = 0;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(path: string, descriptor: number, writer: DurableWriter) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#writer = writer;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const at = filled;
      const count = await this.#call<number>('read', (done) =>
        fs.read(this.#descriptor, buffer, at, buffer.length - at, position + at, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    let rest = chunks.filter((chunk) => chunk.length > 0);
    let at = position;
    while (rest.length > 0) {
      const [batch, from] = [rest, at];
      const count = await this.#call<number>('write', (done) => fs.writev(this.#descriptor, batch, from, done));
      if (count === 0) throw new ClusterError('IO', `write ${this.#path}: nothing was written at ${at}`);
      rest = without(rest, count);
      at += count;
    }
  }

  sync(): Promise<void> {
    return this.#call<void>('sync', (done) => fs.fdatasync(this.#descriptor, done));
  }

  writeDurably(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.#call<void>('write', (done) => this.#writer.write(this.#descriptor, chunks, position, done));
  }

  truncate(size: number): Promise<void> {
    return this.#call<void>('truncate', (done) => fs.ftruncate(this.#descriptor, size, done));
  }

  async size(): Promise<number> {
    const stats = await this.#call<fs.Stats>('read the size of', (done) => fs.fstat(this.#descriptor, done));
    return stats.size;
  }

  close(): Promise<void> {
    this.#closing ??= this.#idle().then(() => this.#close());
    return this.#closing;
  }

  /** One promise a call, since commits wait for these: each further one would be a further turn of the microtasks. */
  #call<T>(verb: string, start: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) throw new ClusterError('IO', `${verb} ${this.#path}: the file was closed`);
      this.#callsUnderWay += 1;
      const done = (error: Error | null, value?: T): void => {
        this.#callsUnderWay -= 1;
        if (this.#callsUnderWay === 0) this.#onIdle?.();
        if (error === null) resolve(value as T);
        else reject(diskError(error, `${verb} ${this.#path}`));
      };
      try {
        start(done);
      } catch (error) {
        // Arguments that `node:fs` does not take.
        done(error as Error);
      }
    });
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#callsUnderWay === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  #close(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.close(this.#descriptor, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(diskError(error, `close ${this.#path}`));
      });
    });
  }
}

/** The chunks after their first `count` bytes. */
function without(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      rest.push(chunk.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

import { Worker } from 'node:worker_threads';
import { ClusterError } from '../cluster-error.ts';

/** What one call hands over; more is written in several. */
const BUFFER_BYTES: number = 8 * 1024 * 1024;

/** What both threads see: the number of the request, its descriptor, whether to sync, then position and length. */
const CONTROL_BYTES = 32;

/**
 * Runs in a thread of its own, as text so that no bundler need find a file. It sleeps until there is a request; system
 * calls that block hold up nobody here.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const fs = require('node:fs');
const control = new Int32Array(workerData.control, 0, 4);
const numbers = new Float64Array(workerData.control, 16, 2);
const bytes = new Uint8Array(workerData.bytes);
for (let seen = 0; ; seen += 1) {
  Atomics.wait(control, 0, seen);
  let failure;
  try {
    const [position, length] = numbers;
    for (let at = 0; at < length;) {
      const count = fs.writeSync(control[1], bytes, at, length - at, position + at);
      if (count === 0) throw new Error('nothing was written at ' + (position + at));
      at += count;
    }
    if (control[2] === 1) fs.fdatasyncSync(control[1]);
  } catch (error) {
    failure = String(error.message);
  }
  parentPort.postMessage(failure);
}
`;

interface Thread {
  readonly worker: Worker;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
}

interface Request {
  readonly descriptor: number;
  readonly chunks: readonly Uint8Array[];
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Writes and syncs in a thread of its own, one request after the other. The calls of `node:fs` share four threads with
 * everything else: a name server that doesn't answer would hold up every commit.
 */
export class DurableWriter {
  readonly #queue: Request[] = [];
  /** Begun with the first call. */
  #thread: Thread | undefined;
  /** Of the first request: chunks that were handed over, and how much of the next. */
  #done = 0;
  #within = 0;
  #position = 0;
  #failure: Error | undefined;

  write(descriptor: number, chunks: readonly Uint8Array[], position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#queue.push({ descriptor, chunks, position, resolve, reject });
      if (this.#queue.length === 1) this.#begin();
    });
  }

  #begin(): void {
    const [request] = this.#queue;
    this.#thread ??= this.#start();
    if (request === undefined) {
      // A program that has nothing else to do may end.
      this.#thread.worker.unref();
      return;
    }
    this.#thread.worker.ref();
    this.#done = 0;
    this.#within = 0;
    this.#position = request.position;
    this.#handOver(request, this.#thread);
  }

  /** As much of it as fits, with the sync behind the last part. */
  #handOver({ descriptor, chunks }: Request, { words, numbers, bytes }: Thread): void {
    let length = 0;
    while (this.#done < chunks.length && length < BUFFER_BYTES) {
      const chunk = chunks[this.#done] ?? bytes;
      const part = chunk.subarray(this.#within, this.#within + BUFFER_BYTES - length);
      bytes.set(part, length);
      length += part.length;
      this.#within += part.length;
      if (this.#within < chunk.length) break;
      this.#done += 1;
      this.#within = 0;
    }
    words[1] = descriptor;
    words[2] = this.#done === chunks.length ? 1 : 0;
    numbers[0] = this.#position;
    numbers[1] = length;
    this.#position += length;
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  }

  #answered(failure: string | undefined): void {
    const [request] = this.#queue;
    if (request === undefined || this.#thread === undefined) return;
    if (failure === undefined && this.#done < request.chunks.length) return this.#handOver(request, this.#thread);
    this.#queue.shift();
    this.#begin();
    if (failure === undefined) request.resolve();
    else request.reject(new Error(failure));
  }

  #start(): Thread {
    const control = new SharedArrayBuffer(CONTROL_BYTES);
    const bytes = new Uint8Array(new SharedArrayBuffer(BUFFER_BYTES));
    const workerData = { control, bytes: bytes.buffer };
    const worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [], env: {} });
    worker.on('message', (failure: string | undefined) => this.#answered(failure));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(undefined));
    return { worker, words: new Int32Array(control, 0, 4), numbers: new Float64Array(control, 16, 2), bytes };
  }

  #fail(cause: unknown): void {
    this.#failure ??= new ClusterError('IO', 'the thread that writes has ended', { cause });
    for (const { reject } of this.#queue.splice(0)) reject(this.#failure);
  }
}

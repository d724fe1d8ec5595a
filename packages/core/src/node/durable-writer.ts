import { Worker } from 'node:worker_threads';
import { ClusterError } from '../cluster-error.ts';

/** What one call hands over; more is written in several. */
const BUFFER_BYTES: number = 8 * 1024 * 1024;

/** What both threads see: words, then position and length of what is to be written. */
const CONTROL_BYTES = 40;
/** The words, by their places; in `FAILURE` the length of the text that says why it failed, which lies where bytes do. */
const [REQUESTS, DESCRIPTOR, SYNCS, ANSWERS, FAILURE] = [0, 1, 2, 3, 4];
const WORDS = 6;

/**
 * Runs in a thread of its own, as text so that no bundler need find a file. It sleeps until there is a request; system
 * calls that block hold up nobody here. Its answer is a word that changes: a message takes longer to arrive.
 */
const PROGRAM = `
const { workerData } = require('node:worker_threads');
const fs = require('node:fs');
const words = new Int32Array(workerData.control, 0, ${WORDS});
const numbers = new Float64Array(workerData.control, ${WORDS * 4}, 2);
const bytes = new Uint8Array(workerData.bytes);
for (let seen = 0; ; seen += 1) {
  Atomics.wait(words, ${REQUESTS}, seen);
  words[${FAILURE}] = 0;
  try {
    const [position, length] = numbers;
    for (let at = 0; at < length;) {
      const count = fs.writeSync(words[${DESCRIPTOR}], bytes, at, length - at, position + at);
      if (count === 0) throw new Error('nothing was written at ' + (position + at));
      at += count;
    }
    if (words[${SYNCS}] === 1) fs.fdatasyncSync(words[${DESCRIPTOR}]);
  } catch (error) {
    const why = new TextEncoder().encode(String(error.message) || 'no reason was given');
    bytes.set(why);
    words[${FAILURE}] = why.length;
  }
  Atomics.add(words, ${ANSWERS}, 1);
  Atomics.notify(words, ${ANSWERS});
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
  readonly done: (error: Error | null) => void;
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

  /** @param done called once, perhaps before this returns: without an error when all of it is durable */
  write(
    descriptor: number,
    chunks: readonly Uint8Array[],
    position: number,
    done: (error: Error | null) => void,
  ): void {
    if (this.#failure !== undefined) return done(this.#failure);
    this.#queue.push({ descriptor, chunks, position, done });
    if (this.#queue.length === 1) this.#begin();
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
      const room = BUFFER_BYTES - length;
      const isWhole = this.#within === 0 && chunk.length <= room;
      const part = isWhole ? chunk : chunk.subarray(this.#within, this.#within + room);
      bytes.set(part, length);
      length += part.length;
      this.#within += part.length;
      if (this.#within < chunk.length) break;
      this.#done += 1;
      this.#within = 0;
    }
    words[DESCRIPTOR] = descriptor;
    words[SYNCS] = this.#done === chunks.length ? 1 : 0;
    numbers[0] = this.#position;
    numbers[1] = length;
    this.#position += length;
    const answers = Atomics.load(words, ANSWERS);
    Atomics.add(words, REQUESTS, 1);
    Atomics.notify(words, REQUESTS);
    const answer = Atomics.waitAsync(words, ANSWERS, answers);
    // It may be there already. Nobody else changes the word, and so it can't mean anything but that.
    if (answer.async) void answer.value.then(this.#answered);
    else queueMicrotask(this.#answered);
  }

  readonly #answered = (): void => {
    const [request] = this.#queue;
    if (request === undefined || this.#thread === undefined) return;
    const failure = failureOf(this.#thread);
    if (failure === null && this.#done < request.chunks.length) return this.#handOver(request, this.#thread);
    this.#queue.shift();
    this.#begin();
    request.done(failure);
  };

  #start(): Thread {
    const control = new SharedArrayBuffer(CONTROL_BYTES);
    const bytes = new Uint8Array(new SharedArrayBuffer(BUFFER_BYTES));
    const workerData = { control, bytes: bytes.buffer };
    const worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [], env: {} });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(undefined));
    return {
      worker,
      words: new Int32Array(control, 0, WORDS),
      numbers: new Float64Array(control, WORDS * 4, 2),
      bytes,
    };
  }

  #fail(cause: unknown): void {
    this.#failure ??= new ClusterError('IO', 'the thread that writes has ended', { cause });
    for (const { done } of this.#queue.splice(0)) done(this.#failure);
  }
}

/** Why the last request failed; null where it did not. */
function failureOf({ words, bytes }: Thread): Error | null {
  const length = words[FAILURE] ?? 0;
  // A copy: text is not decoded from memory that threads share.
  return length === 0 ? null : new Error(new TextDecoder().decode(bytes.slice(0, length)));
}

import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns';
import { closeSync, open, openSync, rmSync } from 'node:fs';
import path from 'node:path';

/** More than libuv has threads, whatever their number is set to. */
const OPENINGS = 128;

/**
 * Lookups of names that hang, as they do when no resolver answers. They wait for a thread of libuv's: all of those are
 * held by the opening of a pipe that nobody writes to.
 */
export class HungLookups {
  readonly #pipe: string;
  #opened = 0;
  #answered = 0;

  constructor(directory: string, count: number) {
    this.#pipe = path.join(directory, 'pipe');
    execFileSync('mkfifo', [this.#pipe]);
    for (let at = 0; at < OPENINGS; at += 1) {
      open(this.#pipe, 'r', (_, descriptor) => {
        closeSync(descriptor);
        this.#opened += 1;
      });
    }
    for (let at = 0; at < count; at += 1) lookup('localhost', () => (this.#answered += 1));
  }

  get answered(): number {
    return this.#answered;
  }

  /** While somebody writes, opening does not hang. */
  async release(): Promise<void> {
    const writer = openSync(this.#pipe, 'r+');
    while (this.#opened < OPENINGS) await new Promise((resolve) => void setImmediate(resolve));
    closeSync(writer);
    rmSync(this.#pipe);
  }
}

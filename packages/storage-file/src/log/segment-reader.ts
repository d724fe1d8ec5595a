import type { DiskFile } from '@quorate/core';

const WINDOW_BYTES: number = 4 * 1024 * 1024;

/** Reads a file from front to back in large pieces. */
export class SegmentReader {
  readonly #file: DiskFile;
  readonly #size: number;
  readonly #window: { buffer: Uint8Array };
  #begin = 0;
  #end = 0;

  /** @param window kept from one reader to the next, so that each file needn't allocate its own */
  constructor(file: DiskFile, size: number, window: { buffer: Uint8Array }) {
    this.#file = file;
    this.#size = size;
    this.#window = window;
  }

  /** The bytes there, fewer at the end of the file. They are good until the next call. */
  async view(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.#size);
    if (offset < this.#begin || end > this.#end) await this.#fill(offset, end - offset);
    return this.#window.buffer.subarray(offset - this.#begin, Math.min(end, this.#end) - this.#begin);
  }

  async #fill(offset: number, length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#size - offset);
    if (this.#window.buffer.length < wanted) this.#window.buffer = new Uint8Array(wanted);
    this.#begin = offset;
    this.#end = offset;
    this.#end += await this.#file.read(this.#window.buffer.subarray(0, wanted), offset);
  }
}

export function newWindow(): { buffer: Uint8Array } {
  return { buffer: new Uint8Array(0) };
}

import { ClusterError, type Logger } from '@quorate/core';
import {
  decodeFrame,
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frameLength,
  PAGE_BYTES,
  toPages,
} from './frame.ts';
import type { LogRecord } from './log-record.ts';
import type { Segment } from './segment.ts';
import { newWindow, SegmentReader } from './segment-reader.ts';
import type { Segments } from './segments.ts';

/** Where a frame is, and what it says. */
export interface FoundFrame {
  readonly segment: Segment;
  readonly offset: number;
  readonly header: FrameHeader;
  readonly records: readonly LogRecord[];
}

/** Where the log goes on. */
export interface LogTail {
  readonly segment: Segment;
  readonly offset: number;
  /** The last one, which was not applied: it may not be durable. Undefined when there is none. */
  readonly last: FoundFrame | undefined;
}

type Reading = { readonly header: FrameHeader; readonly records: readonly LogRecord[] | undefined } | undefined;

/**
 * Reads a log from front to back, checking all of it, and tells a torn end from damage.
 *
 * A frame is written when the one before is synced, and its header says which are. So where a frame is bad, a later
 * header that says "synced up to it or beyond" proves damage; without one, the frame was never acknowledged (or was the
 * last of all, which nothing can tell) and the log ends before it.
 */
export class LogRecovery {
  readonly #segments: Segments;
  readonly #logger: Logger;
  readonly #apply: (frame: FoundFrame) => void;
  readonly #window = newWindow();
  #at = 0;
  #offset = PAGE_BYTES;
  #reader: SegmentReader;
  #last: FoundFrame | undefined;
  /** The sequence that must come now. */
  #expected = 1;

  private constructor(segments: Segments, logger: Logger, apply: (frame: FoundFrame) => void) {
    this.#segments = segments;
    this.#logger = logger;
    this.#apply = apply;
    this.#reader = this.#readerOf(this.#segment);
  }

  /**
   * @returns undefined when there is no segment
   * @throws ClusterError `CORRUPT`, naming file and offset; `IO`
   */
  static async run(
    segments: Segments,
    logger: Logger,
    apply: (frame: FoundFrame) => void,
  ): Promise<LogTail | undefined> {
    return segments.all.length === 0 ? undefined : await new LogRecovery(segments, logger, apply).#run();
  }

  async #run(): Promise<LogTail> {
    for (;;) {
      const reading = await this.#read(this.#offset);
      if (reading?.records !== undefined && this.#isNext(reading.header)) {
        this.#take({ segment: this.#segment, offset: this.#offset, ...reading, records: reading.records });
      } else if (!(await this.#nextSegment(reading)) && !(await this.#skip(reading))) {
        return { segment: this.#segment, offset: this.#offset, last: this.#last };
      }
    }
  }

  get #segment(): Segment {
    const segment = this.#segments.all[this.#at];
    if (segment === undefined) throw new RangeError('the log has no such segment');
    return segment;
  }

  /** What was before it was dropped, which took a whole checkpoint. */
  get #isFirst(): boolean {
    return this.#last === undefined && this.#segment.number > 1;
  }

  /** The first of all may have any number, if it stands for what was dropped before it. */
  #isNext({ sequence, isCheckpoint }: FrameHeader): boolean {
    if (this.#isFirst) return isCheckpoint;
    return sequence === this.#expected;
  }

  #take(frame: FoundFrame): void {
    // What it doesn't count on it says again.
    const isSaidAgain = frame.header.durableThrough < (this.#last?.header.sequence ?? 0);
    if (this.#last !== undefined && !isSaidAgain) this.#apply(this.#last);
    this.#last = frame;
    this.#expected = frame.header.sequence + 1;
    this.#offset += toPages(frameLength(frame.header));
  }

  /** Whether the frame that must come now begins the next segment. */
  async #nextSegment(reading: Reading): Promise<boolean> {
    const next = this.#segments.all[this.#at + 1];
    if (next === undefined || this.#last === undefined || reading?.header.sequence === this.#expected) return false;
    const reader = this.#readerOf(next);
    const first = await this.#header(next, reader, PAGE_BYTES);
    // The window is shared: what was read ahead of the current segment is gone.
    this.#reader = this.#readerOf(this.#segment);
    if (first?.sequence !== this.#expected) return false;
    this.#goTo(this.#at + 1, PAGE_BYTES);
    return true;
  }

  /**
   * Looks for a frame behind what is bad here. One that doesn't depend on it is where the log goes on.
   * @returns whether there is one
   * @throws ClusterError `CORRUPT` when a later frame proves that the one here was whole and synced
   */
  async #skip(reading: Reading): Promise<boolean> {
    const later = await this.#findLater();
    const isProven = this.#isFirst
      ? later?.header.isCheckpoint !== true
      : later !== undefined && later.header.durableThrough >= this.#expected;
    if (isProven) {
      const what = this.#isFirst ? 'the beginning of the log' : `frame ${this.#expected}`;
      throw new ClusterError('CORRUPT', `${this.#segment.path}: at offset ${this.#offset}: ${what} is damaged`);
    }
    if (later === undefined) {
      if (reading?.header.sequence === this.#expected) {
        this.#logger.warn(`${this.#segment.path}: at offset ${this.#offset}: an unfinished write was cut off`);
      }
      return false;
    }
    this.#goTo(later.at, later.offset);
    this.#expected = later.header.sequence;
    return true;
  }

  async #findLater(): Promise<{ at: number; offset: number; header: FrameHeader } | undefined> {
    for (let at = this.#at; at < this.#segments.all.length; at += 1) {
      const segment = this.#segments.all[at];
      if (segment === undefined) break;
      const reader = this.#readerOf(segment);
      const begin = at === this.#at ? this.#offset + PAGE_BYTES : PAGE_BYTES;
      for (let offset = begin; offset < segment.size; offset += PAGE_BYTES) {
        const header = await this.#header(segment, reader, offset);
        if (header !== undefined && header.sequence >= this.#expected) return { at, offset, header };
      }
    }
    return undefined;
  }

  #goTo(at: number, offset: number): void {
    this.#at = at;
    this.#offset = offset;
    this.#reader = this.#readerOf(this.#segment);
  }

  #readerOf(segment: Segment): SegmentReader {
    return new SegmentReader(segment.file, segment.size, this.#window);
  }

  async #header({ number }: Segment, reader: SegmentReader, offset: number): Promise<FrameHeader | undefined> {
    return decodeFrameHeader(this.#segments.seal, number, await reader.view(offset, FRAME_HEADER_BYTES));
  }

  async #read(offset: number): Promise<Reading> {
    const header = await this.#header(this.#segment, this.#reader, offset);
    if (header === undefined || header.sequence < this.#expected) return undefined;
    const frame = await this.#reader.view(offset, frameLength(header));
    return { header, records: decodeFrame(this.#segments.seal, header, frame) };
  }
}

import { ClusterError, type LogBatch, type Logger, readBatch, sliceBatch } from '@quorate/core';
import type { IndexedBatch } from './batch-index.ts';
import type { SharedLog } from './file-group-log.ts';
import type { GroupView } from './group-view.ts';
import { type MovedBatch, moveOperation } from './operations.ts';
import type { Segment } from './segment.ts';

/** What the cleaner needs of the log. */
interface CleanedLog extends SharedLog {
  readonly views: Iterable<GroupView>;
}

/** Segments may take this many times what is needed in them, and this many segments on top of that. */
const HELD_TO_LIVE = 2;
const SPARE_SEGMENTS = 4;
/** What is written again at one time. */
const MOVED_BYTES: number = 1024 * 1024;
const LOOKS_AFTER_FAILURE = 1000;

/**
 * Gives back the oldest segments when nothing in them is needed. When the log holds far more than is needed, because a
 * group that stands still needs an old segment, what is needed there is written again at the end: each byte so written
 * frees at least one more.
 */
export class Cleaner {
  readonly #log: CleanedLog;
  readonly #slack: number;
  readonly #logger: Logger;
  #cleaning: Promise<void> | undefined;
  #isStopped = false;
  #looksToSkip = 0;

  constructor(log: CleanedLog, segmentBytes: number, logger: Logger) {
    this.#log = log;
    this.#slack = segmentBytes * SPARE_SEGMENTS;
    this.#logger = logger;
  }

  /** Something was written: there may be something to do. */
  look(): void {
    if (this.#looksToSkip > 0) {
      this.#looksToSkip -= 1;
      return;
    }
    if (this.#cleaning !== undefined || this.#isStopped || !this.#isNeeded()) return;
    this.#cleaning = this.#clean().finally(() => {
      this.#cleaning = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#cleaning;
  }

  #isNeeded(): boolean {
    return this.#log.segments.droppable !== undefined || this.#holdsTooMuch();
  }

  #holdsTooMuch(): boolean {
    const { all, current } = this.#log.segments;
    if (all.length <= 2 || all[0] === current) return false;
    const { live, held } = this.#log.segments.totals();
    return held > live * HELD_TO_LIVE + this.#slack;
  }

  /** A failure is nothing to those who write: the log only stays larger. It is tried again later. */
  async #clean(): Promise<void> {
    try {
      while (!this.#isStopped && this.#isNeeded()) {
        const { droppable, all } = this.#log.segments;
        const [oldest] = all;
        if (droppable !== undefined) await this.#log.segments.drop(droppable);
        else if (oldest === undefined || !(await this.#empty(oldest))) break;
      }
    } catch (error) {
      this.#logger.warn('the log could not be cleaned up', error);
      this.#looksToSkip = LOOKS_AFTER_FAILURE;
    }
  }

  /** Whether nothing in it is needed any more. */
  async #empty(segment: Segment): Promise<boolean> {
    for (const view of this.#log.views) {
      for (let next = 0; next <= view.lastIndex && !this.#isStopped;) next = await this.#moveSome(view, next, segment);
    }
    return segment.liveBytes === 0;
  }

  /** Moves batches from this index on; returns the index to go on at. */
  async #moveSome(view: GroupView, from: number, segment: Segment): Promise<number> {
    const moved: MovedBatch[] = [];
    let bytes = 0;
    let next = from;
    while (bytes < MOVED_BYTES) {
      const slot = view.index.find(next);
      if (slot >= view.index.size) {
        next = Infinity;
        break;
      }
      const place = view.index.at(slot);
      next = view.index.lastIndexAt(slot) + 1;
      if (place.segment !== segment.number) continue;
      const first = Math.max(place.firstIndex, view.baseIndex + 1);
      const batch = sliceBatch(await this.#read(segment, place), first, next - 1, this.#log.crc32);
      moved.push({ batch, segment: segment.number, offset: place.offset });
      bytes += batch.bytes.length;
    }
    if (moved.length > 0) await this.#write(view, moved);
    return next;
  }

  async #read(segment: Segment, { offset, length, checksum }: IndexedBatch): Promise<LogBatch> {
    const bytes = new Uint8Array(length);
    segment.reads += 1;
    try {
      await segment.file.read(bytes, offset);
    } finally {
      segment.reads -= 1;
    }
    const batch = readBatch(bytes, checksum, this.#log.crc32);
    if (batch !== undefined) return batch;
    throw new ClusterError('CORRUPT', `${segment.path}: at offset ${offset}: a batch of entries is damaged`);
  }

  #write(view: GroupView, moved: readonly MovedBatch[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#log.add(moveOperation(view, moved, { resolve, reject }));
    });
  }
}

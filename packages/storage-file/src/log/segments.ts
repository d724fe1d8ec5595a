import { ClusterError, type Disk, type DiskFile, type Logger, type Random, toClusterError } from '@quorate/core';
import { type LogSeal, PAGE_BYTES } from './frame.ts';
import { isSetAside } from './set-aside.ts';
import { encodeSegmentHeader, readSegmentHeader, type Segment, segmentFileName, segmentNumber } from './segment.ts';

/** The first segment; each further one is four times as large as the one before, up to the size that was asked for. */
const FIRST_SEGMENT_BYTES: number = 4 * 1024 * 1024;
const GROWTH = 4;
/** A file is filled in pieces that are synced one by one: commits that go to the disk meanwhile wait for no more than one. */
const ZEROS: Uint8Array = new Uint8Array(256 * 1024);
/** As many as one snapshot sets free where commits come faster than segments are filled. */
const MAX_SPARES = 2;
const DRAFT_SUFFIX = '.draft';
const SPARE_SUFFIX = '.spare';

export interface SegmentsContext {
  readonly disk: Disk;
  readonly directory: string;
  readonly random: Random;
  readonly logger: Logger;
  readonly segmentBytes: number;
}

interface Spare {
  readonly path: string;
  readonly file: DiskFile;
  readonly size: number;
}

/** The files of the log: those in use, in order, one made ahead, and some that have served and can serve again. */
export class Segments {
  readonly #context: SegmentsContext;
  readonly #seal: { id: Uint8Array; readonly crc32: LogSeal['crc32'] };
  /** With numbers that follow each other; the last ones have no frames yet. */
  #all: Segment[] = [];
  #current: Segment | undefined;
  #spares: Spare[] = [];
  #preparing: Promise<Segment> | undefined;
  /** Of a sync that failed: what is in the directory is not known any more. */
  failure: ClusterError | undefined;

  constructor(context: SegmentsContext, crc32: LogSeal['crc32']) {
    this.#context = context;
    this.#seal = { id: new Uint8Array(8), crc32 };
  }

  get seal(): LogSeal {
    return this.#seal;
  }

  get all(): readonly Segment[] {
    return this.#all;
  }

  /** The one being written to; undefined before the first. */
  get current(): Segment | undefined {
    return this.#current;
  }

  /** @throws ClusterError `CORRUPT`, `UNSUPPORTED`, `IO` */
  async open(): Promise<void> {
    const { disk, directory, logger } = this.#context;
    await disk.syncDirectory(directory);
    for (const name of await disk.list(directory)) {
      const number = segmentNumber(name);
      if (number !== undefined) await this.#openSegment(number);
      else if (name.endsWith(DRAFT_SUFFIX) || name.endsWith(SPARE_SUFFIX)) await disk.remove(`${directory}/${name}`);
      else if (!name.endsWith('.snapshot') && !isSetAside(name))
        logger.warn(`${directory}/${name}: not of the log; left alone`);
    }
    const [first] = this.#all;
    if (first === undefined) this.#seal.id = this.#context.random.bytes(8);
  }

  find(number: number): Segment | undefined {
    return this.#all[number - (this.#all[0]?.number ?? 0)];
  }

  /** Where the log goes on. */
  select(segment: Segment): void {
    this.#current = segment;
  }

  addLive(number: number, change: number): void {
    const segment = this.find(number);
    if (segment !== undefined) segment.liveBytes += change;
  }

  /** Bytes of batches that are needed, and of files that hold them. */
  totals(): { readonly live: number; readonly held: number } {
    let [live, held] = [0, 0];
    for (const segment of this.#all) {
      live += segment.liveBytes;
      held += segment.size;
    }
    return { live, held };
  }

  /**
   * Makes the segment after the last one, unless it is there or on its way. Failures are for whoever needs it: the log
   * goes on in the current one as long as that has room.
   */
  prepare(): void {
    if (this.#following() !== undefined || this.#preparing !== undefined) return;
    const preparing = this.#make(0).finally(() => {
      this.#preparing = undefined;
    });
    preparing.catch(() => undefined);
    this.#preparing = preparing;
  }

  /**
   * The segment after the current one, with room for a frame of so many bytes.
   * @throws ClusterError `IO`; nothing was lost, and it can be tried again unless `failure` is set
   */
  async advance(frameBytes: number): Promise<Segment> {
    // What came of it shows below.
    await this.#preparing?.catch(() => undefined);
    const following = this.#following();
    const next = following !== undefined && hasRoom(following, frameBytes) ? following : await this.#make(frameBytes);
    this.#current = next;
    return next;
  }

  /** The oldest, if nothing in it is needed and the log has gone on behind it. */
  get droppable(): Segment | undefined {
    const [oldest] = this.#all;
    return oldest !== undefined && oldest.number < (this.#current?.number ?? 0) && oldest.liveBytes === 0
      ? oldest
      : undefined;
  }

  /** Durably gone when it resolves, so that files always go in their order. */
  async drop(segment: Segment): Promise<void> {
    const { disk, directory } = this.#context;
    const spare = { path: segment.path + SPARE_SUFFIX, file: segment.file, size: segment.size };
    const isKept = segment.size >= this.#nextSize && segment.reads === 0 && this.#spares.length < MAX_SPARES;
    if (isKept) await disk.rename(segment.path, spare.path);
    else await disk.remove(segment.path);
    this.#all = this.#all.filter((each) => each !== segment);
    await this.#syncing(() => disk.syncDirectory(directory));
    if (isKept) this.#spares.push(spare);
    else await segment.file.close();
  }

  async close(): Promise<void> {
    await this.#preparing?.catch(() => undefined);
    const files = [...this.#all, ...this.#spares];
    await Promise.all(files.map(({ file }) => file.close()));
  }

  /** Of the segment after the current one, unless a frame needs more. */
  get #nextSize(): number {
    return Math.min(this.#context.segmentBytes, (this.#current?.size ?? FIRST_SEGMENT_BYTES / GROWTH) * GROWTH);
  }

  #following(): Segment | undefined {
    return this.find((this.#current?.number ?? 0) + 1);
  }

  async #openSegment(number: number): Promise<void> {
    const { disk, directory } = this.#context;
    const path = `${directory}/${segmentFileName(number)}`;
    const previous = this.#all.at(-1);
    if (previous !== undefined && previous.number !== number - 1) {
      const missing = segmentFileName(previous.number + 1);
      throw new ClusterError('CORRUPT', `${directory}/${missing}: at offset 0: this segment is missing`);
    }
    const file = await disk.open(path);
    const segment = { number, path, file, size: await file.size(), liveBytes: 0, reads: 0 };
    this.#all.push(segment);
    const id = await readSegmentHeader(segment, this.#seal.crc32);
    if (this.#all.length === 1) this.#seal.id = id;
    else if (id.some((byte, at) => byte !== this.#seal.id[at])) {
      throw new ClusterError('CORRUPT', `${path}: at offset 8: this is a segment of another log`);
    }
  }

  async #make(frameBytes: number): Promise<Segment> {
    const { disk, directory } = this.#context;
    const number = (this.#current?.number ?? 0) + 1;
    const size = Math.max(this.#nextSize, PAGE_BYTES + frameBytes);
    const path = `${directory}/${segmentFileName(number)}`;
    const draft = this.#takeSpare(size) ?? (await this.#makeDraft(path + DRAFT_SUFFIX, size));
    try {
      await draft.file.write([encodeSegmentHeader(this.#seal.id, number, draft.size, this.#seal.crc32)], 0);
      await this.#syncing(() => draft.file.sync());
      await disk.rename(draft.path, path);
      await this.#syncing(() => disk.syncDirectory(directory));
    } catch (error) {
      await this.#discard(draft);
      throw error;
    }
    const segment = { number, path, file: draft.file, size: draft.size, liveBytes: 0, reads: 0 };
    const replaced = this.find(number);
    this.#all = [...this.#all.filter((each) => each.number < number), segment];
    await replaced?.file.close();
    return segment;
  }

  #takeSpare(size: number): Spare | undefined {
    const at = this.#spares.findIndex((spare) => spare.size >= size);
    return at < 0 ? undefined : this.#spares.splice(at, 1)[0];
  }

  /** Filled with zeros, so that no later write needs space or changes anything but its blocks. */
  async #makeDraft(path: string, size: number): Promise<Spare> {
    await this.#context.disk.remove(path);
    const file = await this.#context.disk.open(path, { create: true });
    try {
      for (let at = 0; at < size; at += ZEROS.length) {
        await file.write([ZEROS.subarray(0, Math.min(ZEROS.length, size - at))], at);
        await file.sync();
      }
    } catch (error) {
      await this.#discard({ path, file, size });
      throw error;
    }
    return { path, file, size };
  }

  async #discard({ path, file }: Spare): Promise<void> {
    try {
      await file.close();
      await this.#context.disk.remove(path);
    } catch (error) {
      this.#context.logger.warn(`${path}: could not be removed; the next opening will`, error);
    }
  }

  async #syncing(sync: () => Promise<void>): Promise<void> {
    try {
      await sync();
    } catch (error) {
      this.failure ??= toClusterError(error, 'IO', this.#context.directory);
      throw error;
    }
  }
}

function hasRoom(segment: Segment, frameBytes: number): boolean {
  return segment.size - PAGE_BYTES >= frameBytes;
}

import { ClusterError, crc32, type GroupLog, type LogStore, type StorageContext, telemetryOf } from '@quorate/core';
import { BatchCache } from './batch-cache.ts';
import { Cleaner } from './cleaner.ts';
import { FileGroupLog, type SharedLog } from './file-group-log.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';
import { GroupView } from './group-view.ts';
import type { LogRecord } from './log-record.ts';
import { LogWriter, type LogWriterOwner } from './log-writer.ts';
import type { Operation } from './operations.ts';
import { type FoundFrame, LogRecovery } from './recovery.ts';
import { Segments } from './segments.ts';
import { LogInstruments } from '../storage-instruments.ts';
import { Snapshots } from './snapshots.ts';

export interface FileLogOptions {
  readonly segmentBytes: number;
  readonly cacheBytes: number;
}

const MAX_GROUP_ID: number = 2 ** 32 - 1;

/** The logs of all groups in the segments of one directory, which this process holds alone. */
export class FileLog implements LogStore, LogWriterOwner, SharedLog {
  readonly segments: Segments;
  readonly snapshots: Snapshots;
  readonly cache: BatchCache;
  readonly crc32: SharedLog['crc32'];
  readonly #context: StorageContext;
  readonly #directory: string;
  readonly #checkHeld: () => void;
  readonly #writer: LogWriter;
  readonly #instruments: LogInstruments;
  readonly #cleaner: Cleaner;
  readonly #views = new Map<number, GroupView>();
  readonly #groups = new Map<number, GroupLog>();
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new';
  #opening: Promise<void> = Promise.resolve();
  #disposing: Promise<void> | undefined;

  /** @param checkHeld throws unless the directory is this process's own */
  constructor(
    context: StorageContext,
    directory: string,
    { segmentBytes, cacheBytes }: FileLogOptions,
    checkHeld: () => void,
  ) {
    const { disk, random, logger } = context;
    this.crc32 = context.crc32 ?? crc32;
    this.#context = context;
    this.#directory = directory;
    this.#checkHeld = checkHeld;
    this.cache = new BatchCache(cacheBytes);
    this.segments = new Segments({ disk, directory, random, logger, segmentBytes }, this.crc32);
    this.snapshots = new Snapshots(disk, directory, this.crc32, logger);
    this.#instruments = new LogInstruments(telemetryOf(context), () => ({
      bytes: this.segments.all.reduce((sum, segment) => sum + segment.size, 0),
      waitingBytes: this.#writer.waitingBytes,
    }));
    const measured = { clock: context.clock, instruments: this.#instruments };
    this.#writer = new LogWriter(directory, this.segments, this, measured);
    this.#cleaner = new Cleaner(this, segmentBytes, logger);
  }

  get views(): Iterable<GroupView> {
    return this.#views.values();
  }

  open(): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(this.#closedError());
    if (this.#state !== 'new') {
      return Promise.reject(new ClusterError('INVALID_OPTIONS', `${this.#directory}: open was called twice`));
    }
    this.#state = 'opening';
    this.#opening = this.#open();
    return this.#opening;
  }

  groups(): readonly number[] {
    this.checkOpen();
    return [...this.#views.values()].flatMap(({ id, exists }) => (exists ? [id] : [])).sort((a, b) => a - b);
  }

  group(id: number): GroupLog {
    this.checkOpen();
    if (!Number.isInteger(id) || id < 0 || id > MAX_GROUP_ID) {
      throw new ClusterError('INVALID_OPTIONS', `a group cannot have the id ${id}`);
    }
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const made = new FileGroupLog(this.#viewOf(id), this);
    this.#groups.set(id, made);
    return made;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  checkOpen(): void {
    if (this.#state !== 'open') throw this.#closedError();
  }

  add(operation: Operation): void {
    this.#writer.add(operation);
  }

  apply(records: readonly LogRecord[], segment: number, offset: number, bodies: readonly Uint8Array[]): void {
    let at = offset;
    let number = 0;
    for (const record of records) {
      this.#viewOf(record.group).apply(record, segment, at);
      if (record.kind !== 'entries' && record.kind !== 'moved') continue;
      const bytes = bodies[number];
      if (bytes !== undefined) this.cache.add(segment, at, bytes);
      number += 1;
      at += record.length;
    }
  }

  checkpoint(): readonly LogRecord[] {
    return [...this.#views.values()].flatMap((view) => (view.exists ? view.checkpoint() : []));
  }

  written(): void {
    this.#cleaner.look();
  }

  async #open(): Promise<void> {
    const { disk, logger } = this.#context;
    this.#checkHeld();
    await disk.makeDirectory(this.#directory);
    await disk.syncDirectory(parentOf(this.#directory));
    try {
      await this.segments.open();
      const tail = await LogRecovery.run(this.segments, logger, (frame) => this.#replay(frame));
      if (tail !== undefined) await this.#writer.resume(tail);
      this.#checkWhole();
      await this.snapshots.open(new Set([...this.#views.values()].flatMap(({ id, exists }) => (exists ? [id] : []))));
      if (this.#state === 'closed') throw this.#closedError();
      this.#state = 'open';
    } catch (error) {
      this.#state = 'closed';
      await this.segments.close();
      throw error;
    }
  }

  #replay({ segment, offset, header, records }: FoundFrame): void {
    this.apply(records, segment.number, offset + FRAME_HEADER_BYTES + header.tableLength, []);
  }

  /** Entries that are nowhere were in a segment that is gone. */
  #checkWhole(): void {
    for (const view of this.#views.values()) {
      const gap = view.firstGap();
      if (gap === undefined) continue;
      const first = this.segments.all[0];
      throw new ClusterError(
        'CORRUPT',
        `${first?.path ?? this.#directory}: at offset 0: a segment before it is missing, with entry ${gap} of group ${view.id}`,
      );
    }
  }

  #viewOf(id: number): GroupView {
    let view = this.#views.get(id);
    if (view === undefined) {
      view = new GroupView(id, this.segments);
      this.#views.set(id, view);
    }
    return view;
  }

  async #dispose(): Promise<void> {
    const wasOpen = this.#state === 'open';
    this.#instruments[Symbol.dispose]();
    this.#state = 'closed';
    // What became of it was told to its caller.
    await this.#opening.catch(() => undefined);
    if (!wasOpen) return;
    await this.#cleaner.stop();
    await this.#writer.close();
    await this.segments.close();
  }

  #closedError(): ClusterError {
    return new ClusterError('CLOSED', `${this.#directory}: the log is not open`);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

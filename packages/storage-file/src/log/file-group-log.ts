import {
  ClusterError,
  type GroupLog,
  type LogAppendOptions,
  type LogBatch,
  MAX_APPEND_BYTES,
  MAX_STATE_BYTES,
  readBatch,
  sliceBatch,
  type SnapshotAbout,
  type SnapshotInfo,
} from '@quorate/core';
import type { BatchCache } from './batch-cache.ts';
import type { IndexedBatch } from './batch-index.ts';
import type { LogSeal } from './frame.ts';
import type { GroupView } from './group-view.ts';
import { appendOperation, type Operation, removeOperation, touchOperation, truncateOperation } from './operations.ts';
import { ReadAhead } from './read-ahead.ts';
import type { Segments } from './segments.ts';
import type { Snapshots } from './snapshots.ts';

/** What the logs of all groups share. */
export interface SharedLog {
  readonly segments: Segments;
  readonly snapshots: Snapshots;
  readonly cache: BatchCache;
  readonly crc32: LogSeal['crc32'];
  /** Takes the operation on. */
  add(operation: Operation): void;
  /** @throws ClusterError `CLOSED` */
  checkOpen(): void;
}

type MakeOperation = (settling: { resolve: () => void; reject: (error: ClusterError) => void }) => Operation;

/** The log of one group, as its view tells, in the log of all. */
export class FileGroupLog implements GroupLog {
  readonly #view: GroupView;
  readonly #log: SharedLog;

  constructor(view: GroupView, log: SharedLog) {
    this.#view = view;
    this.#log = log;
  }

  get id(): number {
    return this.#view.id;
  }

  get firstIndex(): number {
    return this.#view.baseIndex + 1;
  }

  get lastIndex(): number {
    return this.#view.lastIndex;
  }

  get commit(): number {
    return this.#view.commit;
  }

  get state(): Uint8Array | undefined {
    return this.#view.state;
  }

  get snapshot(): SnapshotInfo | undefined {
    return this.#log.snapshots.newest(this.id);
  }

  term(index: number): number | undefined {
    return this.#view.term(index);
  }

  append(batches: readonly LogBatch[], beside: LogAppendOptions = {}): Promise<void> {
    return this.#change((settling) => {
      let bytes = 0;
      for (const batch of batches) bytes += batch.bytes.length;
      if (bytes > MAX_APPEND_BYTES) throw tooMuch(`an append of ${bytes} bytes`, MAX_APPEND_BYTES);
      const { state } = beside;
      if (state !== undefined && state.length > MAX_STATE_BYTES) {
        throw tooMuch(`a state of ${state.length} bytes`, MAX_STATE_BYTES);
      }
      // It is kept in memory; the caller may go on to use its array.
      const own = state === undefined ? beside : { ...beside, state: state.slice() };
      return appendOperation(this.#view, batches, own, settling);
    });
  }

  async read(from: number, maxBytes: number): Promise<readonly LogBatch[]> {
    const batches: LogBatch[] = [];
    let bytes = 0;
    const ahead = new ReadAhead(this.#uncached(from, maxBytes));
    await ahead.run(this.#log.segments);
    for (let next = from; batches.length === 0 || bytes < maxBytes;) {
      this.#log.checkOpen();
      if (next < this.firstIndex) {
        throw new ClusterError('NOT_FOUND', `log of group ${this.id}: ${next} is before ${this.firstIndex}`);
      }
      if (next > this.lastIndex) break;
      const slot = this.#view.index.find(next);
      const last = this.#view.index.lastIndexAt(slot);
      const whole = await this.#readBatch(this.#view.index.at(slot), ahead);
      const batch = sliceBatch(whole, next, last, this.#log.crc32);
      if (batches.length > 0 && bytes + batch.bytes.length > maxBytes) break;
      batches.push(batch);
      bytes += batch.bytes.length;
      next = last + 1;
    }
    return batches;
  }

  truncatePrefix(index: number, term: number): Promise<void> {
    return this.#change((settling) => truncateOperation(this.#view, index, term, settling));
  }

  async saveSnapshot(about: SnapshotAbout, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    if (!this.#view.exists) await this.#change((settling) => touchOperation(this.#view, settling));
    this.#log.checkOpen();
    return this.#log.snapshots.save(this.id, about, chunks);
  }

  async readSnapshot(snapshot: SnapshotInfo, offset: number, maxBytes: number): Promise<Uint8Array> {
    this.#log.checkOpen();
    return this.#log.snapshots.read(this.id, snapshot, offset, maxBytes);
  }

  async remove(): Promise<void> {
    await this.#change((settling) => removeOperation(this.#view, settling));
    await this.#log.snapshots.remove(this.id);
  }

  /** Rejects with what is thrown in `make`, too. */
  #change(make: MakeOperation): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#log.checkOpen();
      this.#log.add(make({ resolve, reject }));
    });
  }

  /** Where the batches lie that have these bytes from there on, as far as they are not in memory. */
  *#uncached(from: number, maxBytes: number): Generator<IndexedBatch> {
    const { index } = this.#view;
    let bytes = 0;
    for (let slot = index.find(from); slot < index.size && bytes < maxBytes; slot += 1) {
      const place = index.at(slot);
      bytes += place.length;
      if (this.#log.cache.get(place.segment, place.offset) === undefined) yield place;
    }
  }

  async #readBatch(place: IndexedBatch, ahead: ReadAhead): Promise<LogBatch> {
    const { segment: number, offset, length, checksum } = place;
    const near = ahead.get(place);
    const cached = near ?? this.#log.cache.get(number, offset);
    const segment = this.#log.segments.find(number);
    if (segment === undefined) throw new ClusterError('NOT_FOUND', `log of group ${this.id}: it was truncated`);
    const bytes = cached ?? new Uint8Array(length);
    if (cached === undefined) {
      segment.reads += 1;
      try {
        await segment.file.read(bytes, offset);
      } finally {
        segment.reads -= 1;
      }
    }
    const batch = readBatch(bytes, checksum, this.#log.crc32);
    if (batch === undefined) {
      throw new ClusterError('CORRUPT', `${segment.path}: at offset ${offset}: a batch of entries is damaged`);
    }
    if (cached === undefined) this.#log.cache.add(number, offset, bytes);
    return batch;
  }
}

function tooMuch(what: string, limit: number): ClusterError {
  return new ClusterError('OVERLOADED', `${what}: at most ${limit} are taken at once`, { outcome: 'not-applied' });
}

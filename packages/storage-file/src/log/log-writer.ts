import { type Clock, ClusterError, type DiskFile, toClusterError } from '@quorate/core';
import {
  encodeFrameHead,
  FRAME_HEADER_BYTES,
  type FrameDescription,
  frameLength,
  PAGE_BYTES,
  toPages,
} from './frame.ts';
import { type LogRecord, recordsLength } from './log-record.ts';
import { FrameDraft, type Operation } from './operations.ts';
import type { LogTail } from './recovery.ts';
import type { Segment } from './segment.ts';
import type { LogInstruments } from '../storage-instruments.ts';
import type { Segments } from './segments.ts';

/** Beyond this a frame takes no more operations; one alone may be larger. */
const FRAME_BYTES: number = 8 * 1024 * 1024;
const FRAME_OPERATIONS = 16_384;
/** What may wait for its frame. */
const MAX_WAITING_BYTES: number = 64 * 1024 * 1024;
const MAX_WAITING_OPERATIONS = 65_536;
const FILLING: Uint8Array = new Uint8Array(PAGE_BYTES);

/** What the writer tells, and asks for. */
export interface LogWriterOwner {
  /** These are durable. Their batches, if any, begin at `offset`. */
  apply(records: readonly LogRecord[], segment: number, offset: number, bodies: readonly Uint8Array[]): void;
  /** What all groups must remember. */
  checkpoint(): readonly LogRecord[];
  /** A frame is durable, and told to those who waited. */
  written(): void;
}

/**
 * Writes frames, one at a time: all that waits when a frame begins is in it, of whatever groups, and is told when it is
 * synced. A write or sync that fails is the last one.
 */
export class LogWriter {
  readonly #segments: Segments;
  readonly #owner: LogWriterOwner;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #instruments: LogInstruments;
  /** When the first of those that wait was taken on, where somebody wants to know. */
  #waitingSince = 0;
  #offset = PAGE_BYTES;
  #sequence = 0;
  #durableThrough = 0;
  #queue: Operation[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  /** Nothing was written since the last empty frame, so another would say nothing. */
  #isSealed = true;
  #failure: ClusterError | undefined;

  constructor(
    name: string,
    segments: Segments,
    owner: LogWriterOwner,
    { clock, instruments }: { readonly clock: Clock; readonly instruments: LogInstruments },
  ) {
    this.#name = name;
    this.#clock = clock;
    this.#instruments = instruments;
    this.#segments = segments;
    this.#owner = owner;
  }

  /** What waits for its frame. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Of the write or sync that failed. There is no other after it. */
  get failure(): ClusterError | undefined {
    return this.#failure ?? this.#segments.failure;
  }

  /**
   * Goes on behind what was found. The last frame may be there without being durable, even after a sync, if an earlier
   * sync of it failed: so it is written again, as a frame that doesn't need it.
   */
  async resume({ segment, offset, last }: LogTail): Promise<void> {
    this.#segments.select(segment);
    this.#offset = offset;
    if (last === undefined) return;
    const { header } = last;
    const frame = new Uint8Array(frameLength(header));
    await last.segment.file.read(frame, last.offset);
    const body = frame.subarray(FRAME_HEADER_BYTES + header.tableLength);
    this.#sequence = header.sequence;
    this.#durableThrough = header.durableThrough;
    let { records } = last;
    const hasRoom = this.#hasRoom(frame.length);
    const isFirst = offset === PAGE_BYTES || !hasRoom;
    // In the same frame, which so says all that the one before it does, whether or not that is durable.
    if (isFirst) records = [...this.#owner.checkpoint(), ...records];
    const isCheckpoint = isFirst || header.isCheckpoint;
    const length = FRAME_HEADER_BYTES + recordsLength(records) + body.length;
    if (!this.#hasRoom(length)) await this.#advance(length);
    const head = encodeFrameHead(this.#segments.seal, { ...this.#next(), isCheckpoint }, records);
    const place = await this.#put([head, body], head.length + body.length);
    this.#durableThrough = this.#sequence;
    this.#owner.apply(records, place.segment.number, place.offset + head.length, []);
    this.#isSealed = records.length === 0;
  }

  /** Takes it on, in order; or rejects it at once. */
  add(operation: Operation): void {
    if (this.failure !== undefined) return operation.reject(this.#refusal(this.failure));
    const bytes = this.#waitingBytes + operation.bytes;
    if (bytes > MAX_WAITING_BYTES || this.#queue.length >= MAX_WAITING_OPERATIONS) {
      const message = `${this.#name}: ${this.#queue.length} changes of ${this.#waitingBytes} bytes wait already`;
      return operation.reject(new ClusterError('OVERLOADED', message, { outcome: 'not-applied' }));
    }
    if (this.#queue.length === 0 && this.#instruments.write.isEnabled) this.#waitingSince = this.#clock.now();
    this.#queue.push(operation);
    this.#waitingBytes = bytes;
    this.#running ??= this.#run();
  }

  /** Resolves when all that was taken on has settled, and the last frame is known to have been durable. */
  async close(): Promise<void> {
    await this.#running;
    if (this.#isSealed || this.failure !== undefined) return;
    try {
      await this.#write(new FrameDraft());
    } catch {
      // Only the next opening would have been told by it.
    }
  }

  async #run(): Promise<void> {
    // What is added in the same go belongs to the first frame.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#writeNext();
    this.#running = undefined;
  }

  async #writeNext(): Promise<void> {
    const since = this.#waitingSince;
    const draft = this.#assemble();
    const { write, changes } = this.#instruments;
    // What is left waits from now on, as far as it is measured.
    if (write.isEnabled) this.#waitingSince = this.#clock.now();
    try {
      if (draft.records.length > 0) await this.#write(draft);
      if (draft.hasState) await this.#write(new FrameDraft());
    } catch (error) {
      this.#fail(draft, error);
      return;
    }
    if (write.isEnabled) write.record((this.#clock.now() - since) / 1000);
    changes.record(draft.operations.length);
    for (const operation of draft.operations) operation.resolve();
    this.#owner.written();
  }

  /** What waits, as far as it fits into one frame. */
  #assemble(): FrameDraft {
    const draft = new FrameDraft();
    let taken = 0;
    for (const operation of this.#queue) {
      const isFull = draft.bytes + operation.bytes > FRAME_BYTES || draft.operations.length >= FRAME_OPERATIONS;
      if (draft.operations.length > 0 && isFull) break;
      if (operation.isBarrier && draft.touches(operation.view)) break;
      taken += 1;
      this.#waitingBytes -= operation.bytes;
      this.#putInto(draft, operation);
    }
    this.#queue.splice(0, taken);
    return draft;
  }

  #putInto(draft: FrameDraft, operation: Operation): void {
    try {
      operation.put(draft);
    } catch (error) {
      return operation.reject(toClusterError(error, 'INVALID_OPTIONS', this.#name));
    }
    draft.operations.push(operation);
    draft.bytes += operation.bytes;
  }

  async #write(draft: FrameDraft): Promise<void> {
    let length = FRAME_HEADER_BYTES + recordsLength(draft.records);
    for (const body of draft.bodies) length += body.length;
    if (!this.#hasRoom(length)) await this.#beginSegment(length);
    const head = encodeFrameHead(this.#segments.seal, this.#next(), draft.records);
    const { segment, offset } = await this.#put([head, ...draft.bodies], length);
    this.#durableThrough = this.#sequence;
    this.#isSealed = draft.records.length === 0;
    this.#owner.apply(draft.records, segment.number, offset + head.length, draft.bodies);
  }

  /** Begins the next segment, with all that groups must remember, since the frame doesn't fit into this one. */
  async #beginSegment(length: number): Promise<void> {
    const records = this.#owner.checkpoint();
    await this.#advance(toPages(FRAME_HEADER_BYTES + recordsLength(records)) + length);
    const about = { ...this.#next(), isCheckpoint: true };
    const checkpoint = encodeFrameHead(this.#segments.seal, about, records);
    await this.#put([checkpoint], checkpoint.length);
    this.#durableThrough = this.#sequence;
  }

  #hasRoom(length: number): boolean {
    const { current } = this.#segments;
    return current !== undefined && this.#offset + toPages(length) <= current.size;
  }

  async #advance(length: number): Promise<void> {
    try {
      await this.#segments.advance(toPages(length));
    } catch (error) {
      throw new NoRoom(toClusterError(error, 'IO', this.#name));
    }
    this.#offset = PAGE_BYTES;
  }

  async #put(chunks: readonly Uint8Array[], length: number): Promise<{ segment: Segment; offset: number }> {
    const { current: segment } = this.#segments;
    if (segment === undefined) throw new RangeError('a frame needs a segment');
    const offset = this.#offset;
    const filling = toPages(length) - length;
    const { sync } = this.#instruments;
    const began = sync.isEnabled ? this.#clock.now() : 0;
    try {
      await writeDurably(segment.file, filling === 0 ? chunks : [...chunks, FILLING.subarray(0, filling)], offset);
    } catch (error) {
      throw this.#failed(error);
    }
    if (sync.isEnabled) sync.record((this.#clock.now() - began) / 1000);
    this.#instruments.writtenBytes += length + filling;
    this.#sequence += 1;
    this.#offset += length + filling;
    if (this.#offset > segment.size / 2) this.#segments.prepare();
    return { segment, offset };
  }

  #next(): FrameDescription {
    const segment = this.#segments.current?.number ?? 0;
    return { sequence: this.#sequence + 1, durableThrough: this.#durableThrough, isCheckpoint: false, segment };
  }

  #failed(error: unknown): ClusterError {
    this.#failure = toClusterError(error, 'IO', this.#name);
    return this.#failure;
  }

  /** What was in the frame may be on the disk, unless there was no room for it. What waits behind it is not. */
  #fail(draft: FrameDraft, error: unknown): void {
    const cause = toClusterError(error, 'IO', this.#name);
    const outcome = error instanceof NoRoom ? 'not-applied' : 'unknown';
    const failure = new ClusterError('IO', `${this.#name}: ${cause.message}`, { cause, outcome });
    for (const operation of draft.operations) operation.reject(failure);
    const rest = this.#queue.splice(0);
    this.#waitingBytes = 0;
    for (const operation of rest) operation.reject(this.#refusal(cause));
  }

  #refusal(cause: ClusterError): ClusterError {
    const why = this.failure === undefined ? 'a change before it failed' : 'nothing is written since a write failed';
    return new ClusterError('IO', `${this.#name}: ${why}`, { cause, outcome: 'not-applied' });
  }
}

/** The file's own promise, where it has one: an async function would resolve some microtasks later. */
function writeDurably(file: DiskFile, chunks: readonly Uint8Array[], position: number): Promise<void> {
  if (file.writeDurably !== undefined) return file.writeDurably(chunks, position);
  return file.write(chunks, position).then(() => file.sync());
}

/** A segment could not be made: nothing was written to the log. */
class NoRoom extends ClusterError {
  constructor(cause: ClusterError) {
    super('IO', `no further segment could be made: ${cause.message}`, { cause, outcome: 'not-applied' });
  }
}

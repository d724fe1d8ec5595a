import {
  ByteWriter,
  ClusterError,
  crc32 as crc32InTables,
  type Crc32,
  invalidOption,
  type LogBatch,
} from '@quorate/core';
import type { Entry, Message } from '@quorate/raft';
import { CHECKSUM_AT, flag, FRAME_VERSION, HEADS_AT, LENGTH_AT, MAX_CONTEXT_BYTES } from './frame-format.ts';
import { codeOf } from './message-code.ts';

const FIRST_CAPACITY = 4096;
/** A buffer that had to be larger than this is not kept for the next frame. */
const MAX_KEPT_CAPACITY: number = 1024 * 1024;

/**
 * Gathers messages of many groups for one peer. Heads are written as they come, and batches are copied once, behind
 * them, when the frame is taken.
 */
export class FrameWriter {
  readonly #crc32: Crc32;
  #writer = new ByteWriter(FIRST_CAPACITY);
  #batches: LogBatch[] = [];
  #batchBytes = 0;

  constructor(crc32: Crc32 = crc32InTables) {
    this.#crc32 = crc32;
    this.#writer.end = HEADS_AT;
  }

  /** How long the frame is by now. */
  get bytes(): number {
    return this.#writer.end + this.#batchBytes;
  }

  get isEmpty(): boolean {
    return this.#writer.end === HEADS_AT;
  }

  /**
   * @param group from 0 to 2^32 - 1
   * @param formation tag of the group's formation, from 0 to 2^32 - 1
   * @param batchOf the batch of one that an entry is in, whose bytes don't change until the frame is taken
   * @throws ClusterError `INVALID_OPTIONS` for a message that goes into no frame: the frame is then as it was
   */
  add(group: number, formation: number, message: Message, batchOf: (entry: Entry) => LogBatch): void {
    const { end } = this.#writer;
    try {
      this.#writeHead(group, formation, message);
      if (message.entries.length > 0) this.#writeEntries(message.entries, batchOf);
    } catch (error) {
      this.#writer.end = end;
      throw error;
    }
  }

  /** The frame; a new one begins. The bytes are good until the next `add`, as they are for `Transport.send`. */
  take(): Uint8Array {
    const writer = this.#writer;
    writer.u32At(LENGTH_AT, writer.end - HEADS_AT);
    writer.u32At(CHECKSUM_AT, this.#crc32(writer.view(LENGTH_AT)));
    writer.reserve(this.#batchBytes);
    for (const { bytes } of this.#batches) writer.bytes(bytes);
    const frame = writer.view();
    frame[0] = FRAME_VERSION;
    this.#begin(frame.length);
    return frame;
  }

  /** The frame in parts, of which the batches are the same bytes as everywhere: nothing of them is copied. */
  takeParts(): readonly Uint8Array[] {
    const writer = this.#writer;
    writer.u32At(LENGTH_AT, writer.end - HEADS_AT);
    writer.u32At(CHECKSUM_AT, this.#crc32(writer.view(LENGTH_AT)));
    const head = writer.copy();
    head[0] = FRAME_VERSION;
    const parts = [head, ...this.#batches.map(({ bytes }) => bytes)];
    this.#begin(head.length);
    return parts;
  }

  #begin(lastBytes: number): void {
    if (lastBytes > MAX_KEPT_CAPACITY) this.#writer = new ByteWriter(FIRST_CAPACITY);
    this.#writer.end = HEADS_AT;
    if (this.#batchBytes > 0) this.#batches = [];
    this.#batchBytes = 0;
  }

  #writeHead(group: number, formation: number, message: Message): void {
    const writer = this.#writer;
    const { context, entries } = message;
    writer.u8(codeFor(message));
    writer.u8(
      (message.reject ? flag.REJECT : 0) |
        (context === undefined ? 0 : flag.CONTEXT) |
        (entries.length === 0 ? 0 : flag.ENTRIES),
    );
    writer.number(group).u32(formation).number(message.from).number(message.to).number(message.term);
    writer.number(message.logTerm).number(message.index).number(message.commit).number(message.rejectHint);
    if (context !== undefined) {
      if (context.length > MAX_CONTEXT_BYTES) throw tooLong(context);
      writer.u8(context.length).bytes(context);
    }
  }

  #writeEntries(entries: readonly Entry[], batchOf: (entry: Entry) => LogBatch): void {
    const writer = this.#writer;
    const batches = entries.map((entry) => checked(entry, batchOf(entry)));
    writer.number(batches.length);
    for (const { bytes, checksum } of batches) writer.number(bytes.length).u32(checksum);
    for (const batch of batches) {
      this.#batches.push(batch);
      this.#batchBytes += batch.bytes.length;
    }
  }
}

function codeFor({ type, entries }: Message): number {
  const code = codeOf(type);
  if (code !== undefined && (entries.length === 0 || type === 'App')) return code;
  throw new ClusterError('INVALID_OPTIONS', `a message ${type} with ${entries.length} entries goes into no frame`);
}

function checked({ index, term }: Entry, batch: LogBatch): LogBatch {
  if (batch.count === 1 && batch.firstIndex === index && batch.term === term) return batch;
  const is = `${batch.count} entries from ${batch.firstIndex} in term ${batch.term}`;
  throw new ClusterError('INVALID_OPTIONS', `the batch of entry ${index} in term ${term} has ${is}`);
}

function tooLong({ length }: Uint8Array): ClusterError {
  return invalidOption('message', 'context', `at most ${MAX_CONTEXT_BYTES} bytes`, length);
}

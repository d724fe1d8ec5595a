import { ByteReader, ByteWriter, ClusterError, ENTRY_HEADROOM, invalidOption, readU32 } from '@quorate/core';
import { corrupt } from './corrupt.ts';
import { COMMANDS_FORMAT } from './entry-data.ts';
import { readFloat } from './float.ts';

/** What an entry can ask for: a command of the state machine, alone or within a session, or a change of the sessions. */
export type Command =
  | { readonly kind: 'plain'; readonly data: Uint8Array }
  | SessionCommand
  | { readonly kind: 'open-session'; readonly ttlMs: number }
  | { readonly kind: 'keep-session'; readonly sessionId: number }
  | { readonly kind: 'close-session'; readonly sessionId: number };

/** A command that takes effect once, however often it stands in the log. */
export interface SessionCommand {
  readonly kind: 'in-session';
  readonly sessionId: number;
  /** Of the command within its session: the same at each retry, never used for another. */
  readonly sequence: number;
  /** The client has the results of all sequences below this one: they may be forgotten. */
  readonly settled: number;
  readonly data: Uint8Array;
}

/** What the data of one entry hold. */
export interface CommandBatch {
  /** Milliseconds, stamped by the leader. */
  readonly time: number;
  readonly commands: readonly Command[];
}

/** The longest that a session can live without a sign of its client: a day. */
export const MAX_SESSION_TTL_MS: number = 24 * 60 * 60 * 1000;

// Format (1 byte), time (8), count (4).
const TIME_OFFSET = 1;
const COUNT_OFFSET = 9;
const HEADER_BYTES = 13;
const code = { plain: 0, inSession: 1, openSession: 2, keepSession: 3, closeSession: 4 } as const;
const MIN_COMMAND_BYTES = 2;
const FIRST_CAPACITY = 512;

/**
 * Gathers commands into the data of one entry. They are copied once, into a buffer with room in front for what a log
 * puts there, so that nothing is copied afterwards.
 */
export class CommandBatchWriter {
  readonly #headroom: number;
  /** Undefined while there is no command. */
  #writer: ByteWriter | undefined;
  #count = 0;
  #capacity = FIRST_CAPACITY;

  /** @param headroom bytes to be left free in front of the data */
  constructor(headroom: number = ENTRY_HEADROOM) {
    this.#headroom = headroom;
  }

  /** Of the data so far. */
  get bytes(): number {
    return this.#writer === undefined ? HEADER_BYTES : this.#writer.end - this.#headroom;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * The command's place in the batch.
   * @throws ClusterError `INVALID_OPTIONS` for what could not be read again; the batch stays as it is
   */
  add(command: Command): number {
    const writer = (this.#writer ??= this.#freshWriter());
    const begin = writer.end;
    try {
      writeCommand(writer, command);
    } catch (error) {
      writer.end = begin;
      throw error;
    }
    this.#count += 1;
    return this.#count - 1;
  }

  /**
   * The data of the entry, and a fresh start. In front of it, in its buffer, the headroom is free; the buffer is its own.
   * @param time milliseconds, finite
   */
  take(time: number): Uint8Array {
    if (!Number.isFinite(time)) throw invalidOption('command batch', 'time', 'a finite number', time);
    const writer = this.#writer ?? this.#freshWriter();
    const { end } = writer;
    writer.end = this.#headroom;
    writer.u8(COMMANDS_FORMAT).float64(time).u32(this.#count);
    writer.end = end;
    const data = trimmed(writer.view()).subarray(this.#headroom);
    // The next batch is likely to be of this one's size.
    this.#capacity = Math.max(FIRST_CAPACITY, end);
    this.#writer = undefined;
    this.#count = 0;
    return data;
  }

  #freshWriter(): ByteWriter {
    const writer = new ByteWriter(Math.max(this.#capacity, this.#headroom + HEADER_BYTES));
    writer.end = this.#headroom + HEADER_BYTES;
    return writer;
  }
}

/**
 * The commands of an entry, whose data are views of these bytes.
 * @throws ClusterError `CORRUPT` for anything that no `CommandBatchWriter` wrote, `UNSUPPORTED` for a later format
 */
export function decodeCommandBatch(bytes: Uint8Array): CommandBatch {
  const format = bytes[0];
  if (format !== COMMANDS_FORMAT) {
    throw new ClusterError('UNSUPPORTED', `an entry's data have format ${format}, which this release does not know`);
  }
  return readBatch(bytes);
}

/** How many commands a batch claims to hold, 0 for what is none: without reading them. */
export function commandCount(bytes: Uint8Array): number {
  if (bytes[0] !== COMMANDS_FORMAT || bytes.length < HEADER_BYTES) return 0;
  return readU32(bytes, COUNT_OFFSET);
}

/** The time stamped on a batch, in milliseconds; undefined for what is none: without reading the commands. */
export function batchTime(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== COMMANDS_FORMAT || bytes.length < HEADER_BYTES) return undefined;
  return new ByteReader('command batch', bytes, TIME_OFFSET).float64();
}

function readBatch(bytes: Uint8Array): CommandBatch {
  const reader = new ByteReader(corrupt('command batch'), bytes, TIME_OFFSET);
  const time = readFloat(reader);
  const count = reader.u32();
  if (count * MIN_COMMAND_BYTES > reader.left) throw reader.unsound(`it is too short for ${count} commands`);
  const commands: Command[] = [];
  for (let place = 0; place < count; place += 1) commands.push(readCommand(reader));
  reader.end();
  return { time, commands };
}

function readCommand(reader: ByteReader): Command {
  switch (reader.u8()) {
    case code.plain:
      return { kind: 'plain', data: reader.sized() };
    case code.inSession: {
      const sessionId = reader.number();
      const sequence = reader.number();
      const settled = reader.number();
      return { kind: 'in-session', sessionId, sequence, settled, data: reader.sized() };
    }
    case code.openSession:
      return { kind: 'open-session', ttlMs: readTtl(reader) };
    case code.keepSession:
      return { kind: 'keep-session', sessionId: reader.number() };
    case code.closeSession:
      return { kind: 'close-session', sessionId: reader.number() };
    default:
      throw reader.unsound('a command of an unknown kind');
  }
}

function readTtl(reader: ByteReader): number {
  const ttlMs = reader.positive();
  if (ttlMs > MAX_SESSION_TTL_MS) throw reader.unsound(`a session that lives for ${ttlMs} ms`);
  return ttlMs;
}

function writeCommand(writer: ByteWriter, command: Command): void {
  switch (command.kind) {
    case 'plain':
      writer.u8(code.plain).sized(command.data);
      break;
    case 'in-session':
      writer
        .u8(code.inSession)
        .number(command.sessionId)
        .number(command.sequence)
        .number(command.settled)
        .sized(command.data);
      break;
    case 'open-session':
      writer.u8(code.openSession).number(checkedTtl(command.ttlMs));
      break;
    case 'keep-session':
      writer.u8(code.keepSession).number(command.sessionId);
      break;
    case 'close-session':
      writer.u8(code.closeSession).number(command.sessionId);
      break;
  }
}

function checkedTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && ttlMs <= MAX_SESSION_TTL_MS) return ttlMs;
  throw invalidOption('session', 'ttlMs', `an integer from 1 to ${MAX_SESSION_TTL_MS}`, ttlMs);
}

/** A log keeps the buffer, so it must not be much larger than what is in it. */
function trimmed(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes;
}

import {
  isLeaveJoint,
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfChangeV1,
  type ConfChangeV2,
} from './conf-change.ts';
import type { Entry, EntryType } from './types.ts';

/*
 * Changes of the configuration as data of entries. Numbers are unsigned LEB128.
 *
 *     conf-change     FORMAT type nodeId id [context]
 *     conf-change-v2  FORMAT transition count (type nodeId)* [context]
 *
 * The context is what remains; without a context of its own, the change to leave a joint configuration is empty.
 */
const FORMAT = 1;
const TYPES: readonly ConfChangeType[] = ['add-node', 'remove-node', 'update-node', 'add-learner'];
const TRANSITIONS: readonly ConfChangeTransition[] = ['auto', 'joint-implicit', 'joint-explicit'];

/** A change as an entry to propose. */
export function encodeConfChange(change: ConfChange): { readonly type: EntryType; readonly data: Uint8Array } {
  if (change.version === 1) return { type: 'conf-change', data: encodeV1(change) };
  return { type: 'conf-change-v2', data: encodeV2(change) };
}

/** The change that an entry holds. Throws a RangeError if it holds none, or one that can't be understood. */
export function decodeConfChange(entry: Pick<Entry, 'type' | 'data'>): ConfChange {
  if (entry.type === 'normal') throw new RangeError('a normal entry holds no change of the configuration');
  if (entry.type === 'conf-change-v2' && entry.data.byteLength === 0) {
    return { version: 2, transition: 'auto', changes: [] };
  }
  const reader = new Reader(entry.data);
  const format = reader.number();
  if (format !== FORMAT) throw new RangeError(`a change of the configuration in format ${format}, expected ${FORMAT}`);
  return entry.type === 'conf-change' ? decodeV1(reader) : decodeV2(reader);
}

function encodeV1(change: ConfChangeV1): Uint8Array {
  const bytes = [FORMAT, TYPES.indexOf(change.type)];
  writeNumber(bytes, change.nodeId);
  writeNumber(bytes, change.id ?? 0);
  return withContext(bytes, change.context);
}

function decodeV1(reader: Reader): ConfChangeV1 {
  const single = readSingle(reader);
  const id = reader.number();
  const context = reader.rest();
  return { version: 1, ...single, id, ...(context ? { context } : {}) };
}

function encodeV2(change: ConfChangeV2): Uint8Array {
  if (isLeaveJoint(change) && change.context === undefined) return new Uint8Array();
  const bytes = [FORMAT, TRANSITIONS.indexOf(change.transition)];
  writeNumber(bytes, change.changes.length);
  for (const { type, nodeId } of change.changes) {
    bytes.push(TYPES.indexOf(type));
    writeNumber(bytes, nodeId);
  }
  return withContext(bytes, change.context);
}

function decodeV2(reader: Reader): ConfChangeV2 {
  const transition = oneOf(TRANSITIONS, reader.number(), 'transition');
  const count = reader.number();
  const changes: ConfChangeSingle[] = [];
  // Not bounded by `count` alone: it may be anything, but each change takes bytes, and these end.
  for (let i = 0; i < count; i += 1) changes.push(readSingle(reader));
  const context = reader.rest();
  return { version: 2, transition, changes, ...(context ? { context } : {}) };
}

function readSingle(reader: Reader): ConfChangeSingle {
  const type = oneOf(TYPES, reader.number(), 'type');
  return { type, nodeId: reader.number() };
}

function oneOf<T>(values: readonly T[], at: number, what: string): T {
  const value = values[at];
  if (value === undefined) throw new RangeError(`a change of the configuration of unknown ${what} ${at}`);
  return value;
}

function withContext(head: readonly number[], context: Uint8Array | undefined): Uint8Array {
  const bytes = new Uint8Array(head.length + (context?.byteLength ?? 0));
  bytes.set(head);
  if (context) bytes.set(context, head.length);
  return bytes;
}

function writeNumber(bytes: number[], value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`expected an id, a non-negative integer: ${value}`);
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  bytes.push(left);
}

class Reader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#data[this.#at];
      if (byte === undefined) throw new RangeError('a change of the configuration is cut off');
      this.#at += 1;
      value += (byte % 128) * scale;
      if (byte < 128) return safe(value);
    }
    throw new RangeError('a number in a change of the configuration is too long');
  }

  /** What wasn't read; undefined if that is nothing. */
  rest(): Uint8Array | undefined {
    return this.#at < this.#data.byteLength ? this.#data.subarray(this.#at) : undefined;
  }
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value))
    throw new RangeError(`a number in a change of the configuration is too big: ${value}`);
  return value;
}

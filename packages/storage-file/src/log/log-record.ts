import { getNumber, putNumber, viewOf } from './numbers.ts';

/** A batch of entries whose bytes are in the frame. */
interface BatchRecord {
  /** `moved`: written again, from a segment that is to go; it changes nothing but the place. */
  readonly kind: 'entries' | 'moved';
  readonly group: number;
  readonly firstIndex: number;
  readonly term: number;
  readonly count: number;
  readonly length: number;
  readonly checksum: number;
}

/** One thing that the log says of a group. They take effect in their order. */
export type LogRecord =
  | BatchRecord
  | { readonly kind: 'state'; readonly group: number; readonly state: Uint8Array }
  | { readonly kind: 'commit'; readonly group: number; readonly commit: number }
  | {
      /** Entries up to `index` are forgotten, or all of them. */
      readonly kind: 'base';
      readonly group: number;
      readonly index: number;
      readonly term: number;
      readonly dropsAll: boolean;
    }
  | { readonly kind: 'removed'; readonly group: number };

/** Kind (1), flag (1), length of the state (2), group (4), two numbers (8 each), count, length, checksum (4 each). */
const RECORD_BYTES = 36;
const KINDS = ['entries', 'moved', 'state', 'commit', 'base', 'removed'] as const;

/** Of the table that these records make. */
export function recordsLength(records: readonly LogRecord[]): number {
  let length = records.length * RECORD_BYTES;
  for (const record of records) if (record.kind === 'state') length += record.state.length;
  return length;
}

/** Writes the table; returns the length of all batches. */
export function encodeRecords(view: DataView, begin: number, records: readonly LogRecord[]): number {
  let at = begin;
  let bodyLength = 0;
  for (const record of records) {
    view.setUint8(at, KINDS.indexOf(record.kind));
    view.setUint32(at + 4, record.group);
    if (record.kind === 'entries' || record.kind === 'moved') {
      putBatch(view, at, record);
      bodyLength += record.length;
    } else if (record.kind === 'state') {
      view.setUint16(at + 2, record.state.length);
      new Uint8Array(view.buffer, view.byteOffset + at + RECORD_BYTES).set(record.state);
      at += record.state.length;
    } else if (record.kind === 'commit') {
      putNumber(view, at + 8, record.commit);
    } else if (record.kind === 'base') {
      view.setUint8(at + 1, record.dropsAll ? 1 : 0);
      putNumber(view, at + 8, record.index);
      putNumber(view, at + 16, record.term);
    }
    at += RECORD_BYTES;
  }
  return bodyLength;
}

/** Undefined when these bytes are no table, though their checksum said so. */
export function decodeRecords(table: Uint8Array): readonly LogRecord[] | undefined {
  const view = viewOf(table);
  const records: LogRecord[] = [];
  let at = 0;
  while (at + RECORD_BYTES <= table.length) {
    const stateEnd = at + RECORD_BYTES + view.getUint16(at + 2);
    const record = decodeRecord(view, at, table.subarray(at + RECORD_BYTES, stateEnd));
    if (record === undefined) return undefined;
    records.push(record);
    at = stateEnd;
  }
  return at === table.length ? records : undefined;
}

function putBatch(view: DataView, at: number, record: BatchRecord): void {
  putNumber(view, at + 8, record.firstIndex);
  putNumber(view, at + 16, record.term);
  view.setUint32(at + 24, record.count);
  view.setUint32(at + 28, record.length);
  view.setUint32(at + 32, record.checksum);
}

function decodeRecord(view: DataView, at: number, state: Uint8Array): LogRecord | undefined {
  const kind = KINDS[view.getUint8(at)];
  if (kind === undefined) return undefined;
  const group = view.getUint32(at + 4);
  const [first, second] = [getNumber(view, at + 8), getNumber(view, at + 16)];
  switch (kind) {
    case 'entries':
    case 'moved': {
      const [count, length, checksum] = [view.getUint32(at + 24), view.getUint32(at + 28), view.getUint32(at + 32)];
      return { kind, group, firstIndex: first, term: second, count, length, checksum };
    }
    case 'state':
      return { kind, group, state: state.slice() };
    case 'commit':
      return { kind, group, commit: first };
    case 'base':
      return { kind, group, index: first, term: second, dropsAll: view.getUint8(at + 1) === 1 };
    case 'removed':
      return { kind, group };
  }
}

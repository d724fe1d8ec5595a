import { ByteReader, ByteWriter, ClusterError, readU32 } from '@quorate/core';
import { corrupt } from './corrupt.ts';
import { readFloat } from './float.ts';
import { readSessions, writeSessions } from './session-codec.ts';
import { MAX_ALL_REMEMBERED_BYTES, type SessionTable } from './session-table.ts';
import type { CommandPosition } from './skip.ts';
import { MAX_SKIPS, SkipSet } from './skip-set.ts';

/** What stands in a snapshot in front of the machine's own state. */
export interface MachineHeader {
  readonly index: number;
  readonly term: number;
  /** Of the log at that index. */
  readonly time: number;
  readonly machineVersion: number;
  /** Skips that the state takes into account. */
  readonly skips: SkipSet;
  readonly sessions: SessionTable;
}

const FORMAT_VERSION = 1;
// Format (1 byte), then the length of the rest (4).
const PREFIX_BYTES = 5;
/** What is remembered at most, the result that went beyond it, sessions and skips. */
const MAX_HEADER_BYTES: number = MAX_ALL_REMEMBERED_BYTES + 4 * 1024 * 1024;

export function encodeMachineHeader({ index, term, time, machineVersion, skips, sessions }: MachineHeader): Uint8Array {
  const writer = new ByteWriter(256).u8(FORMAT_VERSION).u32(0);
  writer.number(index).number(term).float64(time).number(machineVersion);
  writeSkips(writer, skips.positions());
  writeSessions(writer, sessions);
  writer.u32At(1, writer.end - PREFIX_BYTES);
  return writer.copy();
}

/**
 * Takes the header off the front of a snapshot, however its bytes are cut.
 * @returns it, and the bytes read already that are behind it
 * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format
 */
export async function readMachineHeader(
  chunks: AsyncIterator<Uint8Array>,
): Promise<{ readonly header: MachineHeader; readonly behind: Uint8Array }> {
  const prefix = await gather(chunks, new Uint8Array(), PREFIX_BYTES);
  if (prefix[0] !== FORMAT_VERSION) {
    throw new ClusterError('UNSUPPORTED', `a snapshot of format ${prefix[0]}, this release reads ${FORMAT_VERSION}`);
  }
  const length = readU32(prefix, 1);
  if (length > MAX_HEADER_BYTES) throw new ClusterError('CORRUPT', `snapshot: a header of ${length} bytes`);
  const end = PREFIX_BYTES + length;
  const bytes = await gather(chunks, prefix, end);
  return { header: decodeMachineHeader(bytes.subarray(PREFIX_BYTES, end)), behind: bytes.subarray(end) };
}

/** At least `length` bytes, beginning with these. */
async function gather(chunks: AsyncIterator<Uint8Array>, first: Uint8Array, length: number): Promise<Uint8Array> {
  const parts = [first];
  let gathered = first.length;
  while (gathered < length) {
    const next = await chunks.next();
    if (next.done === true) throw new ClusterError('CORRUPT', 'snapshot: it ends within its header');
    parts.push(next.value);
    gathered += next.value.length;
  }
  const bytes = new Uint8Array(gathered);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function decodeMachineHeader(bytes: Uint8Array): MachineHeader {
  const reader = new ByteReader(corrupt('snapshot header'), bytes);
  const index = reader.number();
  const term = reader.number();
  const time = readFloat(reader);
  const machineVersion = reader.number();
  const skips = readSkips(reader, index);
  const sessions = readSessions(reader);
  reader.end();
  return { index, term, time, machineVersion, skips, sessions };
}

function writeSkips(writer: ByteWriter, positions: readonly CommandPosition[]): void {
  writer.number(positions.length);
  for (const { index, place } of positions) writer.number(index).number(place);
}

function readSkips(reader: ByteReader, applied: number): SkipSet {
  const count = reader.number(MAX_SKIPS);
  const skips = new SkipSet();
  for (let number = 0; number < count; number += 1) {
    const index = reader.positive();
    if (index > applied) throw reader.unsound(`a skip of entry ${index}, which is not in it`);
    skips.add({ index, place: reader.number() });
  }
  return skips;
}

import { readU32, type Crc32, type LogBatch, readBatch } from '@quorate/core';
import { isHexId } from '../group-state.ts';
import { isCount, parseObject } from './backup-format.ts';
import { RecordReader, RecordSealer, type SealedFormat } from './sealed-records.ts';

/** What a piece of an archive is of. */
export interface ArchivePieceInfo {
  readonly group: number;
  /** In hexadecimal. */
  readonly formation: string;
  /** The first and the last entry in it. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Of the entry before the first. */
  readonly previousTerm: number;
}

/** Committed entries, to be stored. Pieces that follow each other may be stored in one file, one behind the other. */
export interface ArchivePiece extends ArchivePieceInfo {
  /** Of the last entry, by the time of the log, in milliseconds; undefined where none of them has one. */
  readonly timeMs: number | undefined;
  readonly bytes: Uint8Array;
}

/** Of a piece: what it is, with a batch of its entries. */
export interface ArchivedBatch {
  readonly piece: ArchivePieceInfo;
  readonly batch: LogBatch;
}

const FORMAT: SealedFormat = { name: 'archive', magic: 'QARC', version: 1 };
/** What the piece is of, as JSON. */
const INFO = 1;
/** A batch of the log: its checksum (4 bytes), and its bytes. */
const BATCH = 2;
/** Another piece may follow. */
const END = 3;
const CHECKSUM_BYTES = 4;
const NOTHING = new Uint8Array();

/** The bytes of a piece. */
export function encodePiece(info: ArchivePieceInfo, batches: readonly LogBatch[], crc32: Crc32): Uint8Array {
  const sealer = new RecordSealer(FORMAT, crc32);
  const parts = [sealer.head, ...sealer.seal({ type: INFO, body: new TextEncoder().encode(JSON.stringify(info)) })];
  for (const { bytes, checksum } of batches) {
    const body = new Uint8Array(CHECKSUM_BYTES + bytes.length);
    new DataView(body.buffer).setUint32(0, checksum);
    body.set(bytes, CHECKSUM_BYTES);
    parts.push(...sealer.seal({ type: BATCH, body }));
  }
  parts.push(...sealer.seal({ type: END, body: NOTHING }));
  return joined(parts);
}

/**
 * The batches of pieces that are stored one behind the other.
 * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format; what the chunks throw
 */
export async function* readArchive(chunks: AsyncIterable<Uint8Array>, crc32: Crc32): AsyncGenerator<ArchivedBatch> {
  const reader = new RecordReader(FORMAT, chunks, crc32);
  try {
    while (await reader.begin()) yield* batchesOf(reader, crc32);
  } finally {
    await reader.close();
  }
}

async function* batchesOf(reader: RecordReader, crc32: Crc32): AsyncGenerator<ArchivedBatch> {
  const first = await reader.next();
  const piece = first.type === INFO ? decodeInfo(first.body) : undefined;
  if (piece === undefined) throw reader.unsound('it does not say what it is of');
  let next = piece.firstIndex;
  for (;;) {
    const { type, body } = await reader.next();
    if (type === END) break;
    const batch = type === BATCH ? decodeBody(body, crc32) : undefined;
    if (batch?.firstIndex !== next) throw reader.unsound('a batch is damaged, or not in its place');
    next += batch.count;
    yield { piece, batch };
  }
  if (next !== piece.lastIndex + 1) throw reader.unsound('a batch is missing');
}

function decodeBody(body: Uint8Array, crc32: Crc32): LogBatch | undefined {
  if (body.length < CHECKSUM_BYTES) return undefined;
  return readBatch(body.subarray(CHECKSUM_BYTES), readU32(body, 0), crc32);
}

function decodeInfo(body: Uint8Array): ArchivePieceInfo | undefined {
  const { group, formation, firstIndex, lastIndex, previousTerm } = parseObject(body);
  if (!isCount(group) || !isHexId(formation) || !isCount(previousTerm)) return undefined;
  if (!isCount(firstIndex) || firstIndex < 1 || !isCount(lastIndex) || lastIndex < firstIndex) return undefined;
  return { group, formation, firstIndex, lastIndex, previousTerm };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

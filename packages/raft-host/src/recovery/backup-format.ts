import type { Crc32 } from '@quorate/core';
import { isHexId } from '../group-state.ts';
import { isMembers, type Member } from '../members.ts';
import { MAX_CHUNK_BYTES } from '../snapshots/transfer-messages.ts';
import { RecordReader, RecordSealer, type SealedFormat } from './sealed-records.ts';

/** What a backup is of. */
export interface BackupInfo {
  /** The id of the group. */
  readonly group: number;
  /** Which formation of it, in hexadecimal: an archive of another one does not follow on this backup. */
  readonly formation: string;
  /** The last entry of the log whose effect is in it, and its term. */
  readonly index: number;
  readonly term: number;
  /** Of the log there, in milliseconds. */
  readonly timeMs: number;
  /** Of the state machine that wrote it: one of an earlier version can't read it. */
  readonly machineVersion: number;
  /** Who was a member. */
  readonly members: readonly Member[];
  /** The highest number that was ever given to a member. */
  readonly lastNumber: number;
}

/** A backup while it is read. */
export interface OpenBackup {
  readonly info: BackupInfo;
  /** To be read once. It ends only where the backup is whole. */
  readonly content: AsyncIterable<Uint8Array>;
}

const FORMAT: SealedFormat = { name: 'backup', magic: 'QBAK', version: 1 };
/** What the backup is of, as JSON. */
const INFO = 1;
/** A piece of the state. */
const CONTENT = 2;
/** Nothing follows: the number of bytes of content (8, a double). */
const END = 3;
const END_BYTES = 8;

/** @param content of a snapshot, in pieces of any size */
export async function* writeBackup(
  info: BackupInfo,
  content: AsyncIterable<Uint8Array>,
  crc32: Crc32,
): AsyncGenerator<Uint8Array> {
  const sealer = new RecordSealer(FORMAT, crc32);
  yield sealer.head;
  yield* sealer.seal({ type: INFO, body: new TextEncoder().encode(JSON.stringify(info)) });
  let size = 0;
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; at += MAX_CHUNK_BYTES) {
      const body = chunk.subarray(at, at + MAX_CHUNK_BYTES);
      size += body.length;
      yield* sealer.seal({ type: CONTENT, body });
    }
  }
  const end = new Uint8Array(END_BYTES);
  new DataView(end.buffer).setFloat64(0, size);
  yield* sealer.seal({ type: END, body: end });
}

/**
 * Reads what a backup is of; its content comes later.
 * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format; what the chunks throw. The content likewise.
 */
export async function openBackup(chunks: AsyncIterable<Uint8Array>, crc32: Crc32): Promise<OpenBackup> {
  const reader = new RecordReader(FORMAT, chunks, crc32);
  try {
    if (!(await reader.begin())) throw reader.unsound('it is empty');
    const { type, body } = await reader.next();
    const info = type === INFO ? decodeInfo(body) : undefined;
    if (info === undefined) throw reader.unsound('it does not say what it is of');
    return { info, content: contentOf(reader) };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/**
 * Reads a whole backup, and says what it is of: for whoever wants to know whether it is one that can be restored.
 * @throws ClusterError `CORRUPT`, `UNSUPPORTED` for a later format; what the chunks throw
 */
export async function readBackupInfo(chunks: AsyncIterable<Uint8Array>, crc32: Crc32): Promise<BackupInfo> {
  const { info, content } = await openBackup(chunks, crc32);
  for await (const _ of content);
  return info;
}

async function* contentOf(reader: RecordReader): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for (;;) {
      const { type, body } = await reader.next();
      if (type === CONTENT) {
        size += body.length;
        yield body;
      } else if (type === END && body.length === END_BYTES) {
        if (new DataView(body.buffer, body.byteOffset).getFloat64(0) !== size)
          throw reader.unsound('a piece is missing');
        await reader.end();
        return;
      } else throw reader.unsound(`a piece of type ${type}`);
    }
  } finally {
    await reader.close();
  }
}

function decodeInfo(body: Uint8Array): BackupInfo | undefined {
  const { group, formation, index, term, timeMs, machineVersion, members, lastNumber } = parseObject(body);
  if (!isCount(group) || group >= 2 ** 32 || !isHexId(formation) || !isMembers(members)) return undefined;
  if (!isCount(index) || index < 1 || !isCount(term) || !isCount(machineVersion)) return undefined;
  if (typeof timeMs !== 'number' || !isCount(lastNumber)) return undefined;
  if (members.some(({ number }) => number > lastNumber)) return undefined;
  return { group, formation, index, term, timeMs, machineVersion, members, lastNumber };
}

/** The fields of an object in JSON; none where it is no such thing. */
export function parseObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Whether it is a safe integer from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

import { crc32, type LogBatch } from '@quorate/core';
import { encodePiece, readArchive } from '../../src/recovery/archive-format.ts';
import { type BackupInfo, openBackup, writeBackup } from '../../src/recovery/backup-format.ts';

export const FORMATION: string = 'ab'.repeat(16);

export const INFO: BackupInfo = {
  group: 1,
  formation: FORMATION,
  index: 12,
  term: 3,
  timeMs: 4567.5,
  machineVersion: 2,
  members: [{ number: 1, nodeId: 'a', disk: 'cd'.repeat(16), wants: 'voter' }],
  lastNumber: 4,
};

export async function* inPieces(bytes: Uint8Array, size: number = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return new Uint8Array(Buffer.concat(parts));
}

export function backupOf(content: Uint8Array, pieceBytes?: number): Promise<Uint8Array> {
  return gathered(writeBackup(INFO, inPieces(content, pieceBytes), crc32));
}

/** What a backup says that it is, with its content. */
export async function readBackup(bytes: Uint8Array, pieceBytes?: number): Promise<readonly [BackupInfo, Uint8Array]> {
  const { info, content } = await openBackup(inPieces(bytes, pieceBytes), crc32);
  return [info, await gathered(content)];
}

export function pieceOf(batches: readonly LogBatch[]): Uint8Array {
  const [first] = batches;
  const last = batches.at(-1);
  if (first === undefined || last === undefined) throw new Error('a piece has entries');
  const lastIndex = last.firstIndex + last.count - 1;
  const info = { group: 1, formation: FORMATION, firstIndex: first.firstIndex, lastIndex, previousTerm: 3 };
  return encodePiece(info, batches, crc32);
}

export async function batchesOf(bytes: Uint8Array, pieceBytes?: number): Promise<readonly LogBatch[]> {
  const batches: LogBatch[] = [];
  for await (const { batch } of readArchive(inPieces(bytes, pieceBytes), crc32)) batches.push(batch);
  return batches;
}

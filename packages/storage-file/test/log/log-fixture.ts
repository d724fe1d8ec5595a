import {
  encodeBatch,
  type GroupLog,
  type LogBatch,
  type LogEntry,
  type Logger,
  type LogStore,
  silentLogger,
  type Storage,
  type System,
} from '@quorate/core';
import { decodeBatch } from '@quorate/core';
import { fileStorage } from '../../src/index.ts';

export const DIRECTORY = '/data/node-a';
export const LOG_DIRECTORY = `${DIRECTORY}/log`;
/** The smallest that is allowed, so that tests come by many segments. */
export const SEGMENT_BYTES = 64 * 1024;

export interface OpenLog {
  readonly storage: Storage;
  readonly log: LogStore;
}

/** Opens the storage and its log. */
export async function openLog(
  system: System,
  directory: string = DIRECTORY,
  logger: Logger = silentLogger,
): Promise<OpenLog> {
  const plugin = fileStorage({ directory, log: { segmentBytes: SEGMENT_BYTES, cacheBytes: 4096 } });
  const storage = plugin.create({ ...system, logger, nodeId: 'a' });
  const log = storage.log!;
  try {
    await storage.open();
    await log.open();
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
  return { storage, log };
}

/** Entries that tell by their data which they are. */
export function entriesOf(first: number, count: number, term: number, dataBytes = 20): LogEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const data = new Uint8Array(dataBytes).fill((first + at) % 251);
    return { index: first + at, term, kind: term % 3, data };
  });
}

export function batchOf(first: number, count: number, term: number, dataBytes?: number): LogBatch {
  return encodeBatch(entriesOf(first, count, term, dataBytes));
}

/** All entries of a group. */
export async function readAll(group: GroupLog): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let next = group.firstIndex; next <= group.lastIndex;) {
    for (const batch of await group.read(next, 5000)) {
      entries.push(...decodeBatch(batch));
      next = batch.firstIndex + batch.count;
    }
  }
  return entries;
}

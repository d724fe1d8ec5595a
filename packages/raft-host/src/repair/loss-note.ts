import { ClusterError, type RecordStore } from '@quorate/core';

/** That the log of this node was damaged and is set aside. Kept outside that log. */
export interface LossNote {
  /** What was wrong: file and offset. */
  readonly reason: string;
  /** The name of the copy that was last kept. */
  readonly copy: string;
  /** The log is still to be set aside. */
  readonly isPending: boolean;
  /** What is there is not worth a copy: it holds nothing but what a repair had brought so far. */
  readonly dropsLog: boolean;
  /** Groups that were repaired since. */
  readonly repaired: readonly number[];
}

const RECORD = 'raft-log-loss';
const VERSION = 1;
/** More groups are not remembered; that only keeps an older copy for longer. */
const MAX_GROUPS = 1024;

/** @throws ClusterError `CORRUPT`, `UNSUPPORTED`, `IO` */
export async function readLossNote(records: RecordStore): Promise<LossNote | undefined> {
  const bytes = await records.read(RECORD);
  return bytes === undefined ? undefined : decode(bytes);
}

/** @throws ClusterError `IO` */
export async function writeLossNote(records: RecordStore, note: LossNote): Promise<void> {
  const repaired = note.repaired.slice(-MAX_GROUPS);
  await records.write(RECORD, new TextEncoder().encode(JSON.stringify({ version: VERSION, ...note, repaired })));
}

/**
 * What is left of a log that is being set aside is not to be opened.
 * @throws ClusterError `CORRUPT` where that was begun and not ended
 */
export function refusePending(note: LossNote | undefined): void {
  if (note?.isPending !== true) return;
  throw new ClusterError('CORRUPT', `${note.reason}; setting the log aside was begun, and has to be ended first`);
}

function decode(bytes: Uint8Array): LossNote {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
    const { version, reason, copy, isPending, dropsLog, repaired } = value;
    if (typeof version === 'number' && version > VERSION) {
      throw new ClusterError('UNSUPPORTED', `the record ${RECORD} has format ${version}, of a later release`);
    }
    if (typeof reason !== 'string' || typeof copy !== 'string' || !Array.isArray(repaired)) throw new TypeError();
    return {
      reason,
      copy,
      isPending: isPending === true,
      dropsLog: dropsLog === true,
      repaired: repaired.filter((each) => Number.isSafeInteger(each)),
    };
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause;
    throw new ClusterError('CORRUPT', `the record ${RECORD} can't be read`, { cause });
  }
}

import {
  type CallOptions,
  checkOptions,
  type Clock,
  ClusterError,
  type Crc32,
  decodeBatch,
  type GroupLog,
  isClusterError,
  linkSignals,
  type LogBatch,
  type OptionRules,
  rule,
  sleep,
  sliceBatch,
  throwIfAborted,
} from '@quorate/core';
import { batchTime } from '../commands/command-batch.ts';
import { type ArchivePiece, encodePiece } from './archive-format.ts';

export interface ArchiveOptions extends CallOptions {
  /**
   * The first entry to be archived: behind a backup, or behind the last piece that was stored.
   * @default the next that is committed
   */
  readonly from?: number;
  /**
   * For how long entries are gathered into one piece: what a loss of this node may cost the archive. Milliseconds.
   * @default 1000
   */
  readonly gatherMs?: number;
}

/** What an archiver needs of the group that it follows. */
export interface ArchivedGroup {
  readonly id: number;
  readonly formation: string;
  readonly log: Pick<GroupLog, 'firstIndex' | 'lastIndex' | 'term' | 'read'>;
  readonly clock: Clock;
  readonly crc32: Crc32;
  /** Up to where the log is known to be committed. */
  commit(): number;
  /** Has the log kept from what `next` gives on, as it is for a member that is behind. */
  hold(next: () => number): Disposable;
  /** Ends with the group. */
  readonly closing: AbortSignal;
}

/** Of one piece, beyond which it is closed. */
const PIECE_BYTES: number = 1024 * 1024;
/** How often it is looked whether something was committed. */
const LOOK_MS = 50;

const rules: OptionRules<Omit<ArchiveOptions, 'signal'>> = {
  from: rule.integer({ min: 1 }),
  gatherMs: rule.duration({ min: 0, max: 3_600_000 }),
};

/**
 * Follows the committed log, in pieces without gaps. What was not archived yet is kept in the log, within its bound for
 * members that are behind (`keepBytes`).
 * @throws ClusterError `NOT_FOUND` when entries were cut off before they could be archived: a new backup is needed;
 * `ABORTED`, `CLOSED`, `CORRUPT`, `IO`
 */
export async function* followLog(
  group: ArchivedGroup,
  { signal, ...options }: ArchiveOptions,
): AsyncGenerator<ArchivePiece> {
  const { from, gatherMs = 1000 } = checkOptions<Omit<ArchiveOptions, 'signal'>>('archive', rules, options);
  const { clock, closing } = group;
  using ending = linkSignals(signal, closing);
  let next = from ?? group.commit() + 1;
  using _hold = group.hold(() => next);
  for (;;) {
    throwIfOver(group, signal);
    if (committedHere(group) < next) {
      await pause(clock, LOOK_MS, ending.signal);
      continue;
    }
    await pause(clock, gatherMs, ending.signal);
    throwIfOver(group, signal);
    const piece = await readPiece(group, next);
    next = piece.lastIndex + 1;
    yield piece;
  }
}

function committedHere(group: ArchivedGroup): number {
  return Math.min(group.commit(), group.log.lastIndex);
}

async function readPiece(group: ArchivedGroup, from: number): Promise<ArchivePiece> {
  const { log, id, formation, crc32 } = group;
  const through = committedHere(group);
  const previousTerm = log.term(from - 1);
  const batches = previousTerm === undefined ? undefined : await read(group, from, through);
  const last = batches?.at(-1);
  if (previousTerm === undefined || batches === undefined || last === undefined) throw gap(group, from);
  const lastIndex = last.firstIndex + last.count - 1;
  const info = { group: id, formation, firstIndex: from, lastIndex, previousTerm };
  return { ...info, timeMs: timeOf(batches), bytes: encodePiece(info, batches, crc32) };
}

async function read(
  { log, crc32 }: ArchivedGroup,
  from: number,
  through: number,
): Promise<readonly LogBatch[] | undefined> {
  try {
    const batches = await log.read(from, PIECE_BYTES);
    return batches
      .filter(({ firstIndex }) => firstIndex <= through)
      .map((batch) =>
        sliceBatch(batch, batch.firstIndex, Math.min(through, batch.firstIndex + batch.count - 1), crc32),
      );
  } catch (error) {
    if (isClusterError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The last time that entries of these batches were stamped with. */
function timeOf(batches: readonly LogBatch[]): number | undefined {
  const times = batches.flatMap((batch) => decodeBatch(batch).flatMap(({ data }) => batchTime(data) ?? []));
  return times.at(-1);
}

function gap({ id, log }: ArchivedGroup, from: number): ClusterError {
  const message =
    `group ${id}: the log here begins with entry ${log.firstIndex}, and the archive goes on with ${from}: ` +
    'what lies between is gone, begin again with a new backup';
  return new ClusterError('NOT_FOUND', message);
}

function throwIfOver({ id, closing }: ArchivedGroup, signal: AbortSignal | undefined): void {
  throwIfAborted(signal, 'archive');
  if (closing.aborted) throw new ClusterError('CLOSED', `group ${id} is closed`);
}

/** Ends early with the signal. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, ms, { signal });
  } catch (error) {
    if (!isClusterError(error, 'ABORTED')) throw error;
  }
}

import { ClusterError, type Crc32, decodeBatch, encodeBatch, type LogBatch, type LogEntry } from '@quorate/core';
import { batchTime } from '../commands/command-batch.ts';
import { kindOf, typeOf } from '../wire/entry-kind.ts';
import { type ArchivedBatch, readArchive } from './archive-format.ts';
import type { BackupInfo } from './backup-format.ts';

/** Up to where a history goes: that entry, or what was committed by that time of the log (milliseconds), both included. */
export type HistoryEnd = { readonly index: number } | { readonly timeMs: number };

/** How far a history has come. */
export interface HistoryPoint {
  readonly index: number;
  readonly term: number;
  readonly timeMs: number;
}

const NOTHING = new Uint8Array();

/**
 * What an archive has behind a backup, as the log of a group with other members: of changes of the members only the places
 * in the log are left. Pieces may overlap, but no entry may be missing.
 */
export class ArchivedHistory {
  readonly #backup: BackupInfo;
  readonly #until: HistoryEnd | undefined;
  readonly #crc32: Crc32;
  #point: HistoryPoint;

  constructor(backup: BackupInfo, until: HistoryEnd | undefined, crc32: Crc32) {
    const { index, term, timeMs } = backup;
    this.#backup = backup;
    this.#until = until;
    this.#crc32 = crc32;
    this.#point = { index, term, timeMs };
  }

  /** The last entry that was read, or that the backup has. */
  get point(): HistoryPoint {
    return this.#point;
  }

  /**
   * The entries behind the backup, until the end that was asked for.
   * @throws ClusterError `NOT_FOUND` where entries are missing, in between or at the end; `REFUSED` for an archive of
   * another group or formation, or where the backup goes beyond that end; `CORRUPT`, `UNSUPPORTED`; what the chunks throw
   */
  async *read(archive: AsyncIterable<Uint8Array> | undefined): AsyncGenerator<LogBatch> {
    this.#checkStart();
    if (archive !== undefined) {
      for await (const archived of readArchive(archive, this.#crc32)) {
        if (this.#isReached) return;
        this.#check(archived);
        const entries = this.#take(decodeBatch(archived.batch));
        if (entries.length > 0) yield encodeBatch(entries, this.#crc32);
        if (this.#isEnd) return;
      }
    }
    this.#checkReached();
  }

  /** An entry was met that is beyond the end. */
  #isEnd = false;

  get #isReached(): boolean {
    return this.#until !== undefined && 'index' in this.#until && this.#point.index === this.#until.index;
  }

  #checkStart(): void {
    const { index, timeMs } = this.#point;
    const until = this.#until;
    if (until === undefined) return;
    if ('index' in until ? until.index >= index : until.timeMs >= timeMs) return;
    throw new ClusterError(
      'REFUSED',
      `the backup is of entry ${index}, time ${timeMs}, and goes beyond ${nameOf(until)}: take an earlier one`,
    );
  }

  #checkReached(): void {
    const until = this.#until;
    if (until === undefined || this.#isReached) return;
    const { index, timeMs } = this.#point;
    throw new ClusterError(
      'NOT_FOUND',
      `the archive ends with entry ${index}, time ${timeMs}, before ${nameOf(until)}`,
    );
  }

  #check({ piece, batch }: ArchivedBatch): void {
    const { group, formation } = this.#backup;
    if (piece.group !== group || piece.formation !== formation) {
      const message = `the archive is of group ${piece.group}, formation ${piece.formation}`;
      throw new ClusterError('REFUSED', `${message}; the backup of group ${group}, formation ${formation}`);
    }
    const { index, term } = this.#point;
    if (batch.firstIndex > index + 1) {
      throw new ClusterError('NOT_FOUND', `the archive lacks entries ${index + 1} to ${batch.firstIndex - 1}`);
    }
    if (piece.firstIndex === index + 1 && piece.previousTerm !== term) throw anotherHistory(index);
  }

  /** Of these entries, those that are to be in the log. */
  #take(entries: readonly LogEntry[]): readonly LogEntry[] {
    const taken: LogEntry[] = [];
    for (const entry of entries) {
      const { index, term, data, kind } = entry;
      if (index === this.#point.index && term !== this.#point.term) throw anotherHistory(index);
      if (index <= this.#point.index) continue;
      if (term < this.#point.term) throw anotherHistory(index);
      const timeMs = Math.max(this.#point.timeMs, batchTime(data) ?? 0);
      if (this.#isBeyond(timeMs)) {
        this.#isEnd = true;
        return taken;
      }
      taken.push(typeOf(kind) === 'normal' ? entry : { index, term, kind: kindOf('normal'), data: NOTHING });
      this.#point = { index, term, timeMs };
      if (this.#isReached) return taken;
    }
    return taken;
  }

  #isBeyond(timeMs: number): boolean {
    return this.#until !== undefined && 'timeMs' in this.#until && timeMs > this.#until.timeMs;
  }
}

function nameOf(until: HistoryEnd): string {
  return 'index' in until ? `entry ${until.index}` : `time ${until.timeMs}`;
}

function anotherHistory(index: number): ClusterError {
  return new ClusterError('CORRUPT', `the archive has another history at entry ${index} than what it is to follow on`);
}

import { type Logger, toClusterError } from '@quorate/core';
import type { CheckedLog } from './checked-log.ts';

export interface LogMendingParts {
  readonly log: CheckedLog;
  readonly logger: Logger;
  /** The last entry that the machine has applied. */
  readonly applied: () => number;
  /** Takes a snapshot of the machine, or waits for one that is being taken. */
  readonly takeSnapshot: () => Promise<unknown>;
  /** Has something committed, so that a newer snapshot than there is can be taken. */
  readonly advance: () => void;
}

/** A snapshot that is being taken may be of an earlier moment; the next one is not. */
const SNAPSHOTS = 2;

/**
 * Does without what was found damaged while the group runs, where the machine has all that was in it: a snapshot of the
 * machine takes its place. Nothing that this member has promised is lost so.
 */
export class LogMending {
  readonly #parts: LogMendingParts;
  #isRenewing = false;

  constructor(parts: LogMendingParts) {
    this.#parts = parts;
  }

  /**
   * An entry from this index on can't be read. Whether it isn't needed any more, as others then get a snapshot.
   */
  async mendEntries(from: number): Promise<boolean> {
    const { log, applied } = this.#parts;
    if (log.damage === undefined || applied() < from) return false;
    this.#warn();
    try {
      for (let taken = 0; taken < SNAPSHOTS && (log.snapshot?.index ?? 0) < from; taken += 1) {
        await this.#parts.takeSnapshot();
      }
      const { snapshot } = log;
      if (snapshot === undefined || snapshot.index < from) return false;
      await log.truncatePrefix(snapshot.index, snapshot.term);
    } catch (error) {
      this.#failed(error);
      return false;
    }
    log.mended();
    return true;
  }

  /** The snapshot could not be sent. Has another one made, if it was damaged. */
  snapshotUnsent(): void {
    if (this.#parts.log.damage !== undefined && !this.#isRenewing) void this.#renewSnapshot();
  }

  async #renewSnapshot(): Promise<void> {
    const { log, applied } = this.#parts;
    const damaged = log.snapshot?.index ?? 0;
    this.#isRenewing = true;
    this.#warn();
    try {
      if (applied() > damaged) await this.#parts.takeSnapshot();
      // The next attempt to send it comes here again.
      else this.#parts.advance();
    } catch (error) {
      this.#failed(error);
    }
    this.#isRenewing = false;
    if ((log.snapshot?.index ?? 0) > damaged) log.mended();
  }

  #warn(): void {
    const { log, logger } = this.#parts;
    logger.warn(
      `group ${log.id}: a snapshot is to take the place of what is damaged: ${log.damage?.message}`,
      log.damage,
    );
  }

  #failed(cause: unknown): void {
    const { log, logger } = this.#parts;
    const error = toClusterError(cause, 'IO', 'take a snapshot');
    logger.warn(`group ${log.id}: nothing could take the place of what is damaged: ${error.message}`, error);
  }
}

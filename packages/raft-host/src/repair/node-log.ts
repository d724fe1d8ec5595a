import {
  type ClusterError,
  isClusterError,
  type Logger,
  type LogStore,
  type Random,
  type RecordStore,
} from '@quorate/core';
import { CheckedLog } from './checked-log.ts';
import { type LossNote, readLossNote, refusePending, writeLossNote } from './loss-note.ts';

/** Random bytes in the name of a copy. */
const COPY_BYTES = 4;

/**
 * The log of this node, and what became of the one before, if that was damaged: then it was set aside, and all groups that
 * the new one doesn't know may have been in it. Why so: decision 13.
 */
export class NodeLog {
  readonly #store: LogStore;
  readonly #records: RecordStore;
  readonly #random: Random;
  readonly #logger: Logger;
  #note: LossNote | undefined;
  /** Of the store as it is now. */
  readonly #groups = new Map<number, CheckedLog>();

  constructor(parts: {
    readonly store: LogStore;
    readonly records: RecordStore;
    readonly random: Random;
    readonly logger: Logger;
  }) {
    this.#store = parts.store;
    this.#records = parts.records;
    this.#random = parts.random;
    this.#logger = parts.logger;
  }

  /** Why this node may have lost what is not in its log; undefined where it has not. */
  get loss(): string | undefined {
    return this.#note?.reason;
  }

  /** Whether a damaged log is given up for what the group has. */
  get mayRepair(): boolean {
    return this.#store.setAside !== undefined;
  }

  /** @throws ClusterError `CORRUPT` where a damaged log is to stay as it is; `IO` */
  async open(): Promise<void> {
    this.#note = await readLossNote(this.#records);
    if (this.#note?.isPending === true) {
      if (!this.mayRepair) refusePending(this.#note);
      await this.#carryOut(this.#note);
      return;
    }
    try {
      await this.#store.open();
    } catch (error) {
      if (!this.mayRepair || !isClusterError(error, 'CORRUPT')) throw error;
      await this.setAside(error);
    }
  }

  group(id: number): CheckedLog {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const made = new CheckedLog(this.#store.group(id));
    this.#groups.set(id, made);
    return made;
  }

  /** Whether this log was not set aside since it was handed out. */
  isCurrent(log: CheckedLog): boolean {
    return this.#groups.get(log.id) === log;
  }

  /** What this group has found damaged, and still needs. */
  damageIn(group: number): ClusterError | undefined {
    return this.#groups.get(group)?.damage;
  }

  /**
   * Gives the log up, with all groups in it. What was handed out of it is closed from now on.
   * @throws ClusterError `IO`, `CLOSED`: then it is gone on with when the node starts again
   */
  async setAside(damage: ClusterError): Promise<void> {
    const before = this.#note;
    const isUnfinished = before !== undefined && before.repaired.length === 0;
    const note: LossNote = {
      reason: damage.message,
      copy: isUnfinished ? before.copy : hex(this.#random.bytes(COPY_BYTES)),
      isPending: true,
      dropsLog: isUnfinished,
      repaired: [],
    };
    this.#logger.warn(`the log is damaged, and is set aside: ${note.reason}`, damage);
    await this.#write(note);
    await this.#carryOut(note);
  }

  /** The group has given this node a place again. */
  async repaired(group: number): Promise<void> {
    const note = this.#note;
    if (note === undefined || note.repaired.includes(group)) return;
    await this.#write({ ...note, repaired: [...note.repaired, group] });
  }

  async #carryOut(note: LossNote): Promise<void> {
    this.#groups.clear();
    await this.#store.setAside?.(note.dropsLog ? undefined : note.copy);
    this.#groups.clear();
    await this.#write({ ...note, isPending: false });
    this.#logger.warn(`the damaged log is kept as copy ${note.copy}; the groups of this node are to be repaired`);
  }

  async #write(note: LossNote): Promise<void> {
    this.#note = note;
    await writeLossNote(this.#records, note);
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

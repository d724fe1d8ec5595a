import { entriesBytes } from './entry-size.ts';
import { RaftError } from './raft-error.ts';
import type { RaftStorage } from './storage.ts';
import type { Entry, Message, Snapshot } from './types.ts';
import { UnstableLog } from './unstable-log.ts';

const NO_ENTRIES: readonly Entry[] = [];

/**
 * The whole log: what storage has, and the unstable end behind it. Knows how far it is committed and applied.
 *
 * Always `applied <= applying <= committed <= lastIndex`.
 */
export class RaftLog {
  readonly unstable: UnstableLog;
  readonly #storage: RaftStorage;
  /** How many bytes of entries may be handed out for applying and not be applied yet. */
  readonly #maxApplyingBytes: number;
  #applyingBytes = 0;
  /** Enough is being applied: nothing more is handed out until some of it is done. */
  #applyingPaused = false;
  /** What is to be applied next has to be loaded first. */
  #applyingAwaitsEntries = false;
  /** The highest index known to be durable on a quorum. */
  #committed: number;
  /** The highest index handed out for applying. */
  #applying: number;
  #applied: number;

  constructor(storage: RaftStorage, maxApplyingBytes: number) {
    this.#storage = storage;
    this.#maxApplyingBytes = maxApplyingBytes;
    this.unstable = new UnstableLog(storage.lastIndex() + 1);
    this.#committed = storage.firstIndex() - 1;
    this.#applying = this.#committed;
    this.#applied = this.#committed;
  }

  get committed(): number {
    return this.#committed;
  }

  get applying(): number {
    return this.#applying;
  }

  get applied(): number {
    return this.#applied;
  }

  get firstIndex(): number {
    return this.unstable.maybeFirstIndex() ?? this.#storage.firstIndex();
  }

  get lastIndex(): number {
    return this.unstable.maybeLastIndex() ?? this.#storage.lastIndex();
  }

  get lastTerm(): number {
    const term = this.term(this.lastIndex);
    if (term === undefined) throw new RaftError('LOG_BROKEN', `The term of the last entry, ${this.lastIndex}, is lost`);
    return term;
  }

  /** Undefined where the log has no entry, or no longer. */
  term(index: number): number | undefined {
    const term = this.unstable.maybeTerm(index);
    if (term !== undefined) return term;
    return index + 1 < this.firstIndex || index > this.lastIndex ? undefined : this.#storage.term(index);
  }

  matchesTerm(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends so is at least as far as this one: only then may its owner become leader. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const ownTerm = this.lastTerm;
    return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.lastIndex);
  }

  /** Appends at the end, replacing what stands there from the first entry's index on. */
  append(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    if (first.index <= this.#committed) {
      throw new RaftError(
        'LOG_BROKEN',
        `Entry ${first.index} would replace one before the commit index, ${this.#committed}`,
      );
    }
    this.unstable.truncateAndAppend(entries);
  }

  /** Takes over a leader's entries if they connect to this log: the index of the last one then, else undefined. */
  tryAppend(message: Message): number | undefined {
    if (!this.matchesTerm(message.index, message.logTerm)) return undefined;
    const last = message.index + message.entries.length;
    const conflict = this.#findConflict(message.entries);
    if (conflict === 0) this.append(message.entries);
    else if (conflict > 0) this.append(message.entries.slice(conflict));
    this.commitTo(Math.min(message.commit, last));
    return last;
  }

  /** The position in `entries` of the first one that is not in this log already, -1 if all are. */
  #findConflict(entries: readonly Entry[]): number {
    for (let i = 0; i < entries.length; i += 1) {
      const { index, term } = entries[i] as Entry;
      if (!this.matchesTerm(index, term)) return i;
    }
    return -1;
  }

  /**
   * The last index up to `index` whose term is at most `term`, and that term (0 if compacted): a follower's log that
   * has `term` at `index` cannot agree with this one behind it. So a leader skips a whole term of conflicts at once.
   */
  findConflictByTerm(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = index; at > 0; at -= 1) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  /** Never goes back. */
  commitTo(index: number): void {
    if (index <= this.#committed) return;
    if (index > this.lastIndex) {
      throw new RaftError(
        'LOG_BROKEN',
        `Entry ${index} is committed, but the log ends at ${this.lastIndex}: was it lost?`,
      );
    }
    this.#committed = index;
  }

  /** `bytes` of entries up to `index` have been applied. */
  appliedTo(index: number, bytes: number): void {
    if (index > this.#committed || index < this.#applied) {
      throw new RaftError(
        'MISUSE',
        `${index} cannot be applied: ${this.#applied} is, and ${this.#committed} is committed`,
      );
    }
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyingPaused = this.#applyingBytes >= this.#maxApplyingBytes;
  }

  /** The caller took `bytes` of `nextCommitted`, up to `index`. */
  acceptApplying(index: number, bytes: number, allowUnstable: boolean): void {
    this.#applying = index;
    this.#applyingBytes += bytes;
    // If not all fitted, the rest would not fit either; asking again and again would only cost.
    const cutShort = index < this.#maxAppliable(allowUnstable);
    this.#applyingPaused = this.#applyingBytes >= this.#maxApplyingBytes || cutShort;
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#applyingPaused || this.#applyingAwaitsEntries || this.unstable.hasSnapshot) return false;
    return this.#applying < this.#maxAppliable(allowUnstable);
  }

  /** What to apply next: nothing while it is not loaded. A snapshot comes before everything else. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    const lo = this.#applying + 1;
    const entries = this.slice(lo, this.#maxAppliable(allowUnstable) + 1, this.#maxApplyingBytes - this.#applyingBytes);
    if (entries === undefined) throw new RaftError('LOG_BROKEN', `Entry ${lo} is compacted but not applied`);
    this.#applyingAwaitsEntries = entries === 'later';
    return entries === 'later' ? NO_ENTRIES : entries;
  }

  /** What was not at hand may be so by now. */
  entriesLoaded(): void {
    this.#applyingAwaitsEntries = false;
  }

  /** An entry that is committed, but not durable here, is applied only where applying waits for the disk anyway. */
  #maxAppliable(allowUnstable: boolean): number {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }

  /** From `from` to the end, or as many as `slice` gives. */
  entriesFrom(from: number, maxBytes: number): readonly Entry[] | 'later' | undefined {
    return from > this.lastIndex ? NO_ENTRIES : this.slice(from, this.lastIndex + 1, maxBytes);
  }

  /**
   * From `lo` to before `hi`, or as many as fit and are at hand, at least one. Undefined if `lo` is compacted away, 'later'
   * if it has to be loaded.
   */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] | 'later' | undefined {
    if (lo < this.firstIndex) return undefined;
    if (hi > this.lastIndex + 1) throw new RaftError('MISUSE', `Entry ${hi - 1} is behind the end of the log`);
    if (lo >= hi) return NO_ENTRIES;
    const offset = this.unstable.offset;
    if (lo >= offset) return this.unstable.slice(lo, hi, maxBytes);
    const cut = Math.min(hi, offset);
    const stored = this.#storage.entries(lo, cut, maxBytes);
    if (stored === undefined || stored === 'later' || hi <= offset || stored.length < cut - lo) return stored;
    return this.#joinUnstable(stored, hi, maxBytes);
  }

  #joinUnstable(stored: readonly Entry[], hi: number, maxBytes: number): readonly Entry[] {
    const left = maxBytes - entriesBytes(stored);
    if (left <= 0) return stored;
    const rest = this.unstable.slice(this.unstable.offset, hi, left);
    return entriesBytes(rest) > left ? stored : [...stored, ...rest];
  }

  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Replaces the whole log by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.#applyingAwaitsEntries = false;
    this.#committed = snapshot.metadata.index;
    this.unstable.restore(snapshot);
  }
}

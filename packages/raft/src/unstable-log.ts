import { takeUpTo } from './entry-size.ts';
import { RaftError } from './raft-error.ts';
import type { Entry, Snapshot } from './types.ts';

/**
 * The end of the log that is not known to be durable: perhaps a snapshot, and the entries behind it. Each part is
 * first new, then in progress (handed to the caller for writing), then stable (durable, and forgotten here).
 */
export class UnstableLog {
  /** Received from the leader and not yet durable. */
  #snapshot: Snapshot | undefined;
  #snapshotInProgress = false;
  /** `#entries[i]` stands at `#offset + i`. */
  #entries: Entry[] = [];
  #offset: number;
  /** Entries before this index are in progress. At least `#offset`. */
  #offsetInProgress: number;

  constructor(offset: number) {
    this.#offset = offset;
    this.#offsetInProgress = offset;
  }

  /** Where the unstable entries begin, or would. */
  get offset(): number {
    return this.#offset;
  }

  get length(): number {
    return this.#entries.length;
  }

  get hasSnapshot(): boolean {
    return this.#snapshot !== undefined;
  }

  /** The first index that a log with this end can have, if that is settled here. */
  maybeFirstIndex(): number | undefined {
    return this.#snapshot === undefined ? undefined : this.#snapshot.metadata.index + 1;
  }

  maybeLastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.#offset + this.#entries.length - 1;
    return this.#snapshot?.metadata.index;
  }

  maybeTerm(index: number): number | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    const metadata = this.#snapshot?.metadata;
    return metadata?.index === index ? metadata.term : undefined;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** What is not yet handed out for writing. */
  nextSnapshot(): Snapshot | undefined {
    return this.#snapshotInProgress ? undefined : this.#snapshot;
  }

  get hasNextEntries(): boolean {
    return this.#offset + this.#entries.length > this.#offsetInProgress;
  }

  nextEntries(): readonly Entry[] {
    return this.hasNextEntries ? this.#entries.slice(this.#offsetInProgress - this.#offset) : [];
  }

  /** The caller has taken `nextSnapshot` and `nextEntries` and is writing them. */
  acceptInProgress(): void {
    this.#offsetInProgress = this.#offset + this.#entries.length;
    if (this.#snapshot !== undefined) this.#snapshotInProgress = true;
  }

  /**
   * Entries up to `index` are durable if the one there still has this `term`. If not, it was overwritten while its
   * write was under way, and the write of what took its place is what counts.
   */
  stableTo(index: number, term: number): void {
    if (index < this.#offset || this.maybeTerm(index) !== term) return;
    const count = index + 1 - this.#offset;
    if (count === this.#entries.length) this.#entries = [];
    else this.#entries.splice(0, count);
    this.#offset = index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.metadata.index !== index) return;
    this.#snapshot = undefined;
    this.#snapshotInProgress = false;
  }

  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.metadata.index + 1;
    this.#offsetInProgress = this.#offset;
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Appends `entries`, from their first index on replacing what is there, in progress or not. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index;
    if (from > this.#offset + this.#entries.length) {
      throw new RaftError('MISUSE', `Entry ${from} would leave a gap in the log`);
    }
    this.#entries.length = Math.max(0, from - this.#offset);
    this.#offset = Math.min(this.#offset, from);
    this.#offsetInProgress = Math.min(this.#offsetInProgress, from);
    for (const entry of entries) this.#entries.push(entry);
  }

  /** Entries from `lo` to before `hi`, both in range, as many as fit into `maxBytes` but at least one. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] {
    return takeUpTo(this.#entries, lo - this.#offset, hi - this.#offset, maxBytes);
  }
}

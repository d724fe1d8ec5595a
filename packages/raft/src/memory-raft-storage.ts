import { takeUpTo } from './entry-size.ts';
import { RaftError } from './raft-error.ts';
import type { RaftStorage } from './storage.ts';
import type { ConfState, Entry, HardState, Snapshot } from './types.ts';

export const EMPTY_CONF_STATE: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};
const EMPTY_SNAPSHOT: Snapshot = {
  metadata: { index: 0, term: 0, confState: EMPTY_CONF_STATE },
  data: new Uint8Array(),
};

/**
 * A log in memory: the reference for other storages, and what tests use. Forgets everything with the process. By `unload`
 * it behaves like a log on a disk, of which only the end can be read at once.
 */
export class MemoryRaftStorage implements RaftStorage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  /** Position and term of the entry before the first one; moves past the snapshot's never. */
  #base: { readonly index: number; readonly term: number } = { index: 0, term: 0 };
  #entries: Entry[] = [];
  /** Entries up to here are not at hand. */
  #unloadedTo = 0;

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  /** Term, vote and commit index, in place of those before. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  firstIndex(): number {
    return this.#base.index + 1;
  }

  lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.firstIndex()]?.term;
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | 'later' | undefined {
    if (lo < this.firstIndex()) return undefined;
    if (hi > this.lastIndex() + 1) throw new RaftError('MISUSE', `Entry ${hi - 1} is not in the log`);
    if (lo <= this.#unloadedTo) return 'later';
    const from = lo - this.firstIndex();
    return takeUpTo(this.#entries, from, hi - this.firstIndex(), maxBytes);
  }

  /** From now on reading entries up to `index` is answered by 'later'. */
  unload(index: number): void {
    this.#unloadedTo = index;
  }

  /** All entries can be read again; the node is to be told. */
  load(): void {
    this.#unloadedTo = 0;
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Appends `entries`, cutting off what is there from the first one's index on. Compacted ones are left out. */
  append(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    if (first.index > this.lastIndex() + 1) {
      throw new RaftError('MISUSE', `Entry ${first.index} would leave a gap after ${this.lastIndex()}`);
    }
    const known = Math.max(0, this.firstIndex() - first.index);
    if (known >= entries.length) return;
    this.#entries.length = Math.min(this.#entries.length, Math.max(0, first.index - this.firstIndex()));
    for (let i = known; i < entries.length; i += 1) this.#entries.push(entries[i] as Entry);
  }

  /** Forgets entries up to and including `index`, which must be in the log. */
  compact(index: number): void {
    if (index <= this.#base.index) return;
    const term = this.term(index);
    if (term === undefined) throw new RaftError('MISUSE', `Entry ${index} is not in the log`);
    this.#entries = this.#entries.slice(index - this.#base.index);
    this.#base = { index, term };
  }

  /** Notes the state machine's state at `index`, which must be in the log. The log stays as it is. */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    const term = this.term(index);
    if (term === undefined) throw new RaftError('MISUSE', `Entry ${index} is not in the log`);
    if (index < this.#snapshot.metadata.index) throw new RaftError('MISUSE', `A later snapshot than ${index} exists`);
    this.#snapshot = { metadata: { index, term, confState }, data };
    return this.#snapshot;
  }

  /** Replaces log and snapshot by one received from the leader. An older one than there is is left alone. */
  applySnapshot(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    if (index < this.#snapshot.metadata.index) return;
    this.#snapshot = snapshot;
    this.#base = { index, term };
    this.#entries = [];
  }
}

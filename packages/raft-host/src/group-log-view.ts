import type { GroupLog, SnapshotInfo } from '@quorate/core';
import type { ConfState, Entry, HardState, RaftStorage, Snapshot } from '@quorate/raft';
import type { EntryBatches } from './entry-batches.ts';
import { EntryCache, fitting } from './entry-cache.ts';
import { decodeSnapshotMembers } from './members.ts';

/** Bytes that are read from the log at once. */
const PAGE_BYTES: number = 1024 * 1024;
/** Pages of old entries that are kept: for followers that lag, each at a place of its own. */
const MAX_PAGES = 4;

const NO_MEMBERS: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** Old entries, read from the log, from `first` on. */
interface Page {
  readonly first: number;
  readonly entries: readonly Entry[];
}

/** Whom the view tells of what it has read. */
export interface LogReader {
  /** Entries that the core was put off with have come. */
  entriesLoaded(): void;
  /** Entries from there on can't be read. Resolves when they are gone, or the group is over. */
  unreadable(error: unknown, from: number): Promise<void>;
}

/**
 * A group's log as the core reads it: at once. The newest entries are in memory; older ones are read when they are asked
 * for, and the core is told to ask again.
 */
export class GroupLogView implements RaftStorage {
  readonly #log: GroupLog;
  readonly #batches: EntryBatches;
  readonly #cache: EntryCache;
  readonly #reader: LogReader;
  #hardState: HardState;
  /** The oldest first. */
  #pages: Page[] = [];
  /** Where a page is being read from, and where entries that are appended meanwhile begin: what is read from there on may be replaced. */
  #loading: Map<number, number> | undefined;
  /** What the newest snapshot holds, once it was asked for. */
  #snapshot: { readonly info: SnapshotInfo; readonly snapshot: Snapshot } | undefined;

  constructor(
    log: GroupLog,
    options: {
      readonly batches: EntryBatches;
      readonly hardState: HardState;
      readonly cacheBytes: number;
      readonly reader: LogReader;
    },
  ) {
    this.#log = log;
    this.#batches = options.batches;
    this.#hardState = options.hardState;
    this.#cache = new EntryCache(options.cacheBytes);
    this.#reader = options.reader;
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.snapshot()?.metadata.confState ?? NO_MEMBERS };
  }

  /** This is durable now. */
  persisted(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** These are being written; until that is done, the core has them itself. */
  appending(entries: readonly Entry[]): void {
    this.#cache.put(entries);
    const [first] = entries;
    if (first === undefined) return;
    for (const [lo, end] of this.#loading ?? []) this.#loading?.set(lo, Math.min(end, first.index));
    const isReplaced = ({ first: from, entries: { length } }: Page) => from + length > first.index;
    if (this.#pages.some(isReplaced)) this.#pages = this.#pages.filter((page) => !isReplaced(page));
  }

  /** Nobody needs the newest entries soon. */
  release(): void {
    this.#cache.clear();
    this.#pages = [];
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | 'later' | undefined {
    if (lo < this.#log.firstIndex) return undefined;
    const cached = this.#cache.slice(lo, hi, maxBytes) ?? this.#fromPages(lo, hi, maxBytes);
    if (cached !== undefined) return cached;
    if (this.#loading?.has(lo) !== true) void this.#load(lo);
    return 'later';
  }

  term(index: number): number | undefined {
    return this.#log.term(index);
  }

  firstIndex(): number {
    return this.#log.firstIndex;
  }

  lastIndex(): number {
    return this.#log.lastIndex;
  }

  snapshot(): Snapshot | undefined {
    const info = this.#log.snapshot;
    if (info === undefined) return undefined;
    if (this.#snapshot?.info !== info) this.#snapshot = { info, snapshot: readSnapshot(info) };
    return this.#snapshot.snapshot;
  }

  #fromPages(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    const page = this.#pages.find(({ first, entries }) => lo >= first && lo < first + entries.length);
    if (page === undefined) return undefined;
    const from = lo - page.first;
    const to = Math.min(hi - page.first, page.entries.length);
    const entries = page.entries.slice(from, fitting(page.entries, from, to, maxBytes));
    const last = entries.at(-1);
    if (last === undefined || this.#log.term(last.index) === last.term) return entries;
    // It was read while what replaces its end was still on its way to the disk.
    this.#pages = this.#pages.filter((other) => other !== page);
    return undefined;
  }

  async #load(lo: number): Promise<void> {
    const loading = (this.#loading ??= new Map());
    loading.set(lo, Infinity);
    try {
      const entries = this.#batches.entriesOf(await this.#log.read(lo, PAGE_BYTES));
      const end = loading.get(lo) ?? lo;
      this.#keep({ first: lo, entries: entries.filter(({ index }) => index < end) });
    } catch (error) {
      // Cut off meanwhile: the core will see that it is gone.
      if (lo >= this.#log.firstIndex) await this.#reader.unreadable(error, lo);
    } finally {
      loading.delete(lo);
      if (loading.size === 0) this.#loading = undefined;
    }
    this.#reader.entriesLoaded();
  }

  #keep(page: Page): void {
    if (page.entries.length === 0) return;
    this.#pages.push(page);
    if (this.#pages.length > MAX_PAGES) this.#pages.shift();
  }
}

/** A snapshot as the core knows it: where it stands and who is a member; the content stays where it is. */
function readSnapshot({ index, term, metadata }: SnapshotInfo): Snapshot {
  const { confState } = decodeSnapshotMembers(metadata);
  return { metadata: { index, term, confState }, data: metadata };
}

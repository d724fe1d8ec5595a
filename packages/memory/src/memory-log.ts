import {
  type Clock,
  ClusterError,
  decodeBatch,
  encodeBatch,
  ENTRY_HEADER_BYTES,
  type GroupLog,
  type LogAppendOptions,
  type LogBatch,
  type LogEntry,
  type LogStore,
  MAX_APPEND_BYTES,
  MAX_SNAPSHOT_METADATA_BYTES,
  MAX_STATE_BYTES,
  type SnapshotAbout,
  type SnapshotInfo,
} from '@quorate/core';

/** What one group has, on its disk. */
interface GroupContent {
  baseIndex: number;
  baseTerm: number;
  /** From `baseIndex` + 1 on. */
  entries: LogEntry[];
  commit: number;
  state: Uint8Array | undefined;
  snapshot: { readonly info: SnapshotInfo; readonly content: Uint8Array } | undefined;
}

/** The logs of all groups, as they outlive a node. */
export type LogContents = Map<number, GroupContent>;

/** What a log needs of the storage that it is part of. */
export interface LogOwner {
  readonly clock: Clock;
  /** @throws ClusterError `CLOSED` unless the storage is open, `LOCKED` when another has taken its disk */
  check(): void;
}

/** Logs in memory. */
export class MemoryLog implements LogStore {
  readonly contents: LogContents;
  readonly owner: LogOwner;
  readonly #groups = new Map<number, GroupLog>();
  #isOpen = false;

  constructor(contents: LogContents, owner: LogOwner) {
    this.contents = contents;
    this.owner = owner;
  }

  async open(): Promise<void> {
    this.owner.check();
    if (this.#isOpen) throw new ClusterError('INVALID_OPTIONS', 'the log was opened twice');
    this.#isOpen = true;
  }

  groups(): readonly number[] {
    this.check();
    return [...this.contents.keys()].sort((a, b) => a - b);
  }

  group(id: number): GroupLog {
    this.check();
    if (!Number.isInteger(id) || id < 0 || id >= 2 ** 32) {
      throw new ClusterError('INVALID_OPTIONS', `a group cannot have the id ${id}`);
    }
    const group = this.#groups.get(id) ?? new MemoryGroupLog(id, this);
    this.#groups.set(id, group);
    return group;
  }

  check(): void {
    this.owner.check();
    if (!this.#isOpen) throw new ClusterError('CLOSED', 'the log is not open');
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    return Promise.resolve();
  }
}

class MemoryGroupLog implements GroupLog {
  readonly id: number;
  readonly #log: MemoryLog;

  constructor(id: number, log: MemoryLog) {
    this.id = id;
    this.#log = log;
  }

  get firstIndex(): number {
    return this.#content.baseIndex + 1;
  }

  get lastIndex(): number {
    const { baseIndex, entries } = this.#content;
    return baseIndex + entries.length;
  }

  get commit(): number {
    return this.#content.commit;
  }

  get state(): Uint8Array | undefined {
    return this.#content.state;
  }

  get snapshot(): SnapshotInfo | undefined {
    return this.#content.snapshot?.info;
  }

  term(index: number): number | undefined {
    const { baseIndex, baseTerm, entries } = this.#content;
    return index === baseIndex ? baseTerm : entries[index - baseIndex - 1]?.term;
  }

  async append(batches: readonly LogBatch[], { state, commit }: LogAppendOptions = {}): Promise<void> {
    let bytes = 0;
    for (const batch of batches) bytes += batch.bytes.length;
    refuseMore('an append', bytes, MAX_APPEND_BYTES);
    refuseMore('a state', state?.length ?? 0, MAX_STATE_BYTES);
    const own = state?.slice();
    return this.#turn(() => {
      this.#checkBatches(batches);
      const content = this.#use();
      for (const batch of batches) {
        content.entries.length = batch.firstIndex - content.baseIndex - 1;
        content.entries.push(...decodeBatch(batch));
      }
      if (commit !== undefined) content.commit = commit;
      if (own !== undefined) content.state = own;
    });
  }

  async read(from: number, maxBytes: number): Promise<readonly LogBatch[]> {
    this.#log.check();
    if (from < this.firstIndex) {
      throw new ClusterError('NOT_FOUND', `log of group ${this.id}: ${from} is before ${this.firstIndex}`);
    }
    const batches: LogEntry[][] = [];
    let bytes = 0;
    for (const entry of this.#content.entries.slice(from - this.firstIndex)) {
      bytes += ENTRY_HEADER_BYTES + entry.data.length;
      const last = batches.at(-1);
      if (last !== undefined && bytes > maxBytes) break;
      if (last?.[0]?.term === entry.term) last.push(entry);
      else batches.push([entry]);
    }
    return batches.map((entries) => encodeBatch(entries));
  }

  truncatePrefix(index: number, term: number): Promise<void> {
    return this.#turn(() => {
      const content = this.#use();
      if (index <= content.baseIndex) return;
      const keeps = this.term(index) === term;
      content.entries = keeps ? content.entries.slice(index - content.baseIndex) : [];
      content.baseIndex = index;
      content.baseTerm = term;
    });
  }

  async saveSnapshot(about: SnapshotAbout, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    this.#log.check();
    const { index, term } = about;
    refuseMore('metadata', about.metadata.length, MAX_SNAPSHOT_METADATA_BYTES);
    this.#checkNewer(index);
    const metadata = about.metadata.slice();
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk.slice());
    const content = joined(parts);
    const info = { index, term, metadata, size: content.length };
    await this.#turn(() => {
      this.#checkNewer(index);
      this.#use().snapshot = { info, content };
    });
    return info;
  }

  async readSnapshot({ index, term }: SnapshotInfo, offset: number, maxBytes: number): Promise<Uint8Array> {
    this.#log.check();
    const { snapshot } = this.#content;
    if (snapshot?.info.index !== index || snapshot.info.term !== term) {
      throw new ClusterError('NOT_FOUND', `group ${this.id}: snapshot ${index} is not there any more`);
    }
    return snapshot.content.slice(offset, offset + maxBytes);
  }

  remove(): Promise<void> {
    return this.#turn(() => void this.#log.contents.delete(this.id));
  }

  get #content(): GroupContent {
    return this.#log.contents.get(this.id) ?? newContent();
  }

  #use(): GroupContent {
    const content = this.#content;
    this.#log.contents.set(this.id, content);
    return content;
  }

  #checkBatches(batches: readonly LogBatch[]): void {
    let { lastIndex } = this;
    for (const { firstIndex, count } of batches) {
      if (firstIndex < this.firstIndex || firstIndex > lastIndex + 1) {
        const has = `entries ${this.firstIndex} to ${lastIndex}`;
        throw new ClusterError('INVALID_OPTIONS', `log of group ${this.id}: ${firstIndex} can't follow ${has}`, {
          outcome: 'not-applied',
        });
      }
      lastIndex = firstIndex + count - 1;
    }
  }

  #checkNewer(index: number): void {
    const newest = this.snapshot?.index ?? 0;
    if (Number.isSafeInteger(index) && index > newest) return;
    throw new ClusterError('INVALID_OPTIONS', `group ${this.id}: snapshot ${index} is not newer than ${newest}`);
  }

  /** Acts in a later turn, as a disk would: what dies before has not written. */
  #turn(act: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#log.check();
      this.#log.owner.clock.defer(() => {
        try {
          this.#log.check();
          act();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}

function newContent(): GroupContent {
  return { baseIndex: 0, baseTerm: 0, entries: [], commit: 0, state: undefined, snapshot: undefined };
}

function refuseMore(what: string, bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new ClusterError('OVERLOADED', `${what} of ${bytes} bytes: at most ${limit} are taken at once`, {
    outcome: 'not-applied',
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

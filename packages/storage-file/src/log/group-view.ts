import { BatchIndex, type IndexedBatch, type LiveBytes } from './batch-index.ts';
import type { LogRecord } from './log-record.ts';

/** What is durable of one group, as the records of the log tell it one after the other. */
export class GroupView {
  readonly id: number;
  readonly index: BatchIndex;
  /** The entry before the first. */
  baseIndex = 0;
  baseTerm = 0;
  commit = 0;
  state: Uint8Array | undefined;
  /** Whether the log says anything of it. */
  exists = false;

  constructor(id: number, live: LiveBytes) {
    this.id = id;
    this.index = new BatchIndex(live);
  }

  get lastIndex(): number {
    return this.index.lastIndex ?? this.baseIndex;
  }

  term(index: number): number | undefined {
    if (index === this.baseIndex) return this.baseTerm;
    if (index < this.baseIndex || index > this.lastIndex) return undefined;
    return this.index.termAt(this.index.find(index));
  }

  /** @param offset where the batch of the record lies, for those that have one */
  apply(record: LogRecord, segment: number, offset: number): void {
    this.exists = true;
    switch (record.kind) {
      case 'entries':
        this.index.append(placed(record, segment, offset));
        break;
      case 'moved':
        this.index.move(placed(record, segment, offset));
        break;
      case 'state':
        this.state = record.state;
        break;
      case 'commit':
        this.commit = record.commit;
        break;
      case 'base':
        if (record.dropsAll) this.index.clear();
        else this.index.dropThrough(record.index);
        this.baseIndex = record.index;
        this.baseTerm = record.term;
        break;
      case 'removed':
        this.#clear();
        break;
    }
  }

  /** All but the entries: what a segment begins with, so that those before it can go. */
  checkpoint(): readonly LogRecord[] {
    const { id: group, baseIndex: index, baseTerm: term, commit, state } = this;
    const records: LogRecord[] = [{ kind: 'base', group, index, term, dropsAll: false }];
    if (commit > 0) records.push({ kind: 'commit', group, commit });
    if (state !== undefined) records.push({ kind: 'state', group, state });
    return records;
  }

  /** The first index of which neither a batch nor the base tells, below the last; undefined when there is none. */
  firstGap(): number | undefined {
    let next = this.baseIndex + 1;
    for (let slot = 0; slot < this.index.size; slot += 1) {
      if (this.index.firstIndexAt(slot) > next) return next;
      next = this.index.lastIndexAt(slot) + 1;
    }
    return undefined;
  }

  #clear(): void {
    this.index.clear();
    this.baseIndex = 0;
    this.baseTerm = 0;
    this.commit = 0;
    this.state = undefined;
    this.exists = false;
  }
}

function placed(record: Extract<LogRecord, { kind: 'entries' | 'moved' }>, segment: number, offset: number) {
  const { firstIndex, term, count, length, checksum } = record;
  return { firstIndex, term, count, length, checksum, segment, offset } satisfies IndexedBatch;
}

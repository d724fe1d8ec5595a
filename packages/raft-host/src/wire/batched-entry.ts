import { BATCH_HEADER_BYTES, ENTRY_HEADROOM, type LogBatch } from '@quorate/core';
import type { Entry, EntryType } from '@quorate/raft';
import { typeOf } from './entry-kind.ts';

/** An entry that came in a batch of its own, from a peer or the disk, and keeps it: to be passed on as it is. */
export class BatchedEntry implements Entry {
  readonly index: number;
  readonly term: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
  readonly #batch: LogBatch;

  /** @param batch of one entry */
  constructor(batch: LogBatch) {
    const { firstIndex, term, bytes } = batch;
    this.index = firstIndex;
    this.term = term;
    this.type = typeOf(bytes[BATCH_HEADER_BYTES] ?? 0);
    this.data = bytes.subarray(ENTRY_HEADROOM);
    this.#batch = batch;
  }

  /** The batch that an entry came in; undefined for one that was made here. */
  static batchOf(entry: Entry): LogBatch | undefined {
    return #batch in entry ? entry.#batch : undefined;
  }
}

import { BATCH_HEADER_BYTES, ENTRY_HEADROOM, type LogBatch } from '@quorate/core';
import type { Entry, EntryType } from '@quorate/raft';
import { typeOf } from './entry-kind.ts';

/** An entry that knows the batch which it alone is in: as it was made here, or came from a peer or the disk. */
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

  /** The batch that an entry is in; undefined for one that knows none. */
  static batchOf(entry: Entry): LogBatch | undefined {
    return #batch in entry ? entry.#batch : undefined;
  }
}

import { type Crc32, decodeBatch, encodeBatch, ENTRY_HEADROOM, type LogBatch, sealBatch } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { BatchedEntry } from './wire/batched-entry.ts';
import { kindOf, typeOf } from './wire/entry-kind.ts';

/**
 * The one encoding of each entry: a `LogBatch` of one, for the disk and for every peer. It is made once, by the proposer,
 * and goes with the entry from there.
 */
export class EntryBatches {
  readonly #crc32: Crc32;
  /** Data that is being proposed, in front of which, in its buffer, `ENTRY_HEADROOM` bytes are free. */
  #withHeadroom: Uint8Array | undefined;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /** In front of this data, which is proposed next, `ENTRY_HEADROOM` bytes of its buffer are free. */
  hasHeadroom(data: Uint8Array): void {
    this.#withHeadroom = data;
  }

  /** The entry, with the batch that it is in: an entry of this node's, which has its place now. */
  readonly make = (entry: Entry): Entry => new BatchedEntry(this.#encode(entry));

  readonly of = (entry: Entry): LogBatch => BatchedEntry.batchOf(entry) ?? this.#encode(entry);

  /** Entries of batches that were read from the log. */
  entriesOf(batches: readonly LogBatch[]): Entry[] {
    return batches.flatMap((batch): Entry[] => {
      if (batch.count === 1) return [new BatchedEntry(batch)];
      return decodeBatch(batch).map(({ index, term, kind, data }) => ({ index, term, type: typeOf(kind), data }));
    });
  }

  #encode({ index, term, type, data }: Entry): LogBatch {
    const kind = kindOf(type);
    if (data !== this.#withHeadroom) return encodeBatch([{ index, term, kind, data }], this.#crc32);
    // Its bytes are those of this entry from now on.
    this.#withHeadroom = undefined;
    const bytes = new Uint8Array(data.buffer, data.byteOffset - ENTRY_HEADROOM, data.length + ENTRY_HEADROOM);
    return sealBatch(bytes, { index, term, kind }, this.#crc32);
  }
}

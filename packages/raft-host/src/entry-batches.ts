import { type Crc32, decodeBatch, encodeBatch, ENTRY_HEADROOM, type LogBatch, sealBatch } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { BatchedEntry } from './wire/batched-entry.ts';
import { kindOf, typeOf } from './wire/entry-kind.ts';

/** In front of this data, in its buffer, `ENTRY_HEADROOM` bytes are free. */
const HEADROOM = 'headroom';

/**
 * The one encoding of each entry: a `LogBatch` of one, for the disk and for every peer. It is made once, by the proposer;
 * whoever was sent the entry has it from there.
 */
export class EntryBatches {
  readonly #crc32: Crc32;
  /** What was made of entries of this node, by the data that it is around. */
  readonly #made = new WeakMap<Uint8Array, LogBatch | typeof HEADROOM>();

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /** This data is to be proposed, and in front of it, in its buffer, `ENTRY_HEADROOM` bytes are free. */
  hasHeadroom(data: Uint8Array): void {
    this.#made.set(data, HEADROOM);
  }

  readonly of = (entry: Entry): LogBatch => BatchedEntry.batchOf(entry) ?? this.#ofOwn(entry);

  /** Entries of batches that were read from the log. */
  entriesOf(batches: readonly LogBatch[]): Entry[] {
    return batches.flatMap((batch): Entry[] => {
      if (batch.count === 1) return [new BatchedEntry(batch)];
      return decodeBatch(batch).map(({ index, term, kind, data }) => ({ index, term, type: typeOf(kind), data }));
    });
  }

  #ofOwn(entry: Entry): LogBatch {
    const known = this.#made.get(entry.data);
    // The same bytes may be proposed again, or stand in an entry that another has replaced.
    const isKnown = known !== undefined && known !== HEADROOM;
    if (isKnown && known.firstIndex === entry.index && known.term === entry.term) return known;
    const batch = this.#make(entry, known === HEADROOM);
    this.#made.set(entry.data, batch);
    return batch;
  }

  #make({ index, term, type, data }: Entry, hasHeadroom: boolean): LogBatch {
    const kind = kindOf(type);
    if (!hasHeadroom) return encodeBatch([{ index, term, kind, data }], this.#crc32);
    const bytes = new Uint8Array(data.buffer, data.byteOffset - ENTRY_HEADROOM, data.length + ENTRY_HEADROOM);
    return sealBatch(bytes, { index, term, kind }, this.#crc32);
  }
}

import { type Crc32, decodeBatch, encodeBatch, ENTRY_HEADROOM, type LogBatch, sealBatch } from '@quorate/core';
import type { Entry } from '@quorate/raft';
import { kindOf, typeOf } from './wire/entry-kind.ts';

/**
 * The one encoding of each entry: a `LogBatch` of one, for the disk and for every peer. It is made once, by the proposer,
 * and looked up by the data that it is around.
 */
export class EntryBatches {
  readonly #crc32: Crc32;
  readonly #batches = new WeakMap<Uint8Array, LogBatch>();
  /** Data proposed here, in front of which there is room for the head of a batch. */
  readonly #withHeadroom = new WeakSet<Uint8Array>();

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /** In front of this data, in its buffer, `ENTRY_HEADROOM` bytes are free. */
  hasHeadroom(data: Uint8Array): void {
    this.#withHeadroom.add(data);
  }

  /** These are the bytes that an entry came in. */
  remember(entry: Entry, batch: LogBatch): void {
    this.#batches.set(entry.data, batch);
  }

  readonly of = (entry: Entry): LogBatch => {
    const known = this.#batches.get(entry.data);
    // The same bytes may be proposed again, or stand in an entry that another has replaced.
    if (known?.firstIndex === entry.index && known.term === entry.term) return known;
    const batch = this.#make(entry);
    this.#batches.set(entry.data, batch);
    return batch;
  };

  /** Entries of batches that were read from the log. */
  entriesOf(batches: readonly LogBatch[]): Entry[] {
    return batches.flatMap((batch) =>
      decodeBatch(batch).map(({ index, term, kind, data }) => {
        const entry: Entry = { index, term, type: typeOf(kind), data };
        if (batch.count === 1) this.remember(entry, batch);
        return entry;
      }),
    );
  }

  #make({ index, term, type, data }: Entry): LogBatch {
    const kind = kindOf(type);
    if (!this.#withHeadroom.delete(data)) return encodeBatch([{ index, term, kind, data }], this.#crc32);
    const bytes = new Uint8Array(data.buffer, data.byteOffset - ENTRY_HEADROOM, data.length + ENTRY_HEADROOM);
    return sealBatch(bytes, { index, term, kind }, this.#crc32);
  }
}

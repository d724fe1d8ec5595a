import type { IndexedBatch } from './batch-index.ts';
import type { Segments } from './segments.ts';

/** What lies between two batches, heads of frames and batches of other groups, is read along up to here. */
const MAX_GAP_BYTES: number = 16 * 1024;
/** Read with one call. */
const MAX_PIECE_BYTES: number = 1024 * 1024;

/** Bytes of one file that are read together. */
interface Piece {
  readonly segment: number;
  readonly offset: number;
  end: number;
  bytes: Uint8Array;
}

/** Batches that are about to be read, got with few calls: a call for each small one takes longer than its bytes. */
export class ReadAhead {
  readonly #pieces: Piece[] = [];

  /** @param places in the order of the log */
  constructor(places: Iterable<IndexedBatch>) {
    for (const { segment, offset, length } of places) {
      const last = this.#pieces.at(-1);
      const end = offset + length;
      const isNear = last?.segment === segment && offset >= last.end && offset - last.end <= MAX_GAP_BYTES;
      if (last !== undefined && isNear && end - last.offset <= MAX_PIECE_BYTES) last.end = end;
      else this.#pieces.push({ segment, offset, end, bytes: new Uint8Array(0) });
    }
  }

  /** Reads what is still there. */
  async run(segments: Segments): Promise<void> {
    for (const piece of this.#pieces) {
      const segment = segments.find(piece.segment);
      if (segment === undefined) continue;
      const bytes = new Uint8Array(piece.end - piece.offset);
      segment.reads += 1;
      try {
        await segment.file.read(bytes, piece.offset);
      } finally {
        segment.reads -= 1;
      }
      piece.bytes = bytes;
    }
  }

  /** The bytes of a batch that was among the places, if they were read. */
  get({ segment, offset, length }: IndexedBatch): Uint8Array | undefined {
    for (const piece of this.#pieces) {
      const at = offset - piece.offset;
      if (piece.segment === segment && at >= 0 && at + length <= piece.bytes.length) {
        return piece.bytes.subarray(at, at + length);
      }
    }
    return undefined;
  }
}

import { ShardedMap } from './sharded-map.ts';

const CHUNK_IDS = 512;

/** Ids in the order of acceptance. Only added to, so that who looks at its beginning needs no copy. */
export class IdChunk {
  readonly ids: string[] = [];
  readonly sequences: number[] = [];
  readonly times: number[] = [];
}

/** Some of the ids, as they were. */
export interface CapturedIds {
  readonly chunks: readonly IdChunk[];
  /** In the first chunk. */
  readonly from: number;
  /** In the last chunk: not this one. */
  readonly to: number;
}

/** The ids of one queue's messages, each for a while, so that none is accepted twice. */
export class RememberedIds {
  readonly #forMs: number;
  #chunks: IdChunk[] = [];
  /** Of the first chunk: how many are forgotten. */
  #from = 0;
  /** Where an id is, counted from the first that was ever remembered. */
  readonly #ordinals = new ShardedMap<number>();
  #first = 0;
  #size = 0;

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  get size(): number {
    return this.#size;
  }

  /** When the first is to be forgotten. */
  get due(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#chunks[0]?.times[this.#from] ?? 0) + this.#forMs;
  }

  /** Of the message that was accepted under this id not too long ago. */
  sequenceOf(id: string, now: number): number | undefined {
    if (this.#forMs === 0) return undefined;
    const ordinal = this.#ordinals.get(id);
    if (ordinal === undefined) return undefined;
    const offset = ordinal - this.#first + this.#from;
    const chunk = this.#chunks[Math.floor(offset / CHUNK_IDS)];
    const at = offset % CHUNK_IDS;
    const isOver = now >= (chunk?.times[at] ?? 0) + this.#forMs;
    return isOver ? undefined : chunk?.sequences[at];
  }

  /** @returns how many more are remembered */
  add(id: string, sequence: number, time: number): number {
    if (this.#forMs === 0) return 0;
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.ids.length === CHUNK_IDS) {
      chunk = new IdChunk();
      this.#chunks.push(chunk);
    }
    chunk.ids.push(id);
    chunk.sequences.push(sequence);
    chunk.times.push(time);
    this.#ordinals.set(id, this.#first + this.#size);
    this.#size += 1;
    return 1;
  }

  forgetFirst(): void {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return;
    const id = chunk.ids[this.#from] ?? '';
    // It may have been accepted again, since nobody came to forget it in time.
    if (this.#ordinals.get(id) === this.#first) this.#ordinals.delete(id);
    this.#first += 1;
    this.#size -= 1;
    this.#from += 1;
    if (this.#size > 0 && this.#from < CHUNK_IDS) return;
    this.#chunks.shift();
    this.#from = 0;
  }

  capture(): CapturedIds {
    return { chunks: [...this.#chunks], from: this.#from, to: this.#chunks.at(-1)?.ids.length ?? 0 };
  }
}

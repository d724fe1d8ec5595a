interface Inflight {
  readonly index: number;
  readonly bytes: number;
}

/**
 * The append messages sent to a follower and not yet acknowledged, oldest first: a window bounded in messages
 * and in bytes. Each is known by the index of its last entry, since an acknowledgement of an index covers all
 * messages up to it. The window may overshoot its bytes by one message: a large entry must pass somehow.
 */
export class Inflights {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  /** Those before `#first` are acknowledged, and dropped when half of the array is of that kind. */
  #window: Inflight[] = [];
  #first = 0;
  #bytes = 0;

  /** @param maxBytes `Infinity` for no bound. */
  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#window.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more may be sent until something is acknowledged. */
  get full(): boolean {
    return this.count >= this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  /** Notes a message whose last entry is at `index`; indices don't decrease. Throws if the window is full. */
  add(index: number, bytes: number): void {
    if (this.full) throw new Error('a message was added to a full window');
    this.#window.push({ index, bytes });
    this.#bytes += bytes;
  }

  /** Takes out all messages whose entries end at or before `index`. */
  acknowledge(index: number): void {
    for (let oldest = this.#window[this.#first]; oldest && oldest.index <= index; oldest = this.#window[this.#first]) {
      this.#bytes -= oldest.bytes;
      this.#first += 1;
    }
    if (this.#first * 2 >= this.#window.length) this.#dropAcknowledged();
  }

  clear(): void {
    this.#window = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  #dropAcknowledged(): void {
    if (this.#first === 0) return;
    this.#window.splice(0, this.#first);
    this.#first = 0;
  }
}

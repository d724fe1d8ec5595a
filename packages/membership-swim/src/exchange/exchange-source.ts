import type { ExchangeItem } from './exchange-codec.ts';

/** What a node tells of itself in one exchange: what it knew when that began, in parts. */
export class ExchangeSource {
  readonly #items: Iterator<ExchangeItem>;
  readonly #partBytes: number;
  /** The first that didn't fit any more. */
  #ahead: ExchangeItem | undefined;
  #isDone = false;

  constructor(items: Iterable<ExchangeItem>, partBytes: number) {
    this.#items = items[Symbol.iterator]();
    this.#partBytes = partBytes;
    this.#advance();
  }

  /** Nothing is left. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The next items, of about as many bytes as a part is to have. */
  next(): readonly ExchangeItem[] {
    const items: ExchangeItem[] = [];
    let bytes = 0;
    while (this.#ahead !== undefined && (bytes === 0 || bytes + this.#ahead.bytes.length <= this.#partBytes)) {
      bytes += this.#ahead.bytes.length + 1;
      items.push(this.#ahead);
      this.#advance();
    }
    return items;
  }

  #advance(): void {
    const { done, value } = this.#items.next();
    this.#ahead = done === true ? undefined : value;
    this.#isDone = done === true;
  }
}

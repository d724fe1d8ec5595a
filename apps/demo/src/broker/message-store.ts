import type { Message } from './message.ts';

const PAGE_MESSAGES = 64;

/** Messages of neighbouring sequences. */
class Page {
  readonly number: number;
  readonly slots: (Message | undefined)[] = Array.from({ length: PAGE_MESSAGES });
  live = 0;
  /** Of the store, when it was last made sure that no capture misses what is here. */
  epoch: number;

  constructor(number: number, epoch: number) {
    this.number = number;
    this.epoch = epoch;
  }
}

/** A message as it was when it was captured. */
export interface CapturedMessage {
  readonly message: Message;
  readonly state: Message['state'];
  readonly attempt: number;
  readonly due: number;
}

/** All messages as they were at one moment, in the order of their sequences. */
export interface CapturedMessages {
  /** Those of one page after the other: read once. */
  pages(): Generator<readonly CapturedMessage[]>;
  release(): void;
}

/**
 * All messages by their sequences. To capture it costs a list of its pages: a page is copied when it is first changed
 * after that, unless the capture's reader was there before.
 */
export class MessageStore {
  readonly #pages = new Map<number, Page>();
  readonly #captures = new Set<Capture>();
  /** Grows with each capture. */
  #epoch = 0;
  #last: Page | undefined = undefined;
  #size = 0;

  /** Those included that were purged and are not yet swept. */
  get size(): number {
    return this.#size;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get(sequence: number): Message | undefined {
    return this.#pages.get(Math.floor(sequence / PAGE_MESSAGES))?.slots[sequence % PAGE_MESSAGES];
  }

  /** Sequences only grow. */
  add(message: Message): void {
    const page = this.#pageOf(message.sequence);
    this.#touch(page);
    page.slots[message.sequence % PAGE_MESSAGES] = message;
    page.live += 1;
    this.#size += 1;
  }

  /** To be called before a message is changed. */
  touch(message: Message): void {
    if (this.#captures.size > 0) this.#touch(this.#pageOf(message.sequence));
  }

  remove(message: Message): void {
    const page = this.#pageOf(message.sequence);
    this.#touch(page);
    this.#removeFrom(page, message.sequence % PAGE_MESSAGES);
  }

  /** Removes what was purged, a page at each step. */
  *sweep(): Generator<void, void> {
    for (const page of this.#pages.values()) {
      for (let at = 0; at < PAGE_MESSAGES; at += 1) {
        const message = page.slots[at];
        if (message === undefined || message.among.purgedAt === Number.POSITIVE_INFINITY) continue;
        this.#touch(page);
        this.#removeFrom(page, at);
      }
      yield;
    }
  }

  capture(): CapturedMessages {
    this.#epoch += 1;
    const capture = new Capture([...this.#pages.values()], this.#epoch, () => this.#captures.delete(capture));
    this.#captures.add(capture);
    return capture;
  }

  #removeFrom(page: Page, at: number): void {
    page.slots[at] = undefined;
    page.live -= 1;
    this.#size -= 1;
    if (page.live > 0 || page === this.#last) return;
    this.#pages.delete(page.number);
  }

  #pageOf(sequence: number): Page {
    const number = Math.floor(sequence / PAGE_MESSAGES);
    if (this.#last?.number === number) return this.#last;
    const found = this.#pages.get(number);
    if (found !== undefined) return found;
    if (this.#last?.live === 0) this.#pages.delete(this.#last.number);
    const page = new Page(number, this.#epoch);
    this.#pages.set(number, page);
    this.#last = page;
    return page;
  }

  #touch(page: Page): void {
    if (page.epoch === this.#epoch) return;
    for (const capture of this.#captures) capture.preserve(page);
    page.epoch = this.#epoch;
  }
}

class Capture implements CapturedMessages {
  readonly #epoch: number;
  readonly #onRelease: () => void;
  #pages: readonly Page[];
  /** Pages as they were, of those that were changed since. */
  readonly #preserved = new Map<Page, readonly CapturedMessage[]>();
  /** Pages up to this one were read. */
  #readTo = -1;

  constructor(pages: readonly Page[], epoch: number, onRelease: () => void) {
    this.#pages = pages;
    this.#epoch = epoch;
    this.#onRelease = onRelease;
  }

  *pages(): Generator<readonly CapturedMessage[]> {
    for (const page of this.#pages) {
      const messages = this.#preserved.get(page) ?? this.#copy(page);
      this.#preserved.delete(page);
      this.#readTo = page.number;
      yield messages;
    }
  }

  release(): void {
    this.#onRelease();
    this.#pages = [];
    this.#preserved.clear();
  }

  /** Called before a page is changed. */
  preserve(page: Page): void {
    if (page.epoch >= this.#epoch || page.number <= this.#readTo) return;
    this.#preserved.set(page, this.#copy(page));
  }

  #copy(page: Page): readonly CapturedMessage[] {
    const copies: CapturedMessage[] = [];
    for (const message of page.slots) {
      if (message === undefined || message.among.purgedAt < this.#epoch) continue;
      copies.push({ message, state: message.state, attempt: message.attempt, due: message.due });
    }
    return copies;
  }
}

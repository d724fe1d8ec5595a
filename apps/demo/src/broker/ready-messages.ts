import { IndexedHeap } from './indexed-heap.ts';
import type { Message } from './message.ts';

const PRIORITIES = 10;

/**
 * Those that can be handed out, highest priority first, and in the order of acceptance within one. What comes in this
 * order, as new messages do, costs O(1); what comes back, O(log n) of those that came back.
 */
export class ReadyMessages {
  readonly #lines: Line[] = Array.from({ length: PRIORITIES }, () => new Line());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Message | undefined {
    return this.#size === 0 ? undefined : this.#firstLine()?.first;
  }

  add(message: Message): void {
    this.#size += 1;
    this.#lines[message.content.priority]?.add(message);
  }

  /** Takes the first away. */
  take(): Message | undefined {
    if (this.#size === 0) return undefined;
    this.#size -= 1;
    return this.#firstLine()?.take();
  }

  #firstLine(): Line | undefined {
    for (let priority = PRIORITIES - 1; priority >= 0; priority -= 1) {
      const line = this.#lines[priority];
      if (line?.first !== undefined) return line;
    }
    return undefined;
  }
}

/** Of one priority: a list, and beside it those that came out of order. */
class Line {
  #head: Message | undefined = undefined;
  #tail: Message | undefined = undefined;
  readonly #returned = new IndexedHeap<Message>((a, b) => a.sequence < b.sequence);

  get first(): Message | undefined {
    const returned = this.#returned.first;
    if (this.#head === undefined || returned === undefined) return this.#head ?? returned;
    return this.#head.sequence < returned.sequence ? this.#head : returned;
  }

  add(message: Message): void {
    if (this.#tail === undefined) this.#head = message;
    else if (this.#tail.sequence < message.sequence) this.#tail.next = message;
    else return this.#returned.push(message);
    this.#tail = message;
  }

  take(): Message | undefined {
    const { first } = this;
    if (first === undefined || first !== this.#head) return this.#returned.pop();
    this.#head = first.next;
    if (this.#head === undefined) this.#tail = undefined;
    // An old one would keep alive all that came behind it.
    first.next = undefined;
    return first;
  }
}

import type { OutgoingMessage } from './outbox.ts';

/** Messages that wait for a slow disk; beyond it the oldest are dropped, as a network might. */
const MAX_WAITING_MESSAGES = 1024;

/** Messages that rest on a record which is on its way to the disk, in their order. */
export class HeldBack {
  #waiting: OutgoingMessage[] = [];

  /**
   * @param messages what there is to say since the last call
   * @param durable the version of the record that is on the disk
   * @returns what may be sent now
   */
  release(messages: readonly OutgoingMessage[], durable: number): readonly OutgoingMessage[] {
    this.#waiting.push(...messages);
    const ready = this.#waiting.filter(({ needsRecord }) => needsRecord <= durable);
    if (ready.length > 0) this.#waiting = this.#waiting.filter(({ needsRecord }) => needsRecord > durable);
    if (this.#waiting.length > MAX_WAITING_MESSAGES) this.#waiting = this.#waiting.slice(-MAX_WAITING_MESSAGES);
    return ready;
  }

  /** Nothing will be sent any more. */
  clear(): void {
    this.#waiting = [];
  }
}

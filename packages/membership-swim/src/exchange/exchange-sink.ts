import type { GossipTopic } from '@quorate/core';

import type { ExchangeItem } from './exchange-codec.ts';

/** The most bytes that one topic may have in an exchange. */
export const MAX_TOPIC_BYTES: number = 256 * 1024;

/** Where what another node tells goes to. */
export interface ExchangeReceiver {
  states(bytes: Uint8Array): void;
  /** Whether somebody here wants it: else it isn't gathered. */
  wants(topic: GossipTopic): boolean;
  topic(topic: GossipTopic, bytes: Uint8Array): void;
}

/** Takes what the other side of one exchange tells, and puts topics together that came in pieces. */
export class ExchangeSink {
  readonly #receiver: ExchangeReceiver;
  /** The pieces of the topic that is coming in. */
  #topic: GossipTopic | undefined;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(receiver: ExchangeReceiver) {
    this.#receiver = receiver;
  }

  take(items: readonly ExchangeItem[]): void {
    for (const item of items) {
      if (item.type === 'states') this.#receiver.states(item.bytes);
      else if (this.#receiver.wants(item.topic)) this.#takePiece(item);
    }
  }

  #takePiece({ topic, isLast, bytes }: Extract<ExchangeItem, { type: 'topic' }>): void {
    if (topic !== this.#topic) this.#begin(topic);
    this.#bytes += bytes.length;
    // One that is too large is left out whole: what is cut off can't be read.
    if (this.#bytes <= MAX_TOPIC_BYTES) this.#pieces.push(bytes);
    if (!isLast) return;
    const pieces = this.#bytes <= MAX_TOPIC_BYTES ? this.#pieces : undefined;
    this.#begin(undefined);
    if (pieces !== undefined) this.#receiver.topic(topic, join(pieces));
  }

  #begin(topic: GossipTopic | undefined): void {
    this.#topic = topic;
    this.#pieces = [];
    this.#bytes = 0;
  }
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

import { ByteWriter, type GossipTopic } from '@quorate/core';

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
  /** The topic that is coming in. */
  #topic: GossipTopic | undefined;
  /** Its pieces, one after the other. Copies: each that came is a view of a whole frame, which it would keep. */
  #gathered = new ByteWriter(0);
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
    const fits = this.#bytes <= MAX_TOPIC_BYTES;
    if (fits) this.#gathered.bytes(bytes);
    // One that is too large is left out whole: what is cut off can't be read.
    else this.#gathered = new ByteWriter(0);
    if (!isLast) return;
    const whole = fits ? this.#gathered.copy() : undefined;
    this.#begin(undefined);
    if (whole !== undefined) this.#receiver.topic(topic, whole);
  }

  #begin(topic: GossipTopic | undefined): void {
    this.#topic = topic;
    this.#gathered = new ByteWriter(0);
    this.#bytes = 0;
  }
}

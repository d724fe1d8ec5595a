/** Letters, digits, `.`, `_`, `-`, at most 100. The queue of a subscription is named `topic:subscription`. */
export type QueueName = string;

export interface QueueOptions {
  /**
   * Messages of one key (those without one share the empty key) are handed out one after the other, in the order in
   * which they were accepted: the next when the one before is acknowledged or given up. No priorities and no delays then.
   *
   * @default false
   */
  readonly fifo: boolean;
  /**
   * For how long a delivery is its consumer's alone, unless extended.
   *
   * @default 30_000
   */
  readonly visibilityMs: number;
  /**
   * After so many deliveries a message is moved to the dead letters, or dropped and counted.
   *
   * @default 16
   */
  readonly maxDeliveries: number;
  /** Where messages go that are given up. Where it is absent, full, or not there (any more) they are dropped and counted. */
  readonly deadLetterQueue?: QueueName;
  /**
   * For how long the id of a message is remembered, from when it was accepted.
   *
   * @default 300_000
   */
  readonly deduplicationMs: number;
  /**
   * Beyond it publishing is refused as `full`.
   *
   * @default 100_000
   */
  readonly maxMessages: number;
}

export const DEFAULT_QUEUE_OPTIONS: QueueOptions = {
  fifo: false,
  visibilityMs: 30_000,
  maxDeliveries: 16,
  deduplicationMs: 300_000,
  maxMessages: 100_000,
};

export interface NewMessage {
  /** Chosen by who publishes: said again within `deduplicationMs`, it is accepted once. */
  readonly id: string;
  readonly body: Uint8Array;
  /** For fifo queues only. */
  readonly key?: string;
  /**
   * 0 to 9, 9 first.
   *
   * @default 4
   */
  readonly priority?: number;
  readonly delayMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Command =
  | { readonly type: 'create-queue'; readonly queue: QueueName; readonly options: QueueOptions }
  | { readonly type: 'delete-queue'; readonly queue: QueueName }
  | { readonly type: 'purge-queue'; readonly queue: QueueName }
  | { readonly type: 'create-topic'; readonly topic: string }
  | { readonly type: 'delete-topic'; readonly topic: string }
  | {
      readonly type: 'subscribe';
      readonly topic: string;
      readonly subscription: string;
      readonly options: QueueOptions;
    }
  | { readonly type: 'unsubscribe'; readonly topic: string; readonly subscription: string }
  | { readonly type: 'publish'; readonly queue: QueueName; readonly messages: readonly NewMessage[] }
  | { readonly type: 'publish-to-topic'; readonly topic: string; readonly messages: readonly NewMessage[] }
  | {
      readonly type: 'receive';
      readonly queue: QueueName;
      /** Who asks: shown where the log is inspected; a delivery belongs to whoever has its receipt. */
      readonly consumer: string;
      readonly max: number;
      readonly visibilityMs?: number;
    }
  | { readonly type: 'acknowledge'; readonly queue: QueueName; readonly receipts: readonly string[] }
  | {
      readonly type: 'reject';
      readonly queue: QueueName;
      readonly receipts: readonly string[];
      readonly delayMs: number;
    }
  | {
      readonly type: 'extend';
      readonly queue: QueueName;
      readonly receipts: readonly string[];
      readonly visibilityMs: number;
    }
  /**
   * Moves what is due (deliveries that ran out, dead letters, forgotten ids): by the singleton task of whoever holds the
   * election's grant. `token` is its fencing token: an older one than the machine has seen is refused.
   */
  | { readonly type: 'housekeeping'; readonly token: bigint };

/** `full`: a bound is reached. `invalid`: the command could never be taken. */
export type RefusalCode = 'not-found' | 'exists' | 'full' | 'invalid' | 'fenced';

export type Result =
  /** `changed` is false where what was asked for was so already: the same queue with the same options, for one. */
  | { readonly type: 'done'; readonly changed: boolean }
  | { readonly type: 'published'; readonly messages: readonly Published[] }
  | { readonly type: 'deliveries'; readonly deliveries: readonly Delivery[] }
  /** One for each receipt, in order. */
  | { readonly type: 'settled'; readonly settled: readonly Settlement[] }
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly message: string };

export type Settlement = 'done' | 'unknown-receipt';

export interface Published {
  readonly id: string;
  /** Its place among all that the broker accepted. A duplicate has that of the message accepted first. */
  readonly sequence: number;
  readonly duplicate: boolean;
}

export interface Delivery {
  /** Of this delivery alone: another one of the same message has another. */
  readonly receipt: string;
  readonly id: string;
  readonly sequence: number;
  readonly body: Uint8Array;
  readonly key?: string;
  readonly priority: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The how-manieth, from 1. */
  readonly attempt: number;
}

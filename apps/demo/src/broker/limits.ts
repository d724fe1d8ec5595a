/**
 * The bounds of a broker's state. All of its nodes have the same: what one refuses, all refuse. Commands beyond them are
 * refused; they may not be changed in a program whose log still has commands in it.
 */
export interface BrokerLimits {
  /** Subscriptions' among them. */
  readonly queues: number;
  readonly topics: number;
  readonly subscriptionsPerTopic: number;
  /** In all queues. */
  readonly messages: number;
  /** Of bodies, headers, ids and keys in all queues. */
  readonly bytes: number;
  /** Remembered in all queues. */
  readonly ids: number;
  /** Of messages in one command, and of receipts. */
  readonly batch: number;
  /** Of messages in one command to a topic, times its subscriptions. */
  readonly copies: number;
  /** Of bodies, headers, ids and keys that are handed out at once, to fit into an answer; one message always is. */
  readonly receiveBytes: number;
  readonly bodyBytes: number;
  readonly idLength: number;
  readonly keyLength: number;
  /** Names and values together. */
  readonly headerLength: number;
  readonly headers: number;
  /** Of anything that a command delays. */
  readonly delayMs: number;
}

export const BROKER_LIMITS: BrokerLimits = {
  queues: 1_000,
  topics: 1_000,
  subscriptionsPerTopic: 100,
  messages: 2_000_000,
  bytes: 1_073_741_824,
  ids: 4_000_000,
  batch: 1_000,
  copies: 10_000,
  receiveBytes: 1_048_576,
  bodyBytes: 65_536,
  idLength: 100,
  keyLength: 100,
  headerLength: 4_096,
  headers: 32,
  delayMs: 604_800_000,
};

export const NAME_PATTERN: RegExp = /^[A-Za-z0-9._-]{1,100}$/;

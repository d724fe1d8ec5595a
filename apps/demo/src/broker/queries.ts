import type { QueueName, QueueOptions } from './commands.ts';

export type Query =
  | { readonly type: 'queues' }
  | { readonly type: 'queue'; readonly queue: QueueName }
  | { readonly type: 'topics' };

/** Of each type of query its own; `queue` is undefined where there is none of that name. Sorted by name. */
export type Answer =
  | { readonly type: 'queues'; readonly queues: readonly QueueStatus[] }
  | { readonly type: 'queue'; readonly queue: QueueStatus | undefined }
  | { readonly type: 'topics'; readonly topics: readonly TopicStatus[] };

export interface QueueStatus {
  readonly name: QueueName;
  readonly options: QueueOptions;
  /** Could be handed out, or follow others of their key. */
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  /** Totals since it was made. */
  readonly accepted: number;
  readonly acknowledged: number;
  readonly duplicates: number;
  readonly deliveries: number;
  readonly redeliveries: number;
  /** Moved from here to the dead letters. */
  readonly deadLettered: number;
  /** Given up where no dead letters took them, or purged. */
  readonly dropped: number;
}

interface TopicStatus {
  readonly name: string;
  /** Names, sorted; the queue of each is `topic:subscription`. */
  readonly subscriptions: readonly string[];
  /** Total since it was made. */
  readonly accepted: number;
}

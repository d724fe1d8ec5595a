import type { QueueOptions } from './commands.ts';
import type { QueueTotals } from './queue.ts';

/** A snapshot is a row of blocks: kind, length, bytes. A head, ids, messages in the order of their sequences, an end. */
export const block = { head: 1, ids: 2, messages: 3, end: 4 } as const;

/** Flags of a message. */
export const HAS_KEY = 1;
export const HAS_HEADERS = 2;

/** JSON. */
export interface SnapshotHead {
  readonly now: number;
  readonly sequence: number;
  readonly queueNumber: number;
  readonly token: string;
  readonly queues: readonly {
    readonly name: string;
    readonly number: number;
    readonly options: QueueOptions;
    readonly totals: QueueTotals;
  }[];
  readonly topics: readonly {
    readonly name: string;
    readonly accepted: number;
    /** In the order in which they get their copies. */
    readonly subscriptions: readonly string[];
  }[];
}

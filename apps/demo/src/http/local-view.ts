import type { QueueName } from '../broker/commands.ts';
import type { QueueStatus } from '../broker/queries.ts';

/**
 * What this node's own copy of the broker knows, without asking anybody. It may be behind the others: what it says is a hint
 * of when to ask, and never an answer to a client who changes something.
 */
export interface LocalView {
  has(queue: QueueName): boolean;
  queues(): readonly QueueStatus[];
  /** In how many milliseconds something can be handed out: 0 for now, undefined for nothing that is known of. */
  dueInMs(queue: QueueName): number | undefined;
  /** Whether this delivery is still its consumer's. */
  isInFlight(queue: QueueName, receipt: string): boolean;
  /** Calls back when something may have changed in a queue, or in any; often, so that it must be quick. */
  onChange(listener: (queue: QueueName | undefined) => void): Disposable;
}

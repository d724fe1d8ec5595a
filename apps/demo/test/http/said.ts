import type { Published } from '../../src/broker/commands.ts';
import type { NodeStatus } from '../../src/broker/node-status.ts';
import type { Answer, QueueStatus } from '../../src/broker/queries.ts';
import type { ShownDelivery } from '../../src/http/messages.ts';
import type { ProblemDetails } from '../../src/http/problem.ts';

/** What the API says, of whatever kind: what a test looks for is there, or the test fails. */
export type Said = ProblemDetails &
  Omit<QueueStatus, 'deliveries'> &
  NodeStatus &
  ShownDelivery &
  Pick<Extract<Answer, { type: 'topics' }>, 'topics'> & {
    readonly messages: readonly Published[];
    readonly deliveries: readonly ShownDelivery[];
    readonly settled: readonly string[];
  };

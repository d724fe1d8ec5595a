import type { NodeStatus } from '../broker/node-status.ts';
import type { QueueStatus } from '../broker/queries.ts';

/** Everything that the dashboard shows but the log and the past. */
export interface DashboardState {
  /** What is known of each node's process, and what the node said last. */
  readonly nodes: readonly ShownNode[];
  /** Groups of nodes that don't reach each other. One group: none is cut off. */
  readonly partition: readonly (readonly string[])[];
  readonly queues: readonly QueueStatus[];
  /** Undefined where no traffic is made here. */
  readonly traffic: Traffic | undefined;
  /** What can be done here: of a node that serves its own dashboard, no process can be killed. */
  readonly controls: readonly ControlAction['action'][];
}

export interface ShownNode {
  readonly id: string;
  /** Of its HTTP API. */
  readonly url: string;
  readonly process: 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'killed';
  /** Undefined while it doesn't answer. */
  readonly status: NodeStatus | undefined;
  /** Of a node that is not asked itself: how those that are asked see it. Its `url` is empty, its process unknown. */
  readonly seen?: NodeStatus['members'][number]['state'];
  /** Share of a core: 1 is a whole one. */
  readonly cpu?: number;
  readonly memoryMib?: number;
}

/** Of the last second, seen by the traffic generator. */
export interface TrafficReading {
  readonly isRunning: boolean;
  /** Messages, not requests. */
  readonly published: number;
  readonly acknowledged: number;
  /** Requests that ended without an answer, or with one that says that nothing was done. */
  readonly failed: number;
  /** Of publishing; undefined where nothing was published. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

interface Traffic extends TrafficReading {
  /** So far, since the demo began. */
  readonly audit: Audit;
}

export interface Audit {
  readonly accepted: number;
  readonly delivered: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly outOfOrder: number;
}

/** The body of `POST control`; the answer is 204, or problem details: 409 where it can't be done now. */
export type ControlAction =
  /** `stop`: gracefully; `start`: after `kill` or `stop`. */
  | { readonly action: NodeAction; readonly node: string }
  | { readonly action: 'partition'; readonly groups: readonly (readonly string[])[] }
  | { readonly action: 'heal' }
  | { readonly action: 'traffic'; readonly on: boolean };

export type NodeAction = 'kill' | 'pause' | 'resume' | 'stop' | 'start' | 'restart' | 'isolate' | 'transfer';

/** What happened. */
export interface LogEntry {
  /** From 1, one more for each. */
  readonly number: number;
  /** ISO 8601. */
  readonly at: string;
  readonly level: 'info' | 'good' | 'warn' | 'bad';
  readonly node: string | undefined;
  readonly text: string;
}

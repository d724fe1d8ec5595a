import type { QueueStatus } from './queries.ts';

/** What one node sees. */
export interface NodeStatus {
  readonly id: string;
  readonly cluster: string;
  readonly members: readonly {
    readonly id: string;
    readonly address: string;
    readonly state: 'alive' | 'suspect' | 'unreachable' | 'left';
  }[];
  /** Of the election, which may be another than the replicator's. */
  readonly elected: { readonly id: string; readonly token: string } | undefined;
  readonly replication:
    | {
        readonly role: 'leader' | 'follower' | 'candidate' | 'learner';
        readonly leader: string | undefined;
        readonly term: number;
        readonly commitIndex: number;
        readonly appliedIndex: number;
        /** Of the leader only. */
        readonly peers: readonly { readonly id: string; readonly matchIndex: number; readonly lag: number }[];
      }
    | undefined;
  readonly queues: readonly QueueStatus[];
  /** Since the process began, counted here. */
  readonly requests: {
    readonly published: number;
    readonly delivered: number;
    readonly acknowledged: number;
    readonly failed: number;
  };
}

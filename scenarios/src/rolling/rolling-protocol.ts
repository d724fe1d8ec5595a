import type { MachineCommand, MachineQuery } from '../processes/register-machine.ts';

/** What a client posts to any node, as JSON; answered by a `NodeOutcome` with status 200, or 503. */
export type RollingCall =
  /** Done by the leader, once, however often it is asked for. */
  | { readonly type: 'forwarded'; readonly command: MachineCommand }
  /** Replicated through the node that is asked. */
  | { readonly type: 'replicated'; readonly command: MachineCommand }
  | { readonly type: 'read'; readonly query: MachineQuery };

/** What the process is told at its start. */
export interface RollingSettings {
  readonly id: string;
  readonly directory: string;
  /** By id, where each process listens for the others. */
  readonly ports: Readonly<Record<string, number>>;
  /** Where this one listens for clients, whenever it runs. */
  readonly clientPort: number;
  readonly secret?: string;
  /** How nodes know who is there. */
  readonly membership: 'connection' | 'swim';
}

/** A line that the process prints: when this node's leadership began or ended, by the machine's monotonic clock. */
export interface LeadershipLine {
  /** `lapsed`: the machine was too busy to renew it in time. */
  readonly leadership: 'acquired' | 'lapsed' | 'handed over';
  readonly atMs: number;
}

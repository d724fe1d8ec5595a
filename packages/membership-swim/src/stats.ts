import type { DatagramRefusal } from './datagram/datagram-seal.ts';
import type { SwimStats } from './protocol/types.ts';

/** What one node has counted since it started, at the moment of reading. */
export interface SwimMembershipStats {
  /** Of the protocol. */
  readonly protocol: SwimStats;
  /** 0 is well; each step makes this node slower to blame others, because it doesn't do well itself. */
  readonly localHealth: number;
  /** How late timers have run of late. */
  readonly loopDelayMs: number;
  /** Members that live as far as is known, this node included. */
  readonly size: number;
  /** Over UDP, with all that surrounds the protocol's messages but not the headers of UDP and IP. */
  readonly datagrams: {
    readonly sent: number;
    readonly sentBytes: number;
    readonly received: number;
    readonly receivedBytes: number;
    /** Not believed, by reason. */
    readonly refused: Readonly<Partial<Record<DatagramRefusal | 'unreadable', number>>>;
  };
  /** Push/pull over the transport. */
  readonly exchanges: {
    /** By this node. */
    readonly begun: number;
    readonly failed: number;
    readonly sentBytes: number;
    readonly receivedBytes: number;
  };
  /** Times that another node was heard of with an id that is taken. */
  readonly conflicts: number;
}

export const NO_PROTOCOL_STATS: SwimStats = {
  probes: 0,
  indirectProbes: 0,
  streamProbes: 0,
  failedProbes: 0,
  suspicions: 0,
  confirmations: 0,
  refutations: 0,
  pauses: 0,
  droppedRumours: 0,
};

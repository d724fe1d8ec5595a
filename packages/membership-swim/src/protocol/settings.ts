/** Everything that can be chosen of the protocol. All times in milliseconds. */
export interface SwimSettings {
  /** Time from one probe to the next, while this node is healthy. */
  readonly probeIntervalMs: number;
  /** Time after which a probe asks others, and the stream. Less than `probeDeadlineMs`. */
  readonly probeTimeoutMs: number;
  /** Time after which a probe has failed. It may be longer than the interval: then several are under way. */
  readonly probeDeadlineMs: number;
  /** How often a probe pings within its timeout: one lost datagram isn't a failure. */
  readonly pingsPerProbe: number;
  /** How many others are asked to probe as well. */
  readonly indirectProbes: number;
  /** Whether the transport is tried beside the indirect probes. */
  readonly streamProbes: boolean;
  /** Lifeguard's suspicion, a fraction perhaps: the shortest is `suspicionMult * max(1, log10(n)) * probeIntervalMs`. */
  readonly suspicionMult: number;
  /** The longest suspicion, in shortest ones. */
  readonly suspicionMaxMult: number;
  /** Independent confirmations after which a suspicion is the shortest. */
  readonly expectedConfirmations: number;
  /** How many others are asked at once to probe a member in doubt themselves. 0: none, as memberlist does. */
  readonly confirmers: number;
  /** How long a look takes, theirs and this node's own. */
  readonly confirmDeadlineMs: number;
  /** Whether a suspect is probed once more, in the last `confirmDeadlineMs` of its time, before it is given up. */
  readonly looksBeforeGivingUp: boolean;
  /**
   * Whether it counts who is likely to be there: for help those are asked that were heard of last, what is sent to suspects
   * isn't counted as told, and nacks that suspects owe aren't held against this node.
   */
  readonly reliesOnReachable: boolean;
  /** How many times as long who has only heard of it suspects a node as who has seen it fail. */
  readonly hearsayFactor: number;
  /** Whether what speaks against a node (refused, stalled) chooses how long it is suspected. */
  readonly weighsEvidence: boolean;
  /** How long a node is suspected whose machine says that nobody listens, where evidence is weighed. */
  readonly refusedSuspicionMs: number;
  /** The worst local health, plus one: a node with health h waits 1 + h times as long. */
  readonly maxLocalHealth: number;
  /** Time between two rounds of gossip beside the probes. */
  readonly gossipIntervalMs: number;
  /** Whether news is passed on at once where no round was for an interval; else rounds are at fixed times. */
  readonly gossipsAtOnce: boolean;
  /** How many members each round of gossip goes to. */
  readonly gossipFanout: number;
  /** How long gossip also goes to those that are unreachable, so that they may hear of it. */
  readonly gossipToUnreachableMs: number;
  /** A rumour is sent `retransmitMult * ceil(log10(n + 1))` times. */
  readonly retransmitMult: number;
  /** The most bytes of one packet, before it is sealed. */
  readonly maxPacketBytes: number;
  /** How late a tick may be before the node takes itself for having been paused. Infinity: never. */
  readonly pauseBoundMs: number;
  /** The most by which a probe lasts longer for who told with its last answer that its timers run late. */
  readonly latePatienceMs: number;
  /** How long a member that left or is unreachable is remembered. */
  readonly forgetAfterMs: number;
  /** The most members, this node and the remembered ones included. */
  readonly maxMembers: number;
  /** The most rumours that wait to be passed on; beyond it, those that were passed on most go. */
  readonly maxQueuedRumours: number;
}

/** What this package does unless told otherwise. */
export const DEFAULT_SETTINGS: SwimSettings = Object.freeze({
  probeIntervalMs: 500,
  probeTimeoutMs: 250,
  probeDeadlineMs: 500,
  pingsPerProbe: 3,
  indirectProbes: 3,
  streamProbes: true,
  suspicionMult: 2,
  suspicionMaxMult: 6,
  expectedConfirmations: 3,
  confirmers: 4,
  confirmDeadlineMs: 500,
  looksBeforeGivingUp: true,
  reliesOnReachable: true,
  hearsayFactor: 2,
  weighsEvidence: true,
  refusedSuspicionMs: 500,
  maxLocalHealth: 8,
  gossipIntervalMs: 200,
  gossipsAtOnce: true,
  gossipFanout: 3,
  gossipToUnreachableMs: 30_000,
  retransmitMult: 4,
  maxPacketBytes: 1300,
  pauseBoundMs: 250,
  latePatienceMs: 2000,
  forgetAfterMs: 3_600_000,
  maxMembers: 20_000,
  maxQueuedRumours: 8192,
});

/** The parameters of memberlist's DefaultLANConfig, and without what this package adds: for comparison. */
export const MEMBERLIST_LAN_SETTINGS: SwimSettings = Object.freeze({
  ...DEFAULT_SETTINGS,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  probeDeadlineMs: 1000,
  pingsPerProbe: 1,
  suspicionMult: 4,
  suspicionMaxMult: 6,
  expectedConfirmations: 2,
  confirmers: 0,
  looksBeforeGivingUp: false,
  reliesOnReachable: false,
  hearsayFactor: 1,
  gossipsAtOnce: false,
  weighsEvidence: false,
  pauseBoundMs: Number.POSITIVE_INFINITY,
  latePatienceMs: 0,
});

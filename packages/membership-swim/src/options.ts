import { checkOptions, type ClusterNode, invalidOption, type OptionRules, rule } from '@quorate/core';

import { DEFAULT_SETTINGS, type SwimSettings } from './protocol/settings.ts';

/** How the protocol goes about it; the defaults are measured in docs/performance.md, and explained in docs/membership.md. */
export interface SwimTimings extends Partial<
  Pick<
    SwimSettings,
    | 'probeIntervalMs'
    | 'probeTimeoutMs'
    | 'probeDeadlineMs'
    | 'indirectProbes'
    | 'suspicionMult'
    | 'suspicionMaxMult'
    | 'confirmers'
    | 'gossipIntervalMs'
    | 'gossipFanout'
    | 'retransmitMult'
  >
> {}

/** What `swimMembership` is told. */
export interface SwimMembershipOptions {
  /**
   * How the small messages travel: `udp`, or over the transport's connections, for a transport that is not on the
   * network (`memoryTransport`) and for networks without UDP. Then every node must be connected with every other.
   * @default 'udp'
   */
  readonly datagrams?: 'udp' | 'transport';
  /**
   * The UDP port. Others learn it when they meet this node; nobody has to be told.
   * @default that of the cluster's `bind`; any free one when that is 0
   */
  readonly port?: number;
  /**
   * As long as there are no more members than this, all are connected with all by the transport; where there were more, once
   * there have been no more for a minute.
   * @default 64
   */
  readonly connectAllUpTo?: number;
  /**
   * Beyond that, with whom the transport is to be connected all the same: a replicator's voters, for example.
   * @default nobody; the connections that the membership needs itself come and go
   */
  readonly connectTo?: (node: ClusterNode) => boolean;
  /**
   * How often a node exchanges all it knows with another one, in clusters of up to 32; less often in larger ones.
   * @default 30000
   */
  readonly exchangeIntervalMs?: number;
  /**
   * How often addresses that no living member explains are tried: contacts, and members that are unreachable.
   * @default 5000
   */
  readonly contactIntervalMs?: number;
  /**
   * How long `leave` waits for the acknowledgements.
   * @default 4000
   */
  readonly leaveTimeoutMs?: number;
  /**
   * How long a member that left or is unreachable stays in the view.
   * @default 3600000
   */
  readonly forgetAfterMs?: number;
  /**
   * The most members that are known, those included that left or are unreachable.
   * @default 20000
   */
  readonly maxMembers?: number;
  /** Parameters of the protocol. All nodes of a cluster should have the same. */
  readonly protocol?: SwimTimings;
}

/** The options, complete. */
export interface SwimMembershipSettings extends Required<
  Omit<SwimMembershipOptions, 'port' | 'protocol' | 'forgetAfterMs' | 'maxMembers'>
> {
  readonly port: number | undefined;
  readonly swim: SwimSettings;
}

const OWNER = 'swimMembership';
const DAY_MS = 86_400_000;
const duration = rule.duration({ min: 10, max: DAY_MS });
const factor = rule.number({ min: 1, max: 100 });

const protocolRules: OptionRules<SwimTimings> = {
  probeIntervalMs: duration,
  probeTimeoutMs: duration,
  probeDeadlineMs: duration,
  indirectProbes: rule.integer({ min: 0, max: 32 }),
  suspicionMult: factor,
  suspicionMaxMult: factor,
  confirmers: rule.integer({ min: 0, max: 32 }),
  gossipIntervalMs: duration,
  gossipFanout: rule.integer({ min: 1, max: 32 }),
  retransmitMult: factor,
};

const rules: OptionRules<SwimMembershipOptions> = {
  datagrams: rule.oneOf('udp', 'transport'),
  port: rule.integer({ min: 0, max: 65_535 }),
  connectAllUpTo: rule.integer({ min: 0, max: 65_536 }),
  connectTo: rule.value('a function', (value) => typeof value === 'function'),
  exchangeIntervalMs: duration,
  contactIntervalMs: duration,
  leaveTimeoutMs: duration,
  forgetAfterMs: rule.duration({ min: 1000, max: 365 * DAY_MS }),
  maxMembers: rule.integer({ min: 2, max: 1_000_000 }),
  protocol: rule.group(`${OWNER}: protocol`, protocolRules),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function settingsFrom(options: SwimMembershipOptions): SwimMembershipSettings {
  const { port, protocol, forgetAfterMs, maxMembers, ...given } = checkOptions(OWNER, rules, options);
  if (port !== undefined && given.datagrams === 'transport') {
    throw invalidOption(OWNER, 'port', 'left out, because datagrams is transport', port);
  }
  return {
    datagrams: 'udp',
    connectAllUpTo: 64,
    connectTo: () => false,
    exchangeIntervalMs: 30_000,
    contactIntervalMs: 5000,
    leaveTimeoutMs: 4000,
    ...given,
    port,
    swim: swimSettings({ ...protocol, ...(forgetAfterMs && { forgetAfterMs }), ...(maxMembers && { maxMembers }) }),
  };
}

function swimSettings(given: Partial<SwimSettings>): SwimSettings {
  const { probeTimeoutMs, probeDeadlineMs, confirmDeadlineMs, ...others } = { ...DEFAULT_SETTINGS, ...given };
  if (probeTimeoutMs >= probeDeadlineMs) {
    const expected = `less than protocol.probeDeadlineMs (${probeDeadlineMs})`;
    throw invalidOption(OWNER, 'protocol.probeTimeoutMs', expected, probeTimeoutMs);
  }
  // Where lines are so slow that probes are given more time, nobody would ever answer to a look.
  return {
    ...others,
    probeTimeoutMs,
    probeDeadlineMs,
    confirmDeadlineMs: Math.max(confirmDeadlineMs, probeDeadlineMs),
  };
}

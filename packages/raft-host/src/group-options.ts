import { checkOptions, invalidOption, isNodeId, type NodeId, type OptionRules, rule } from '@quorate/core';

/** How quickly a lost leader is noticed, against how much delay a healthy one may suffer. Milliseconds. */
export interface RaftTimings {
  /** The pace of everything: heartbeats and elections happen at multiples of it. */
  readonly tickMs: number;
  /** How often a leader that has nothing else to say shows that it lives. */
  readonly heartbeatMs: number;
  /** A follower that hears nothing for this long, and up to twice that by chance, stands for election. */
  readonly electionMs: number;
}

/** A kind of network, with timings that suit it. */
export type RaftProfile = 'fast' | 'lan' | 'wan';

/** Timings for a kind of network. */
export const raftProfiles: Readonly<Record<RaftProfile, RaftTimings>> = {
  /** One machine or rack; a pause of 50 ms of the leader's process costs it the leadership. */
  fast: { tickMs: 2, heartbeatMs: 10, electionMs: 50 },
  /** One data centre. */
  lan: { tickMs: 10, heartbeatMs: 50, electionMs: 200 },
  /** Between regions. */
  wan: { tickMs: 100, heartbeatMs: 500, electionMs: 2500 },
};

/** What makes a group, whatever stands on it. The same on every node. */
export interface RaftGroupOptions {
  /**
   * Who founds the group: a set of node ids, or `'founders'` for those who founded the cluster, where a `formation` forms or
   * finds that. Each of them has to be there once before the group exists.
   */
  readonly voters: readonly NodeId[] | 'founders';
  /**
   * Timings for a kind of network.
   * @default 'lan'
   */
  readonly profile?: RaftProfile;
  /** Single timings that replace those of the profile. */
  readonly timings?: Partial<RaftTimings>;
  /**
   * By what part of true time any node's clock may run fast or slow; it makes leases possible, which reads at 'lease' and
   * grants of leadership need. Clocks that work keep far within 0.01. Without it there are none.
   * @default none
   */
  readonly maxClockDrift?: number;
  /**
   * Who is wanted as leader, by node id, 0 to 1,000: a leader hands over to a voter of a higher priority that has caught up,
   * and the others let that one stand first. Those that are not named have 0, members that join later too.
   * @default 0 for all
   */
  readonly priorities?: Readonly<Record<NodeId, number>>;
}

/** The options in their normal form. */
export interface GroupChoice {
  /** In order; `'founders'` until the cluster is known. */
  readonly voters: readonly NodeId[] | 'founders';
  readonly timings: RaftTimings;
  readonly maxClockDrift: number | undefined;
  /** By id, in order. */
  readonly priorities: Readonly<Record<NodeId, number>> | undefined;
}

/** The same on a node, which knows its cluster. */
export interface GroupSettings extends GroupChoice {
  /** In order. */
  readonly voters: readonly NodeId[];
}

const MAX_VOTERS = 101;
export const MAX_PRIORITY = 1000;
/** A group has no more members. */
const MAX_PRIORITIES = 128;

const timingRules: OptionRules<RaftTimings> = {
  tickMs: rule.duration({ min: 1, max: 10_000 }),
  heartbeatMs: rule.duration({ min: 1, max: 60_000 }),
  electionMs: rule.duration({ min: 2, max: 600_000 }),
};

/** Of every adapter that stands on a group; to be spread among its own. */
export function groupRules(owner: string): OptionRules<RaftGroupOptions> {
  return {
    voters: rule.value<RaftGroupOptions['voters']>(
      `a list of 1 to ${MAX_VOTERS} different node ids, or 'founders'`,
      isVoters,
    ),
    profile: rule.oneOf('fast', 'lan', 'wan'),
    timings: rule.group(`${owner}.timings`, timingRules),
    maxClockDrift: rule.number({ min: 0, max: 0.2 }),
    priorities: rule.value(`up to ${MAX_PRIORITIES} node ids with integers from 0 to ${MAX_PRIORITY}`, isPriorities),
  };
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function readGroupOptions(owner: string, options: RaftGroupOptions): GroupChoice {
  const rules = groupRules(owner);
  const given = checkOptions<RaftGroupOptions>(owner, rules, options);
  if (given.voters === undefined) throw invalidOption(owner, 'voters', rules.voters.expected, undefined);
  return {
    voters: given.voters === 'founders' ? 'founders' : [...given.voters].sort(),
    timings: checkTimings(owner, { ...raftProfiles[given.profile ?? 'lan'], ...given.timings }),
    maxClockDrift: given.maxClockDrift,
    priorities: given.priorities && Object.fromEntries(Object.entries(given.priorities).sort(byName)),
  };
}

/** Counts of ticks, at least one. */
export function inTicks(ms: number, { tickMs }: RaftTimings): number {
  return Math.max(1, Math.round(ms / tickMs));
}

function checkTimings(owner: string, timings: RaftTimings): RaftTimings {
  const { tickMs, heartbeatMs, electionMs } = timings;
  if (tickMs > heartbeatMs) {
    throw invalidOption(owner, 'timings.tickMs', `at most heartbeatMs (${heartbeatMs})`, tickMs);
  }
  if (heartbeatMs * 2 > electionMs) {
    throw invalidOption(owner, 'timings.heartbeatMs', `at most half of electionMs (${electionMs})`, heartbeatMs);
  }
  // A lease is two ticks shorter than an election time: the heartbeat that renews it must have been answered before.
  const mostMs = (electionMs - heartbeatMs) / 3;
  if (tickMs > mostMs) {
    throw invalidOption(
      owner,
      'timings.tickMs',
      `at most a third of what electionMs has more than heartbeatMs (${mostMs})`,
      tickMs,
    );
  }
  return timings;
}

function isVoters(value: unknown): boolean {
  if (value === 'founders') return true;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_VOTERS) return false;
  return value.every(isNodeId) && new Set(value).size === value.length;
}

function isPriorities(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const priorities = Object.entries(value);
  const isPriority = (each: unknown) => Number.isSafeInteger(each) && (each as number) >= 0;
  return (
    priorities.length <= MAX_PRIORITIES &&
    priorities.every(([id, each]) => isNodeId(id) && isPriority(each) && each <= MAX_PRIORITY)
  );
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}

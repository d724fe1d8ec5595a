import { checkOptions, type OptionRules, rule } from '@quorate/core';
import { type ConsulEngine, consulEngine, isKey, MAX_LEASE_TTL_MS } from '@quorate/engine-consul';
import { type LeaseOptions, leaseRules, type LeaseTimings, leaseTimings } from '@quorate/lease';

export interface ConsulElectionOptions extends LeaseOptions {
  /**
   * Which Consul, as from `consulEngine()`. Several parts of a cluster may share one.
   * @default consulEngine(), the agent of this machine
   */
  readonly engine?: ConsulEngine;
  /**
   * The key whose holder leads, the same on every node. With `prefix/.lock` programs that run under `consul lock prefix`
   * contend for the same leadership.
   * @default 'quorate/<name of the cluster>/leader/.lock'
   */
  readonly key?: string;
  /**
   * For how long nobody gets the key after a leader was lost, and the measure of grants and renewals. At most a minute.
   * @default 10000
   */
  readonly ttlMs?: number;
  /**
   * How long Consul keeps a session that isn't renewed; up to twice as long, in truth. Less than 10 seconds only where the
   * `session_ttl_min` of its agents allows for it. At least half of `ttlMs`.
   * @default 10000, or half of ttlMs where that is more
   */
  readonly sessionTtlMs?: number;
}

/** Options in their normal form. */
export interface ElectionSettings {
  readonly engine: ConsulEngine;
  /** Undefined: that of the cluster's name. */
  readonly key: string | undefined;
  readonly timings: LeaseTimings;
  readonly sessionTtlMs: number | undefined;
}

const OWNER = 'consulElection';
const DAY_MS = 86_400_000;

const rules: OptionRules<ConsulElectionOptions> = {
  ...leaseRules,
  engine: rule.value('what consulEngine() gives', isEngine),
  key: rule.text('parts of letters, digits and "_.~@:+=,-" between slashes', isKey),
  ttlMs: rule.duration({ min: 500, max: MAX_LEASE_TTL_MS }),
  sessionTtlMs: rule.duration({ min: 500, max: DAY_MS }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: ConsulElectionOptions): ElectionSettings {
  const given = checkOptions<ConsulElectionOptions>(OWNER, rules, options);
  const { engine = consulEngine(), key, ttlMs = 10_000, sessionTtlMs } = given;
  return { engine, key, timings: leaseTimings(OWNER, { ...given, ttlMs }), sessionTtlMs };
}

function isEngine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<ConsulEngine>).open === 'function';
}

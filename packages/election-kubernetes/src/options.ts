import { checkOptions, type ClusterContext, invalidOption, type OptionRules, rule } from '@quorate/core';
import {
  isObjectName,
  type KubernetesLeasesOptions,
  kubernetesLeasesRules,
  MIN_LEASE_MS,
  objectNamePart,
} from '@quorate/engine-kubernetes';
import { type LeaseOptions, leaseRules, type LeaseTimings, leaseTimings } from '@quorate/lease';

/** What `kubernetesElection` is told. */
export interface KubernetesElectionOptions extends KubernetesLeasesOptions, Omit<LeaseOptions, 'ttlMs' | 'validForMs'> {
  /**
   * The name of the Lease: the same for all that contend for this leadership, Go programs too.
   * @default 'quorate-' and the name of the cluster, with z and hexadecimal bytes for what no object's name may hold
   */
  readonly name?: string;
  /**
   * How long nobody takes over after the last sign of life of a leader that was seen, in whole seconds, two at least; beside
   * Go programs three, since these compare whole seconds only. client-go's LeaseDuration.
   * @default 15000
   */
  readonly ttlMs?: number;
  /**
   * For how long a grant holds from when the last renewal that succeeded was sent, by this node's monotonic clock.
   * client-go's RenewDeadline.
   * @default two thirds of ttlMs
   */
  readonly validForMs?: number;
}

export interface ElectionSettings {
  readonly leases: KubernetesLeasesOptions;
  readonly timings: LeaseTimings;
  readonly name: (context: ClusterContext) => string;
}

const OWNER = 'kubernetesElection';
const DEFAULT_TTL_MS = 15_000;

const rules: OptionRules<KubernetesElectionOptions> = {
  ...kubernetesLeasesRules,
  ...leaseRules,
  ttlMs: rule.value(`whole seconds in milliseconds, from ${MIN_LEASE_MS}`, isLeaseDuration),
  name: rule.text('the name of a Lease', isObjectName),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: KubernetesElectionOptions): ElectionSettings {
  const {
    name,
    ttlMs = DEFAULT_TTL_MS,
    validForMs,
    renewEveryMs,
    callTimeoutMs,
    ...leases
  } = checkOptions(OWNER, rules, options);
  const given = { ttlMs, validForMs: validForMs ?? (ttlMs * 2) / 3, renewEveryMs, callTimeoutMs };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { leases, timings: leaseTimings(OWNER, known), name: (context) => name ?? defaultName(context) };
}

function defaultName({ cluster }: ClusterContext): string {
  const name = `quorate-${objectNamePart(cluster.name)}`;
  if (isObjectName(name)) return name;
  throw invalidOption(OWNER, 'name', 'given, where the name of the cluster is too long for a Lease', cluster.name);
}

function isLeaseDuration(value: unknown): boolean {
  return typeof value === 'number' && value % 1000 === 0 && value >= MIN_LEASE_MS && value <= 24 * 3_600_000;
}

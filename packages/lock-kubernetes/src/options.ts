import { checkOptions, type ClusterContext, type OptionRules, rule } from '@quorate/core';
import {
  isObjectName,
  type KubernetesLeasesOptions,
  kubernetesLeasesRules,
  objectNamePart,
} from '@quorate/engine-kubernetes';

/** What `kubernetesLocks` is told. */
export interface KubernetesLocksOptions extends KubernetesLeasesOptions {
  /**
   * What the names of the Leases begin with, before a dot and the name of the lock.
   * @default 'quorate-' and the name of the cluster, with z and hexadecimal bytes for what no object's name may hold
   */
  readonly prefix?: string;
  /**
   * How many locks this node may hold and wait for at one time; each follows its Lease over a connection of its own.
   * @default 32
   */
  readonly maxLocks?: number;
}

export interface LocksSettings {
  readonly leases: KubernetesLeasesOptions;
  readonly maxLocks: number;
  readonly leaseName: (context: ClusterContext, lock: string) => string;
}

/** Of the connections that a client has, most may be watches; some must be left for renewals. */
const MOST_LOCKS = 48;

const rules: OptionRules<KubernetesLocksOptions> = {
  ...kubernetesLeasesRules,
  prefix: rule.text('the beginning of an object name', isObjectName),
  maxLocks: rule.integer({ min: 1, max: MOST_LOCKS }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: KubernetesLocksOptions): LocksSettings {
  const { prefix, maxLocks = 32, ...leases } = checkOptions('kubernetesLocks', rules, options);
  const leaseName = ({ cluster }: ClusterContext, lock: string): string =>
    `${prefix ?? `quorate-${objectNamePart(cluster.name)}`}.${objectNamePart(lock)}`;
  return { leases, maxLocks, leaseName };
}

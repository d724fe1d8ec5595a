import { checkOptions, invalidOption, type OptionRules, rule } from '@quorate/core';
import type { EtcdEngine } from '@quorate/engine-etcd';
import { type LeaseOptions, leaseRules, type LeaseTimings, leaseTimings } from '@quorate/lease';

export interface EtcdElectionOptions extends LeaseOptions {
  /** Made by `etcdEngine`. All parts that are given the same one share its connections. */
  readonly engine: EtcdEngine;
  /**
   * What the election is called in etcd, as in `etcdctl elect NAME`: candidates are keys below it. Whoever stands under
   * one name elects one leader, with Quorate or not.
   * @default '/quorate/', the name of the cluster and '/leader'
   */
  readonly name?: string;
}

export interface ElectionSettings {
  readonly engine: EtcdEngine;
  readonly name: string | undefined;
  readonly timings: LeaseTimings;
}

const OWNER = 'etcdElection';
const NAME = /^[\u0021-\u007e]{1,512}$/u;
/** etcd counts leases in seconds, and looks twice a second which are over. */
const MIN_TTL_MS = 1_000;
const MAX_TTL_MS = 86_400_000;

const rules: OptionRules<EtcdElectionOptions> = {
  ...leaseRules,
  engine: rule.value<EtcdEngine>('made by etcdEngine()', isEngine),
  name: rule.text('1 to 512 printable characters without spaces', (text) => NAME.test(text)),
  ttlMs: rule.duration({ min: MIN_TTL_MS, max: MAX_TTL_MS }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readElectionOptions(given: EtcdElectionOptions): ElectionSettings {
  const { engine, name, ...lease } = checkOptions<Partial<EtcdElectionOptions>>(OWNER, rules, given);
  if (engine === undefined) throw invalidOption(OWNER, 'engine', rules.engine.expected, engine);
  return { engine, name, timings: leaseTimings(OWNER, lease) };
}

function isEngine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<EtcdEngine>).open === 'function';
}

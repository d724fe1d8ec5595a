import { type BackoffOptions, checkOptions, invalidOption, type OptionRules, pollingRules, rule } from '@quorate/core';
import type { EtcdEngine } from '@quorate/engine-etcd';

/** What `etcdDiscovery` is told. */
export interface EtcdDiscoveryOptions {
  /** Made by `etcdEngine`. All parts that are given the same one share its connections. */
  readonly engine: EtcdEngine;
  /**
   * What the keys begin with; the cluster's name follows.
   * @default '/quorate/'
   */
  readonly prefix?: string;
  /**
   * How long after its last sign of life a node that died is still there. etcd counts in seconds, and may take longer.
   * @default 15000
   */
  readonly leaseMs?: number;
  /**
   * How often all nodes are read again, give or take a tenth, whatever the watch tells.
   * @default 60000
   */
  readonly resyncMs?: number;
  /**
   * How often a member of etcd whose watch is silent is asked for a sign of life; without one within as long, another
   * member is watched.
   * @default 1000
   */
  readonly livenessMs?: number;
  /**
   * How long etcd may take to answer, on whichever members.
   * @default 5000
   */
  readonly timeoutMs?: number;
  /**
   * Between attempts while etcd fails.
   * @default { baseMs: 500, maxMs: 5000 }
   */
  readonly backoff?: BackoffOptions;
}

export type DiscoverySettings = Required<EtcdDiscoveryOptions>;

const OWNER = 'etcdDiscovery';
const HOUR_MS = 3_600_000;
const PREFIX = /^[\u0021-\u007e]{1,512}$/u;

const rules: OptionRules<EtcdDiscoveryOptions> = {
  engine: rule.value<EtcdEngine>('made by etcdEngine()', isEngine),
  prefix: rule.text('1 to 512 printable characters without spaces', (text) => PREFIX.test(text)),
  leaseMs: rule.duration({ min: 2_000, max: 24 * HOUR_MS }),
  resyncMs: rule.duration({ min: 1_000, max: HOUR_MS }),
  livenessMs: rule.duration({ min: 50, max: HOUR_MS }),
  timeoutMs: rule.duration({ min: 10, max: HOUR_MS }),
  backoff: pollingRules.backoff,
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readDiscoveryOptions(given: EtcdDiscoveryOptions): DiscoverySettings {
  const options = checkOptions<Partial<EtcdDiscoveryOptions>>(OWNER, rules, given);
  const { engine, prefix = '/quorate/' } = options;
  if (engine === undefined) throw invalidOption(OWNER, 'engine', rules.engine.expected, engine);
  return {
    leaseMs: 15_000,
    resyncMs: 60_000,
    livenessMs: 1_000,
    timeoutMs: 5_000,
    backoff: { baseMs: 500, maxMs: 5_000 },
    ...options,
    engine,
    prefix: prefix.endsWith('/') ? prefix : `${prefix}/`,
  };
}

function isEngine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<EtcdEngine>).open === 'function';
}

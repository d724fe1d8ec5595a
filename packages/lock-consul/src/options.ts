import { checkOptions, type OptionRules, rule } from '@quorate/core';
import { type ConsulEngine, consulEngine, isKey } from '@quorate/engine-consul';

/** What `consulLocks` is told. */
export interface ConsulLocksOptions {
  /**
   * Which Consul, as from `consulEngine()`. Several parts of a cluster may share one.
   * @default consulEngine(), the agent of this machine
   */
  readonly engine?: ConsulEngine;
  /**
   * Below which key locks are: `name` is the key `prefix/name/.lock`, so that programs that run under
   * `consul lock prefix/name` contend for the same lock. The same on every node.
   * @default 'quorate/<name of the cluster>/locks'
   */
  readonly prefix?: string;
  /**
   * How long Consul keeps a session that isn't renewed; up to twice as long, in truth. Less than 10 seconds only where the
   * `session_ttl_min` of its agents allows for it. Of a lock whose time to live is more than twice that, half of it.
   * @default 10000
   */
  readonly sessionTtlMs?: number;
  /**
   * How many locks this node may hold and wait for at one time; more are refused with `OVERLOADED`.
   * @default 1000
   */
  readonly maxLocks?: number;
}

/** Options in their normal form. */
export interface LocksSettings {
  readonly engine: ConsulEngine;
  /** Undefined: that of the cluster's name. */
  readonly prefix: string | undefined;
  readonly sessionTtlMs: number | undefined;
  readonly maxLocks: number;
}

const OWNER = 'consulLocks';
const DAY_MS = 86_400_000;

const rules: OptionRules<ConsulLocksOptions> = {
  engine: rule.value('what consulEngine() gives', isEngine),
  prefix: rule.text('parts of letters, digits and "_.~@:+=,-" between slashes', isKey),
  sessionTtlMs: rule.duration({ min: 500, max: DAY_MS }),
  maxLocks: rule.integer({ min: 1, max: 1_000_000 }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: ConsulLocksOptions): LocksSettings {
  const {
    engine = consulEngine(),
    prefix,
    sessionTtlMs,
    maxLocks = 1_000,
  } = checkOptions<ConsulLocksOptions>(OWNER, rules, options);
  return { engine, prefix, sessionTtlMs, maxLocks };
}

function isEngine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<ConsulEngine>).open === 'function';
}

import { checkOptions, invalidOption, type OptionRules, rule } from '@quorate/core';
import type { EtcdEngine } from '@quorate/engine-etcd';

/** What `etcdLocks` is told. */
export interface EtcdLockOptions {
  /** Made by `etcdEngine`. All parts that are given the same one share its connections. */
  readonly engine: EtcdEngine;
  /**
   * What the names of locks in etcd begin with, as in `etcdctl lock NAME`; the lock's own name follows, as in a URL.
   * @default '/quorate/', the name of the cluster and '/locks/'
   */
  readonly prefix?: string;
  /**
   * How many locks this node may hold and wait for at one time. More are refused with `OVERLOADED`.
   * @default 1000
   */
  readonly maxLocks?: number;
}

export interface LockSettings {
  readonly engine: EtcdEngine;
  readonly prefix: string | undefined;
  readonly maxLocks: number;
}

const OWNER = 'etcdLocks';
const PREFIX = /^[\u0021-\u007e]{1,512}$/u;

const rules: OptionRules<EtcdLockOptions> = {
  engine: rule.value<EtcdEngine>('made by etcdEngine()', isEngine),
  prefix: rule.text('1 to 512 printable characters without spaces', (text) => PREFIX.test(text)),
  maxLocks: rule.integer({ min: 1, max: 100_000 }),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readLockOptions(given: EtcdLockOptions): LockSettings {
  const { engine, prefix, maxLocks = 1_000 } = checkOptions<Partial<EtcdLockOptions>>(OWNER, rules, given);
  if (engine === undefined) throw invalidOption(OWNER, 'engine', rules.engine.expected, engine);
  return { engine, prefix, maxLocks };
}

function isEngine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<EtcdEngine>).open === 'function';
}

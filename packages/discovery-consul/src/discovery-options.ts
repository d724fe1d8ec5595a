import {
  checkOptions,
  invalidOption,
  type OptionRules,
  type PollingOptions,
  pollingRules,
  rule,
  type BackoffOptions,
} from '@quorate/core';
import { type ConsulEngine, consulEngine } from '@quorate/engine-consul';

/** What `consulDiscovery` is told. */
export interface ConsulDiscoveryOptions extends Pick<PollingOptions, 'timeoutMs' | 'backoff'> {
  /**
   * Which Consul, as from `consulEngine()`. Several parts of a cluster may share one.
   * @default consulEngine(), the agent of this machine
   */
  readonly engine?: ConsulEngine;
  /**
   * The service that nodes are instances of, a label of DNS. Clusters of different names can share it: each sees its own
   * nodes and those that don't say.
   * @default 'quorate'
   */
  readonly service?: string;
  /**
   * What this node is tagged with when it is registered.
   * @default []
   */
  readonly tags?: readonly string[];
  /**
   * Only instances with all of these tags are nodes.
   * @default []
   */
  readonly withTags?: readonly string[];
  /**
   * Whether instances with a check that fails are left out.
   * @default true
   */
  readonly passingOnly?: boolean;
  /**
   * Whether this node is registered.
   * @default true
   */
  readonly register?: boolean;
  /**
   * How long after its last sign of life a registered node is no longer passing. Signs come three times as often.
   * @default 15000
   */
  readonly ttlMs?: number;
  /**
   * How long after that Consul deregisters the node. Consul looks twice a minute.
   * @default 60000
   */
  readonly deregisterAfterMs?: number;
  /**
   * How long Consul may hold a question to which there is nothing new. A connection that was lost in silence is noticed this
   * long, a sixteenth and `timeoutMs` later.
   * @default 30000
   */
  readonly waitMs?: number;
  /**
   * Below which key of Consul's store `claim` keeps what the cluster was formed with.
   * @default 'quorate'
   */
  readonly keyPrefix?: string;
}

/** Options in their normal form. */
export type DiscoverySettings = Required<ConsulDiscoveryOptions>;

const OWNER = 'consulDiscovery';
const HOUR_MS = 3_600_000;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/u;
const TAG = /^[\x21-\x7e]{1,255}$/u;
const MAX_TAGS = 64;
const KEY = /^[A-Za-z0-9_.-]{1,128}(?:\/[A-Za-z0-9_.-]{1,128}){0,7}$/u;

/** @throws ClusterError `INVALID_OPTIONS` */
export function readDiscoveryOptions(options: ConsulDiscoveryOptions): DiscoverySettings {
  const given = checkOptions<ConsulDiscoveryOptions>(OWNER, rules, options);
  for (const name of ['tags', 'withTags'] as const) {
    const count = given[name]?.length ?? 0;
    if (count > MAX_TAGS) throw invalidOption(OWNER, name, `at most ${MAX_TAGS} tags`, count);
  }
  const backoff: BackoffOptions = { baseMs: 250, maxMs: 10_000, ...given.backoff };
  if (backoff.baseMs > backoff.maxMs) {
    throw invalidOption(
      OWNER,
      'backoff',
      'with baseMs no greater than maxMs',
      `${backoff.baseMs} and ${backoff.maxMs}`,
    );
  }
  const settings = { ...defaults, ...given, backoff };
  return { ...settings, engine: given.engine ?? consulEngine() };
}

const defaults = {
  service: 'quorate',
  tags: [],
  withTags: [],
  passingOnly: true,
  register: true,
  ttlMs: 15_000,
  deregisterAfterMs: 60_000,
  waitMs: 30_000,
  timeoutMs: 5_000,
  keyPrefix: 'quorate',
};

const tag = rule.text('a tag of 1 to 255 visible characters', (text) => TAG.test(text));

const rules: OptionRules<ConsulDiscoveryOptions> = {
  engine: rule.value('what consulEngine() gives', isEngine),
  service: rule.text('a label of DNS: letters, digits and hyphens, at most 63', (text) => LABEL.test(text)),
  tags: rule.list(tag),
  withTags: rule.list(tag),
  passingOnly: rule.flag(),
  register: rule.flag(),
  ttlMs: rule.duration({ min: 1_000, max: HOUR_MS }),
  deregisterAfterMs: rule.duration({ min: 60_000, max: 24 * HOUR_MS }),
  waitMs: rule.duration({ min: 100, max: 600_000 }),
  timeoutMs: pollingRules.timeoutMs,
  backoff: pollingRules.backoff,
  keyPrefix: rule.text('parts of letters, digits, ".", "_" and "-" between slashes', (text) => KEY.test(text)),
};

function isEngine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Partial<ConsulEngine>).open === 'function';
}

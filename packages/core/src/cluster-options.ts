import type { Address } from './address.ts';
import { type CertificateOptions, certificateRules } from './certificates.ts';
import { isNodeId, type NodeId } from './cluster-node.ts';
import type { ConsistencyLevel } from './consistency.ts';
import type { IClusterDiscovery } from './discovery.ts';
import type { LeaderElection } from './election.ts';
import type { Formation } from './formation.ts';
import { Keyring, MAX_SECRET_LENGTH, MIN_SECRET_LENGTH } from './keyring.ts';
import type { Locks } from './locks.ts';
import { DEBUG_TEXT, isLogger, type Logger, type LogSink } from './logger.ts';
import type { Membership } from './membership.ts';
import { type OptionRule, type OptionRules, rule } from './option-rules.ts';
import type { Plugin, PluginKind } from './plugin.ts';
import type { AnyReplicator } from './replicator.ts';
import type { Storage } from './storage.ts';
import type { System } from './system.ts';
import { isTelemetry, type Telemetry } from './telemetry.ts';
import type { Transport } from './transport.ts';

/** What a cluster is made of. Everything but `nodeId` has a default or may be left out. */
export interface ClusterOptions<R extends AnyReplicator = AnyReplicator> {
  /**
   * False gives a cluster of one with the same API, that needs no network: this node is its only member and leads.
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * The cluster's name; nodes of another name are refused.
   * @default 'default'
   */
  readonly name?: string;
  /** The id that was made for this cluster; without it, it is learned from storage or the first peer that knows it. */
  readonly clusterId?: string;
  /** Stable for the life of the node, across restarts and changes of address. */
  readonly nodeId: NodeId;
  /**
   * Where to listen; port 0 means any free port. Needs a transport.
   * @default '127.0.0.1:0'
   */
  readonly bind?: Address | string;
  /**
   * Where others reach this node; port 0 means the bound one. Needed when `bind` is a wildcard such as 0.0.0.0.
   * @default what is bound
   */
  readonly advertise?: Address | string;
  readonly zone?: string;
  readonly region?: string;
  /** Relative capacity; readers take an absent weight as 1. */
  readonly weight?: number;
  /** Free for the user; other nodes see it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * What all nodes of the cluster know and nobody else: they show each other that they know it, and encrypt what they
   * say. At least 16 characters that nobody can guess, best 32 random bytes as text. Needs a transport.
   * @default none: then only loopback is bound, unless `insecure` is set
   */
  readonly secret?: string;
  /** In place of `secret`: secrets that can be changed while the cluster runs. */
  readonly keyring?: Keyring;
  /**
   * Streams are secured by certificates in place of the secret, which then serves datagrams only. Files, read again when
   * they change. Needs a transport.
   * @default none
   */
  readonly certificates?: CertificateOptions;
  /**
   * Binds addresses that others reach although nothing is authenticated or encrypted: whoever reaches the port can join.
   * For networks that are closed by other means.
   * @default false
   */
  readonly insecure?: boolean;
  /** Addresses to try for ever, whatever discovery says. Needs a transport. */
  readonly seedNodes?: readonly (Address | string)[];
  /**
   * On how many nodes the replicator keeps each write.
   * @default 3
   */
  readonly replicationFactor?: number;
  /**
   * What the replicator's reads and writes wait for unless the call says otherwise.
   * @default 'quorum'
   */
  readonly consistency?: ConsistencyLevel;
  /**
   * Whether this node stands for election when it starts, and again whenever it has lost leadership.
   * @default true
   */
  readonly campaign?: boolean;
  readonly timings?: ClusterTimings;
  readonly transport?: Plugin<Transport, 'transport'>;
  readonly storage?: Plugin<Storage, 'storage'>;
  /** @default connectionMembership() */
  readonly membership?: Plugin<Membership, 'membership'>;
  readonly discovery?: Plugin<IClusterDiscovery, 'discovery'>;
  /**
   * How the cluster comes to be, where that isn't arranged by hand: with it `start` resolves once this node knows its
   * cluster's id and first voters.
   */
  readonly formation?: Plugin<Formation, 'formation'>;
  readonly election?: Plugin<LeaderElection, 'election'>;
  readonly replicator?: Plugin<R, 'replicator'>;
  /** Fenced locks by name, for all nodes of the cluster. */
  readonly locks?: Plugin<Locks, 'locks'>;
  /** @default the real machine, from `@quorate/core/node` */
  readonly system?: System;
  /** @default the system's */
  readonly logger?: Logger;
  /**
   * The least that is logged. `debug` is everything, each frame on the wire too.
   * @default 'info'
   */
  readonly logLevel?: LogSink;
  /**
   * Parts whose details are logged whatever the level, separated by commas: `wire,election`.
   * @default the system's: on the real machine, the environment variable `QUORATE_DEBUG`
   */
  readonly debug?: string;
  /**
   * Where measurements and traces go, such as `prometheus()` of `@quorate/telemetry`. Several clusters may share one.
   * @default the system's, or none: then nothing is measured
   */
  readonly telemetry?: Telemetry;
}

/** How long a cluster waits for its own steps. */
export interface ClusterTimings {
  /**
   * Within which `start` succeeds or is undone.
   * @default 30000
   */
  readonly startTimeoutMs?: number;
  /**
   * Within which each step of `stop` is done or given up.
   * @default 5000
   */
  readonly stopStepTimeoutMs?: number;
  /**
   * How long a peer may be without a connection before it counts as unreachable. An option of the default membership:
   * refused beside another one.
   * @default 10000
   */
  readonly unreachableAfterMs?: number;
}

/** Addresses in their one form. */
export interface CheckedClusterOptions extends Omit<ClusterOptions, 'bind' | 'advertise' | 'seedNodes'> {
  readonly bind?: Address;
  readonly advertise?: Address;
  readonly seedNodes?: readonly Address[];
}

/** The options that are parts or objects: a program gives them, no text can. */
export type ObjectOption = PluginKind | 'keyring' | 'certificates' | 'system' | 'logger' | 'telemetry';

const HOUR_MS = 3_600_000;
const NAME = 'letters, digits, ".", "_" and "-", beginning and ending with a letter or digit, at most 128';

export const timingRules: OptionRules<ClusterTimings> = {
  startTimeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  stopStepTimeoutMs: rule.duration({ min: 1, max: HOUR_MS }),
  unreachableAfterMs: rule.duration({ min: 0, max: 24 * HOUR_MS }),
};

/** The options that can be had from text. */
export const textRules: Omit<OptionRules<CheckedClusterOptions>, ObjectOption | 'timings'> = {
  enabled: rule.flag(),
  name: rule.text(NAME, isNodeId),
  clusterId: rule.text(NAME, isNodeId),
  nodeId: rule.text(NAME, isNodeId),
  bind: rule.address(),
  advertise: rule.address(),
  zone: rule.text(),
  region: rule.text(),
  weight: rule.number({ min: 0 }),
  metadata: metadataRule(),
  secret: rule.secret({ min: MIN_SECRET_LENGTH, max: MAX_SECRET_LENGTH }),
  insecure: rule.flag(),
  seedNodes: rule.list(rule.address()),
  replicationFactor: rule.integer({ min: 1, max: 99 }),
  consistency: rule.oneOf('eventual', 'quorum', 'linearizable'),
  campaign: rule.flag(),
  logLevel: rule.oneOf('silent', 'debug', 'info', 'warn', 'error'),
  debug: rule.text('names separated by commas, such as "wire,election"', (text) => DEBUG_TEXT.test(text)),
};

export const clusterRules: OptionRules<CheckedClusterOptions> = {
  ...textRules,
  timings: rule.group('createCluster: timings', timingRules),
  keyring: rule.value('a Keyring', (value) => value instanceof Keyring),
  certificates: rule.group('createCluster: certificates', certificateRules),
  transport: pluginRule('transport'),
  storage: pluginRule('storage'),
  membership: pluginRule('membership'),
  discovery: pluginRule('discovery'),
  formation: pluginRule('formation'),
  election: pluginRule('election'),
  replicator: pluginRule('replicator'),
  locks: pluginRule('locks'),
  system: rule.value('a System: clock, random, net, disk, crypto and logger', isSystem),
  logger: rule.value('a logger with debug, info, warn and error, such as console', isLogger),
  telemetry: rule.value('a Telemetry, such as prometheus()', isTelemetry),
};

function metadataRule(): OptionRule<Readonly<Record<string, string>>> {
  const accept = (value: unknown) => (isTextRecord(value) ? value : undefined);
  return { expected: 'an object whose values are texts', accept, fromText: (text) => accept(parseJson(text)) };
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'string');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pluginRule<T, K extends PluginKind>(kind: K): OptionRule<Plugin<T, K>> {
  return {
    expected: `a plugin of kind ${kind}`,
    accept: (value) => (isPlugin(value) && value.kind === kind ? (value as Plugin<T, K>) : undefined),
    blame: (value) =>
      isPlugin(value)
        ? { path: '', expected: `a plugin of kind ${kind}`, got: `${value.name}, which is of kind ${value.kind}` }
        : undefined,
  };
}

function isPlugin(value: unknown): value is Plugin<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { name, kind, requires, create } = value as Partial<Record<keyof Plugin<unknown>, unknown>>;
  const named = typeof name === 'string' && typeof kind === 'string';
  return named && Array.isArray(requires) && typeof create === 'function';
}

function isSystem(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { clock, random, net, disk, crypto, logger } = value as Partial<Record<keyof System, unknown>>;
  return (
    [clock, random, net, disk, crypto].every((part) => typeof part === 'object' && part !== null) && isLogger(logger)
  );
}

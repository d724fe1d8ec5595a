import type { Charter } from './charter.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { Composition } from './composition.ts';
import type {
  ClusterContext,
  ClusterIdentity,
  FormationContext,
  MembershipContext,
  ReplicatorContext,
  TransportContext,
} from './context.ts';
import type { IClusterDiscovery } from './discovery.ts';
import type { LeaderElection } from './election.ts';
import type { Formation } from './formation.ts';
import { type DebugScopes, everyDebugScope, leveledLogger, type Logger, parseDebugScopes } from './logger.ts';
import type { Locks } from './locks.ts';
import type { Membership, MembershipChange } from './membership.ts';
import { loadIdentity, type NodeIdentity } from './node-record.ts';
import type { PluginKind } from './plugin.ts';
import type { AnyReplicator } from './replicator.ts';
import type { Storage } from './storage.ts';
import type { System } from './system.ts';
import type { Telemetry } from './telemetry.ts';
import type { Teardown } from './teardown.ts';
import type { Transport } from './transport.ts';

/** The parts of a node that can be reached, by kind. */
export interface Ground {
  readonly transport: Transport;
  readonly membership: Membership;
  /** Every change of the membership from the beginning. */
  readonly changes: AsyncIterable<MembershipChange>;
  readonly storage: Storage | undefined;
  readonly discovery: IClusterDiscovery | undefined;
  readonly formation: Formation | undefined;
  /** What discovery, election, replicator and locks are made from. */
  readonly context: ClusterContext;
  readonly identity: ClusterIdentity;
  readonly keepCharter: (charter: Charter) => Promise<void>;
  /** The context of a part, with a logger of its own. */
  readonly scoped: (kind: PluginKind) => ClusterContext;
}

/** The parts of a running cluster, by kind. */
export interface Parts extends Ground {
  readonly election: LeaderElection | undefined;
  readonly replicator: AnyReplicator | undefined;
  readonly locks: Locks | undefined;
}

/** Names the step that begins now, and refuses to begin it when the start was given up. */
type BeginStep = (what: string) => void;

export interface Making {
  readonly composition: Composition;
  readonly system: System;
  /** The cluster's. */
  readonly telemetry: Telemetry;
  readonly teardown: Teardown;
  readonly begin: BeginStep;
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * Makes each part by which a node is reached from those made before it, opening the storage first because the transport carries the incarnation.
 * What is made is put on the teardown at once, so that it is closed whatever fails next.
 */
export async function makeGround(making: Making): Promise<Ground> {
  const { composition, system } = making;
  const { plugins } = composition;
  const storage = await openStorage(making);
  const identity = await loadNode(making, storage);
  const { self, bind, security } = composition;
  await openCertificates(making);
  const base = { ...surroundings(making, 'transport'), self, bind, security };
  const debug = debugScopes(composition, system);
  const { incarnation, cluster, keepCharter } = identity;
  const transportContext: TransportContext = { ...base, incarnation, cluster, debug };
  const transport = make(making, 'transport', () => plugins.transport.create(transportContext));
  const membershipContext = { ...transportContext, ...logging(making, 'membership'), transport, storage };
  const membership = make(making, 'membership', () => plugins.membership.create(live(membershipContext)));
  // Undone once all is closed that is made later and may have something to say, and before the others can't be reached.
  making.teardown.push('leave', async (signal) => membership.leave({ signal }));
  const scoped = (kind: PluginKind): ClusterContext =>
    live({ ...transportContext, ...logging(making, kind), transport, storage, membership });
  const discovery = makeOptional(making, 'discovery', plugins.discovery, (it) => it.create(scoped('discovery')));
  const forFormation = (): FormationContext => live({ ...scoped('formation'), discovery });
  const formation = makeOptional(making, 'formation', plugins.formation, (it) => it.create(forFormation()));
  const context = live({ ...scoped('discovery'), logger: scopedLogger(composition, system, 'cluster') });
  const changes = membership.watch();
  return {
    transport,
    membership,
    changes,
    storage,
    discovery,
    formation,
    context,
    identity: cluster,
    keepCharter,
    scoped,
  };
}

/** Makes what works within a cluster: with a formation, one whose charter is known by now. */
export function makeParts(making: Making, ground: Ground): Parts {
  const { plugins, options } = making.composition;
  const { scoped } = ground;
  const election = makeOptional(making, 'election', plugins.election, (it) => it.create(scoped('election')));
  const { replicationFactor = 3, consistency = 'quorum' } = options;
  const forReplicator = (): ReplicatorContext =>
    live({ ...scoped('replicator'), election, replicationFactor, consistency });
  const replicator = makeOptional(making, 'replicator', plugins.replicator, (it) => it.create(forReplicator()));
  const locks = makeOptional(making, 'locks', plugins.locks, (it) => it.create(scoped('locks')));
  return { ...ground, election, replicator, locks };
}

type LogSource = Pick<System, 'logger' | 'debug'>;

/** A logger whose level and prefix are the scope's. */
export function scopedLogger(composition: Composition, system: LogSource, scope: string): Logger {
  const { options } = composition;
  const { nodeId, logLevel = 'info' } = options;
  const scopes = debugScopes(composition, system);
  const isDebugged = scopes.has(scope) || (scope === 'transport' && scopes.has('wire'));
  return leveledLogger(options.logger ?? system.logger, isDebugged ? 'debug' : logLevel, `${nodeId} ${scope}: `);
}

/** The cluster's own choice, else the machine's. The level `debug` asks for everything. */
function debugScopes({ options }: Composition, system: LogSource): DebugScopes {
  if (options.logLevel === 'debug') return everyDebugScope;
  return options.debug === undefined && system.debug !== undefined ? system.debug : parseDebugScopes(options.debug);
}

/** The transport knows the address that was bound, once it has started: `self` is read from it at each use. */
function live<C extends MembershipContext>(context: C): C {
  const { transport } = context;
  return Object.defineProperty({ ...context }, 'self', { enumerable: true, get: (): ClusterNode => transport.self });
}

async function openStorage(making: Making): Promise<Storage | undefined> {
  const { composition, begin } = making;
  const plugin = composition.plugins.storage;
  if (plugin === undefined) return undefined;
  const context = { ...surroundings(making, 'storage'), nodeId: composition.self.id };
  const storage = make(making, 'storage', () => plugin.create(context));
  begin(`open ${plugin.name}`);
  await storage.open();
  return storage;
}

async function openCertificates({ composition, system, teardown, begin }: Making): Promise<void> {
  const { certificates } = composition.security;
  if (certificates === undefined || composition.options.enabled === false) return;
  begin('read the certificates');
  teardown.push('close the certificates', async () => certificates[Symbol.asyncDispose]());
  const { disk, clock, net } = system;
  await certificates.open({ disk, clock, net, logger: scopedLogger(composition, system, 'certificates') });
}

async function loadNode(
  { composition, system, teardown, begin, onError }: Making,
  storage: Storage | undefined,
): Promise<Pick<NodeIdentity, 'incarnation' | 'cluster' | 'keepCharter'>> {
  const { name: clusterName = 'default', clusterId, nodeId } = composition.options;
  begin('read and write the record "node"');
  const { settled, ...identity } = await loadIdentity({
    storage,
    nodeId,
    clusterName,
    clusterId,
    random: system.random,
    onError: (error) => onError('write the cluster id', error),
  });
  teardown.push('write the cluster id', settled);
  return identity;
}

/** The machine, with a logger of the part's own. Named one by one: a system may be an object with getters. */
function surroundings(making: Making, kind: PluginKind): System {
  const { clock, random, net, disk, crypto, crc32 } = making.system;
  const { telemetry } = making;
  return { clock, random, net, disk, crypto, telemetry, ...(crc32 && { crc32 }), ...logging(making, kind) };
}

function logging({ composition, system }: Making, kind: PluginKind): Pick<System, 'logger'> {
  return { logger: scopedLogger(composition, system, kind) };
}

function makeOptional<P extends { readonly name: string }, T extends AsyncDisposable>(
  making: Making,
  kind: PluginKind,
  plugin: P | undefined,
  create: (plugin: P) => T,
): T | undefined {
  return plugin === undefined ? undefined : make(making, kind, () => create(plugin));
}

function make<T extends AsyncDisposable>(
  { composition, teardown, begin }: Making,
  kind: PluginKind,
  create: () => T,
): T {
  const name = composition.plugins[kind]?.name ?? kind;
  begin(`make ${name}`);
  const part = create();
  teardown.push(`close ${name}`, async () => part[Symbol.asyncDispose]());
  return part;
}

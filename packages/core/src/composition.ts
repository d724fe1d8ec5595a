import { type Address, formatAddress } from './address.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterNode, isClusterNode, MAX_NODE_BYTES } from './cluster-node.ts';
import type { CheckedClusterOptions, ClusterTimings } from './cluster-options.ts';
import { CertificateFiles, type CertificateOptions } from './certificates.ts';
import { connectionMembership } from './connection-membership.ts';
import { Keyring } from './keyring.ts';
import type { Capability, Plugin, PluginKind } from './plugin.ts';
import { authenticates, type Security } from './security.ts';
import { soloDiscovery, soloElection, soloTransport } from './solo.ts';
import { soloLocks } from './solo-locks.ts';

/** The plugins that a cluster will be made of: those that were chosen, and what stands in for others. */
export interface Composition {
  readonly options: CheckedClusterOptions;
  readonly self: ClusterNode;
  readonly bind: Address;
  readonly security: Security & { readonly certificates: CertificateFiles | undefined };
  readonly timings: Required<Omit<ClusterTimings, 'unreachableAfterMs'>>;
  readonly plugins: ChosenPlugins & Required<Pick<ChosenPlugins, 'transport' | 'membership'>>;
  /** The kinds that the user can ask the cluster for. */
  readonly offered: ReadonlySet<PluginKind>;
}

type ChosenPlugins = Pick<CheckedClusterOptions, PluginKind>;

const KINDS: readonly PluginKind[] = [
  'transport',
  'storage',
  'membership',
  'discovery',
  'formation',
  'election',
  'replicator',
  'locks',
];
const DEFAULT_BIND: Address = { host: '127.0.0.1', port: 0 };
/** Every way to write the address of all interfaces: `0.0.0.0`, `0`, `::`, `0::0`. */
const WILDCARD = /^[0.:]+$/u;

/**
 * Makes a plan of options that are each right by themselves.
 * @throws ClusterError `INVALID_OPTIONS`, naming what contradicts what
 */
export function compose(options: CheckedClusterOptions): Composition {
  const { enabled = true, bind = DEFAULT_BIND, timings = {} } = options;
  checkNetwork(options, enabled);
  checkUse(options, enabled);
  for (const kind of KINDS) checkRequirements(options, kind);
  const self = describeSelf(options, options.advertise ?? bind);
  const parts = chosenParts(options);
  const security = securityFrom(options);
  if (enabled) checkSecurity(options, security);
  for (const part of parts) part.check?.({ self, bind, security, parts });
  const { startTimeoutMs = 30_000, stopStepTimeoutMs = 5_000 } = timings;
  return {
    options,
    bind,
    security,
    self,
    timings: { startTimeoutMs, stopStepTimeoutMs },
    ...(enabled ? together(options) : alone(options)),
  };
}

function securityFrom(options: CheckedClusterOptions): Composition['security'] {
  const { name = 'default', nodeId, secret, keyring, certificates: files, insecure = false } = options;
  if (secret !== undefined && keyring !== undefined) refuse('secret is set, but keyring has the secrets');
  for (const option of ['cert', 'key', 'ca'] as const) {
    if (files !== undefined && (files as Partial<CertificateOptions>)[option] === undefined) {
      refuse(`certificates is set, but certificates.${option} is not`);
    }
  }
  return {
    keyring: secret === undefined ? keyring : new Keyring({ use: secret }),
    certificates: files && new CertificateFiles(files, name, nodeId),
    insecure,
  };
}

/** What was asked for in order to keep strangers out must not be left undone silently. */
function checkSecurity({ transport, secret }: CheckedClusterOptions, security: Security): void {
  if (transport === undefined || !authenticates(security) || provides(transport, 'secured-streams')) return;
  const secrets = secret === undefined ? 'keyring' : 'secret';
  const option = security.certificates === undefined ? secrets : 'certificates';
  refuse(`${option} is set, but transport is ${transport.name}, which cannot secure its streams`);
}

function together(options: CheckedClusterOptions): Pick<Composition, 'plugins' | 'offered'> {
  const { timings: { unreachableAfterMs } = {}, transport = soloTransport } = options;
  const membership = options.membership ?? connectionMembership(withoutUnset({ unreachableAfterMs }));
  const { storage, discovery, formation, election, replicator, locks } = options;
  const plugins = { transport, membership, storage, discovery, formation, election, replicator, locks };
  return { plugins: withoutUnset(plugins), offered: new Set([...chosenKinds(options), 'membership']) };
}

/** A cluster of one. Its storage is real: that is this node's own. */
function alone({ storage, discovery, locks }: CheckedClusterOptions): Pick<Composition, 'plugins' | 'offered'> {
  const plugins = {
    transport: soloTransport,
    membership: connectionMembership(),
    election: soloElection,
    storage,
    discovery: discovery === undefined ? undefined : soloDiscovery,
    locks: locks === undefined ? undefined : soloLocks,
  };
  const kept = withoutUnset(plugins);
  return { plugins: kept, offered: new Set(KINDS.filter((kind) => Object.hasOwn(kept, kind))) };
}

function checkNetwork(options: CheckedClusterOptions, enabled: boolean): void {
  const { transport, seedNodes = [], discovery, formation, bind, advertise, secret, keyring, insecure } = options;
  const { certificates } = options;
  if (!enabled && seedNodes.length > 0)
    refuse('seedNodes is set, but enabled is false: a cluster of one has no others');
  if (enabled && transport === undefined) {
    const others = { discovery, formation, bind, advertise, secret, keyring, certificates, insecure };
    const needed = { seedNodes: seedNodes.length > 0, ...others };
    const option = Object.entries(needed).find(([, value]) => value !== undefined && value !== false)?.[0];
    if (option !== undefined) refuse(`${option} is set, but no transport is chosen that could use it`);
  }
  if (advertise !== undefined && WILDCARD.test(advertise.host)) {
    refuse(`advertise is ${formatAddress(advertise)}, which nobody can dial`);
  }
  if (bind !== undefined && WILDCARD.test(bind.host) && advertise === undefined) {
    refuse(`advertise must be set, because bind is ${formatAddress(bind)}, which nobody can dial`);
  }
}

/** An option for a part that is not there is refused; a default for it is no error. */
function checkUse(options: CheckedClusterOptions, enabled: boolean): void {
  const { replicator, election, membership, formation, clusterId, timings = {} } = options;
  if (formation !== undefined && clusterId !== undefined) {
    refuse(`clusterId is set, but formation is ${formation.name}, which finds it or makes it`);
  }
  for (const option of ['replicationFactor', 'consistency'] as const) {
    if (options[option] !== undefined && replicator === undefined) {
      refuse(`${option} is set, but no replicator is chosen that could keep it`);
    }
  }
  if (!enabled && replicator !== undefined) {
    refuse(`replicator is ${replicator.name}, but enabled is false: a cluster of one cannot replicate`);
  }
  if (options.campaign === true && election === undefined && enabled) {
    refuse('campaign is true, but no election is chosen');
  }
  if (timings.unreachableAfterMs !== undefined && membership !== undefined) {
    refuse(`timings.unreachableAfterMs is set, but membership is ${membership.name}, which has its own timings`);
  }
}

function checkRequirements(options: CheckedClusterOptions, kind: PluginKind): void {
  const plugin: Plugin<unknown> | undefined = options[kind];
  if (plugin === undefined) return;
  const others = chosenParts(options).filter((other) => other.kind !== kind);
  for (const capability of plugin.requires) {
    if (!others.some((other) => provides(other, capability))) {
      refuse(`${kind} is ${plugin.name}, which requires ${capability}, and no chosen part provides that`);
    }
  }
}

function provides(plugin: Plugin<unknown>, capability: Capability): boolean {
  return plugin.kind === capability || plugin.provides?.includes(capability) === true;
}

function describeSelf(options: CheckedClusterOptions, { host, port }: Address): ClusterNode {
  const { nodeId: id, zone, region, weight, metadata } = options;
  const self: ClusterNode = { id, host, port, ...withoutUnset({ zone, region, weight, metadata }) };
  if (!isClusterNode(self)) refuse(`zone, region and metadata must fit ${MAX_NODE_BYTES} bytes of JSON together`);
  return self;
}

function chosenParts(options: CheckedClusterOptions): readonly Plugin<unknown>[] {
  return KINDS.map((kind): Plugin<unknown> | undefined => options[kind]).filter((part) => part !== undefined);
}

function chosenKinds(options: CheckedClusterOptions): readonly PluginKind[] {
  return KINDS.filter((kind) => options[kind] !== undefined);
}

type WithoutUnset<O> = {
  [K in keyof O as undefined extends O[K] ? K : never]?: Exclude<O[K], undefined>;
} & { [K in keyof O as undefined extends O[K] ? never : K]: O[K] };

function withoutUnset<O extends object>(options: O): WithoutUnset<O> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as WithoutUnset<O>;
}

function refuse(what: string): never {
  throw new ClusterError('INVALID_OPTIONS', `createCluster: ${what}`);
}

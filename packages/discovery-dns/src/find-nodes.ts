import { type Address, ClusterError, type DiscoveredNode, formatAddress, isNodeId } from '@quorate/core';

import type { DnsClient } from './dns-client.ts';
import { isDnsName } from './dns-name.ts';
import { inParallel } from './in-parallel.ts';
import { isUnicast } from './ip-address.ts';
import { findRecords, type FoundRecords } from './record-lookup.ts';
import type { AddressRecord, ServiceRecord } from './resource.ts';

export type AddressType = AddressRecord['type'];

/** Where answers come from, and what is to be made of them. */
export interface NodeSource {
  readonly client: DnsClient;
  readonly resolvers: readonly Address[];
  readonly families: readonly AddressType[];
  /** Whether the first label of an SRV record's target is the id of the node there. */
  readonly namesNodes: boolean;
}

/** The nodes under a full name. */
export interface FoundNodes {
  readonly nodes: readonly DiscoveredNode[];
  readonly ttlSeconds: number;
  readonly isComplete: boolean;
  /** What had to be left out, and why. */
  readonly problems: readonly string[];
}

/** Questions under way at a time, where a server didn't add the addresses of a service's targets. */
const PARALLEL_QUESTIONS = 16;
/** Of the target of a service, which is one machine; more are left out. */
const MAX_ADDRESSES = 16;
/** When to try a target again whose address could not be found. */
const FAILED_TTL_SECONDS = 5;
/** Of many problems, in a message. */
const MAX_SHOWN = 3;
/** Of a stranger's text in a message. */
const MAX_QUOTED = 100;

/**
 * The nodes that the SRV records of a name tell of.
 * @throws ClusterError when the resolvers don't answer
 */
export async function findService(source: NodeSource, name: string, signal: AbortSignal): Promise<FoundNodes> {
  const { client, resolvers } = source;
  const found = await findRecords(client, resolvers, { name, type: 'SRV' }, signal);
  const [services, refused] = usableServices(found.records);
  const targets = new Map(services.map(({ target }) => [target, added(source, found.additionals, target)]));
  const unknown = [...targets].filter(([, host]) => host.addresses.length === 0).map(([target]) => target);
  const ask = async (target: string) => targets.set(target, await findHostOf(source, target, signal));
  await inParallel(unknown, PARALLEL_QUESTIONS, ask);
  const hosts = [...targets.values()];
  // Weights that are all 0 say that none are given. (RFC 2782)
  const hasWeights = services.some(({ weight }) => weight > 0);
  const problems = [...refused, ...hosts.flatMap((host) => host.problems)];
  const nodes = services.flatMap((service) => nodesOf(source, service, targets.get(service.target), hasWeights));
  checkUse(name, nodes, problems);
  return {
    nodes,
    ttlSeconds: Math.min(found.ttlSeconds, ...hosts.map(({ ttlSeconds }) => ttlSeconds)),
    isComplete: found.isComplete && problems.length === 0,
    problems: found.isComplete ? problems : [...problems, `${name}: there are more records than fit into an answer`],
  };
}

/**
 * The nodes at the addresses of a name, all on one port.
 * @throws ClusterError when the resolvers don't answer for any family
 */
export async function findHosts(
  source: NodeSource,
  { host: name, port }: Address,
  signal: AbortSignal,
): Promise<FoundNodes> {
  const { addresses, ...rest } = await findAddresses(source, name, signal);
  const nodes = addresses.map((host) => ({ host, port }));
  checkUse(name, nodes, rest.problems);
  return { nodes, ...rest };
}

/**
 * Something is there, and none of it leads to a node: that is not the answer of a source which knows nobody.
 * @throws ClusterError `PROTOCOL`
 */
function checkUse(name: string, nodes: readonly DiscoveredNode[], problems: readonly string[]): void {
  if (nodes.length > 0 || problems.length === 0) return;
  const shown = problems.slice(0, MAX_SHOWN).join('; ');
  throw new ClusterError('PROTOCOL', `${name}: nothing there leads to a node: ${shown}`);
}

/** Where a name leads. */
interface Host extends Omit<FoundNodes, 'nodes'> {
  readonly addresses: readonly string[];
}

/** A target whose address cannot be found hides none of the others. */
async function findHostOf(source: NodeSource, target: string, signal: AbortSignal): Promise<Host> {
  try {
    const host = limited(target, await findAddresses(source, target, signal));
    if (host.addresses.length > 0 || host.problems.length > 0) return host;
    return { ...host, isComplete: false, problems: [`${target} has no address`] };
  } catch (error) {
    return { addresses: [], ttlSeconds: FAILED_TTL_SECONDS, isComplete: false, problems: [String(error)] };
  }
}

async function findAddresses(source: NodeSource, name: string, signal: AbortSignal): Promise<Host> {
  const { client, resolvers, families } = source;
  const asked = await Promise.allSettled(
    families.map((type) => findRecords(client, resolvers, { name, type }, signal)),
  );
  const found = asked.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = asked.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  // A family without an answer must not pass for one without addresses.
  if (failed.length > 0 && found.every(({ records }) => records.length === 0)) throw failed[0];
  const host = hostOf(name, found);
  const problems = [...host.problems, ...failed.map(String)];
  return { ...host, isComplete: host.isComplete && failed.length === 0, problems };
}

function hostOf(name: string, found: readonly Omit<FoundRecords<AddressRecord>, 'additionals'>[]): Host {
  const records = found.flatMap((family) => family.records);
  const all = [...new Set(records.map(({ address }) => address))];
  const usable = all.filter(isUnicast);
  const refused = all.filter((address) => !isUnicast(address));
  const problems = refused.map((address) => `${name}: ${address} is not the address of one machine`);
  const isComplete = found.every((family) => family.isComplete);
  if (!isComplete) problems.push(`${name}: there are more addresses than fit into an answer`);
  return {
    addresses: usable,
    ttlSeconds: Math.min(...found.map(({ ttlSeconds }) => ttlSeconds)),
    isComplete: isComplete && problems.length === 0,
    problems,
  };
}

/** What the server told of a target without being asked. */
function added({ families }: NodeSource, additionals: readonly AddressRecord[], target: string): Host {
  const isOfTarget = ({ name, type }: AddressRecord) => name === target && families.includes(type);
  const records = additionals.filter(isOfTarget);
  const ttlSeconds = Math.min(...records.map((record) => record.ttlSeconds));
  return limited(target, hostOf(target, [{ records, ttlSeconds, isComplete: true }]));
}

function limited(target: string, host: Host): Host {
  const { addresses, problems } = host;
  if (addresses.length <= MAX_ADDRESSES) return host;
  const problem = `${target}: of ${addresses.length} addresses ${MAX_ADDRESSES} are used`;
  return { ...host, addresses: addresses.slice(0, MAX_ADDRESSES), isComplete: false, problems: [...problems, problem] };
}

function usableServices(records: readonly ServiceRecord[]): [services: ServiceRecord[], problems: string[]] {
  const problems: string[] = [];
  const services = records.filter(({ name, target, port }) => {
    if (target === '') return false;
    const isUsable = isDnsName(target) && port > 0;
    const text = JSON.stringify(formatAddress({ host: target, port })).slice(0, MAX_QUOTED);
    if (!isUsable) problems.push(`${name}: ${text} is no place to find a node`);
    return isUsable;
  });
  return [services, problems];
}

function nodesOf(
  { namesNodes }: NodeSource,
  { target, port, priority, weight }: ServiceRecord,
  host: Host | undefined,
  hasWeights: boolean,
): readonly DiscoveredNode[] {
  const label = target.split('.')[0];
  const id = namesNodes && isNodeId(label) ? { id: label } : {};
  const rank = { ...(priority > 0 ? { priority } : {}), ...(hasWeights ? { weight } : {}) };
  return (host?.addresses ?? []).map((address) => ({ ...id, host: address, port, ...rank }));
}

import { ClusterError, type ClusterNode, type DiscoveredNode, formatAddress, isNodeId } from '@quorate/core';

import { clusterOf, decodeMeta, encodeMeta } from './service-meta.ts';

/** An instance of the service as an agent is told of it. */
export interface ServiceDefinition {
  readonly ID: string;
  readonly Name: string;
  readonly Address: string;
  readonly Port: number;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
  readonly Weights: { readonly Passing: number; readonly Warning: number };
}

const MAX_WEIGHT = 65_535;

/** Of each node of each cluster there is one instance an agent. */
export function instanceId(service: string, cluster: string, nodeId: string): string {
  return `${service}:${cluster}:${nodeId}`;
}

export function defineService(
  node: ClusterNode,
  { service, cluster, tags }: { readonly service: string; readonly cluster: string; readonly tags: readonly string[] },
): ServiceDefinition {
  return {
    ID: instanceId(service, cluster, node.id),
    Name: service,
    Address: node.host,
    Port: node.port,
    Tags: tags,
    Meta: encodeMeta(node, cluster),
    // What Consul's DNS puts into SRV records: whole numbers. The weight itself is in the metadata.
    Weights: { Passing: Math.min(MAX_WEIGHT, Math.max(1, Math.round(node.weight ?? 1))), Warning: 1 },
  };
}

/** What Consul says of the instances of a service. */
export interface ServiceAnswer {
  /** Nodes, and what is none as it came: whoever takes them in refuses it by name. */
  readonly nodes: readonly DiscoveredNode[];
  /** Older registrations of ids that have a newer one at another address, as `id@host:port`. */
  readonly outdated: readonly string[];
  /** How many instances were named, of whatever cluster. */
  readonly instances: number;
}

/**
 * Reads an answer of `/v1/health/service`. Instances that name another cluster are not of this one.
 * @throws ClusterError `PROTOCOL` when it is no list
 */
export function readServices(body: unknown, cluster: string): ServiceAnswer {
  const entries = listOf(body);
  const newest = new Map<string, Candidate>();
  const nodes: unknown[] = [];
  const outdated: string[] = [];
  for (const entry of entries) {
    const candidate = readEntry(entry);
    if (candidate === undefined) {
      nodes.push(entry);
      continue;
    }
    if (candidate.cluster !== undefined && candidate.cluster !== cluster) continue;
    const { id } = candidate.node;
    const other = isNodeId(id) ? newest.get(id) : undefined;
    if (!isNodeId(id)) nodes.push(candidate.node);
    else if (other === undefined || other.modifyIndex < candidate.modifyIndex) newest.set(id, candidate);
    const older = other === undefined || other.modifyIndex >= candidate.modifyIndex ? candidate : other;
    if (other !== undefined) outdated.push(`${older.node.id}@${formatAddress(older.node)}`);
  }
  for (const { node } of newest.values()) nodes.push(node);
  return { nodes: nodes as DiscoveredNode[], outdated, instances: entries.length };
}

/** Whether the catalog has this instance as it was defined; with `undefined`, whether it has it not. */
export function isListed(body: unknown, id: string, definition: ServiceDefinition | undefined): boolean {
  const services = listOf(body).map((entry) => fieldsOf(fieldsOf(entry)?.['Service']));
  const listed = services.find((service) => service?.['ID'] === id);
  if (definition === undefined || listed === undefined) return definition === listed;
  return isContained(definition.Meta, fieldsOf(listed['Meta'])) && hasAddress(listed, definition);
}

interface Candidate {
  readonly node: DiscoveredNode;
  readonly cluster: unknown;
  /** Grows with each registration that says something new. */
  readonly modifyIndex: number;
}

function readEntry(entry: unknown): Candidate | undefined {
  const service = fieldsOf(fieldsOf(entry)?.['Service']);
  if (service === undefined) return undefined;
  const given = service['Meta'] ?? {};
  const meta = fieldsOf(given) ?? {};
  // An instance without an address of its own is at its agent's.
  const address = service['Address'];
  const host = address === '' || address === undefined ? fieldsOf(fieldsOf(entry)?.['Node'])?.['Address'] : address;
  // Metadata that is none is refused with its node.
  const details = fieldsOf(given) === undefined ? { metadata: given as Record<string, string> } : decodeMeta(meta);
  const weight = details.id === undefined ? dnsWeight(service) : {};
  const modifyIndex = service['ModifyIndex'];
  return {
    // Not checked yet: see `ServiceAnswer.nodes`.
    node: { host: host as string, port: service['Port'] as number, ...weight, ...details },
    cluster: clusterOf(meta),
    modifyIndex: typeof modifyIndex === 'number' ? modifyIndex : 0,
  };
}

/** Of an instance that somebody else registered. Consul itself says 1 where nobody said anything. */
function dnsWeight(service: Fields): { readonly weight?: number } {
  const weight = fieldsOf(service['Weights'])?.['Passing'];
  return typeof weight === 'number' && weight !== 1 ? { weight } : {};
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function listOf(body: unknown): readonly unknown[] {
  // What is empty, a server may call null.
  if (body === null) return [];
  if (Array.isArray(body)) return body;
  throw new ClusterError(
    'PROTOCOL',
    `consul: expected a list of services, got ${body === undefined ? 'nothing' : typeof body}`,
  );
}

function hasAddress(service: Fields, { Address, Port, Tags }: ServiceDefinition): boolean {
  const sameTags = JSON.stringify(service['Tags'] ?? []) === JSON.stringify(Tags);
  return service['Address'] === Address && service['Port'] === Port && sameTags;
}

/** What others add is no difference, unless it would be taken for the node's own. */
function isContained(meta: Readonly<Record<string, string>>, found: Fields = {}): boolean {
  const own = Object.keys(found).filter((name) => name.startsWith('quorate-'));
  return own.every((name) => name in meta) && Object.keys(meta).every((name) => found[name] === meta[name]);
}

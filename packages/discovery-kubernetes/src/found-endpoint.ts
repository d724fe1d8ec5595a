import { type DiscoveredNode, isNodeId } from '@quorate/core';
import { isRecord, quote } from '@quorate/engine-kubernetes';

/** What an object of the API names: a node, with what it takes to choose among several for one id. */
export interface FoundEndpoint {
  readonly node: DiscoveredNode;
  readonly family: AddressFamily;
  readonly condition: Condition;
}

/** What was read from one object. Kept in its place: whole objects would take much more room. */
export interface ReadObject {
  readonly endpoints: readonly FoundEndpoint[];
  /** What of it was left out, and why, by name. */
  readonly problems: readonly string[];
}

export type AddressFamily = 'IPv4' | 'IPv6' | 'FQDN';
/** From better to worse: a pod that is going may still serve. */
export type Condition = 'ready' | 'serving' | 'neither';
/** Down to which condition endpoints are wanted. */
export type Inclusion = 'ready' | 'serving' | 'all';

export interface ReadingOptions {
  /** The port, by number or by name; undefined: the only one there is. */
  readonly port: number | string | undefined;
  readonly include: Inclusion;
  /** Undefined: any, and of several addresses for one id the first in the order of `FAMILIES`. */
  readonly addressType: 'IPv4' | 'IPv6' | undefined;
  readonly podNamesAreIds: boolean;
}

const FAMILIES: readonly AddressFamily[] = ['IPv4', 'IPv6', 'FQDN'];
const CONDITIONS: readonly Condition[] = ['ready', 'serving', 'neither'];

export function isIncluded(condition: Condition, include: Inclusion): boolean {
  return include === 'all' || condition === 'ready' || condition === include;
}

/**
 * The nodes that all objects name together. An id that has several addresses, in slices of two families or while an
 * endpoint moves from one slice to another, is told with the best of them.
 */
export function chooseNodes(objects: Iterable<ReadObject>): readonly DiscoveredNode[] {
  const nodes: DiscoveredNode[] = [];
  const best = new Map<string, FoundEndpoint>();
  for (const { endpoints } of objects) {
    for (const endpoint of endpoints) {
      const { id } = endpoint.node;
      const known = id === undefined ? undefined : best.get(id);
      if (id === undefined) nodes.push(endpoint.node);
      else if (known === undefined || rank(endpoint) < rank(known)) best.set(id, endpoint);
    }
  }
  return [...nodes, ...[...best.values()].map(({ node }) => node)];
}

function rank({ family, condition }: FoundEndpoint): number {
  return CONDITIONS.indexOf(condition) * FAMILIES.length + FAMILIES.indexOf(family);
}

/** A pod's name as the id of the node in it; names are allowed to be longer than ids. */
export function idOfPod(name: unknown, { podNamesAreIds }: ReadingOptions): { readonly id?: string } {
  return podNamesAreIds && isNodeId(name) ? { id: name } : {};
}

export function zoneOf(zone: unknown): { readonly zone?: string } {
  return typeof zone === 'string' && zone !== '' ? { zone } : {};
}

/** A list that old servers may give as null; undefined for anything else. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : undefined;
}

/**
 * The port to dial among those that are named with numbers.
 * @param field what the number is called
 * @returns a text that says what is wrong when there is no such port
 */
export function choosePort(ports: readonly unknown[], field: string, wanted: ReadingOptions['port']): number | string {
  if (typeof wanted === 'number') return wanted;
  const tcp = ports
    .filter(isRecord)
    .filter(({ protocol }) => protocol === undefined || protocol === null || protocol === 'TCP');
  const found = wanted === undefined ? tcp : tcp.filter(({ name }) => name === wanted);
  if (wanted === undefined && found.length > 1) return `it has ${found.length} ports; the option port says which`;
  const number = found[0]?.[field];
  if (typeof number === 'number') return number;
  return wanted === undefined ? 'it has no port with a number' : `it has no port ${quote(wanted)} with a number`;
}

import { ClusterError, plainText } from '@quorate/core';

/** What every object of the API has. What else a kind has is for its reader to check. */
export interface KubernetesObject {
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

/** What every object of Kubernetes is called and marked with. */
export interface ObjectMetadata {
  readonly name: string;
  /** Changes with each write of the object. To be compared for equality only. Absent in one that is to be created. */
  readonly resourceVersion?: string;
  readonly [field: string]: unknown;
}

/** One page of a list, or all of it. */
export interface ObjectList {
  readonly items: readonly KubernetesObject[];
  /** Where a watch goes on from here. */
  readonly resourceVersion: string;
  /** Items that were not objects with a name. */
  readonly refused: readonly string[];
}

export interface ObjectPage extends ObjectList {
  /** Asks for the next page; undefined at the end. */
  readonly next: string | undefined;
}

const MAX_QUOTED = 120;

/** @throws ClusterError `PROTOCOL` */
export function readObject(value: unknown, what: string): KubernetesObject {
  if (isObject(value)) return value;
  throw new ClusterError('PROTOCOL', `${what}: expected an object with a name, got ${quote(value)}`);
}

/** @throws ClusterError `PROTOCOL` when it is no list; an item that is no object is left out by name */
export function readPage(value: unknown, what: string): ObjectPage {
  if (!isRecord(value) || !isRecord(value['metadata'])) {
    throw new ClusterError('PROTOCOL', `${what}: expected a list of objects, got ${quote(value)}`);
  }
  const { resourceVersion, continue: next } = value['metadata'];
  // An empty list may come as null, from old servers.
  const items: unknown = value['items'] ?? [];
  if (!Array.isArray(items) || !isVersion(resourceVersion)) {
    throw new ClusterError('PROTOCOL', `${what}: the list has no items, or no resource version`);
  }
  const refused = items.flatMap((item, at) => (isObject(item) ? [] : [`item ${at} is no object: ${quote(item)}`]));
  const following = typeof next === 'string' && next !== '' ? next : undefined;
  return { items: items.filter(isObject), resourceVersion, refused, next: following };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A stranger's value, short enough for a message. */
export function quote(value: unknown): string {
  return plainText(JSON.stringify(value) ?? String(value), MAX_QUOTED);
}

function isObject(value: unknown): value is KubernetesObject {
  if (!isRecord(value) || !isRecord(value['metadata'])) return false;
  const { name, resourceVersion } = value['metadata'];
  return typeof name === 'string' && name !== '' && (resourceVersion === undefined || isVersion(resourceVersion));
}

function isVersion(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 256;
}

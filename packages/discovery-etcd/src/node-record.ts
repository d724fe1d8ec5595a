import { type ClusterNode, type DiscoveredNode, isClusterNode } from '@quorate/core';
import type { EtcdEntry } from '@quorate/engine-etcd';

/** Of what is kept at a key. */
const FORMAT = 1;
/** A node's description is half of it at most. */
const MAX_RECORD_BYTES: number = 16 * 1024;

/** A node as the value of its key: JSON, so that people can read it, and write it. */
export function encodeNode({ id, host, port, zone, region, weight, metadata }: ClusterNode): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, id, host, port, zone, region, weight, metadata }));
}

/** An entry that names no node, as it is reported: the discovery leaves out what is none. */
export interface RefusedEntry {
  readonly key: string;
  readonly problem: string;
}

/** The node that an entry below the prefix describes, under the id that its key ends with. */
export function decodeNode(
  { key, value }: Pick<EtcdEntry, 'key' | 'value'>,
  prefix: string,
): DiscoveredNode | RefusedEntry {
  const refuse = (problem: string): RefusedEntry => ({ key, problem });
  if (value.length > MAX_RECORD_BYTES) return refuse(`${value.length} bytes are no node`);
  const record = parse(value);
  if (record === undefined) return refuse('not an object in JSON');
  const { format = FORMAT, host, port, zone, region, weight, metadata } = record;
  const id = key.slice(prefix.length);
  if (format !== FORMAT) return refuse(`a format that is not known here`);
  if (record['id'] !== undefined && record['id'] !== id) return refuse('another id than its key');
  const given = Object.entries({ zone, region, weight, metadata }).filter(([, part]) => part !== undefined);
  const node: unknown = { id, host, port, ...Object.fromEntries(given) };
  return isClusterNode(node) && node.port !== 0 ? node : refuse('not the description of a node');
}

function parse(value: Uint8Array): Partial<Record<string, unknown>> | undefined {
  try {
    const record: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
    const isObject = typeof record === 'object' && record !== null && !Array.isArray(record);
    return isObject ? record : undefined;
  } catch {
    return undefined;
  }
}

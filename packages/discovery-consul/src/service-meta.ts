import type { ClusterNode, DiscoveredNode } from '@quorate/core';

/** What Consul accepts as metadata of a service: 64 texts of 512 bytes. */
const MAX_VALUE_BYTES = 512;
const KEY = /^(?!quorate-|consul-)[A-Za-z0-9_-]{1,128}$/u;
/** Of the user's own that are written as they are; with ours and the rest they come to less than 64. */
const MAX_PLAIN = 40;
/** The rest of the largest node, in texts of that size, and a few to spare. */
const MAX_CHUNKS = 20;

/** What doesn't fit as it is. */
interface Rest {
  zone?: string;
  region?: string;
  metadata?: Record<string, string>;
}

/** A node as metadata of its service. Texts that Consul would refuse go, as JSON in pieces, to `quorate-rest-0` and on. */
export function encodeMeta(node: ClusterNode, cluster: string): Readonly<Record<string, string>> {
  const { id, zone, region, weight, metadata = {} } = node;
  const plain: [string, string][] = [];
  const rest: Rest = {};
  for (const entry of Object.entries(metadata)) {
    if (plain.length < MAX_PLAIN && KEY.test(entry[0]) && fits(entry[1])) plain.push(entry);
    else rest.metadata = Object.fromEntries([...Object.entries(rest.metadata ?? {}), entry]);
  }
  const own: [string, string][] = [
    ['quorate-node', id],
    ['quorate-cluster', cluster],
  ];
  if (weight !== undefined) own.push(['quorate-weight', String(weight)]);
  for (const [name, value] of Object.entries({ zone, region })) {
    if (value === undefined) continue;
    if (fits(value)) own.push([`quorate-${name}`, value]);
    else rest[name as 'zone' | 'region'] = value;
  }
  const chunks = Object.keys(rest).length === 0 ? [] : piecesOf(JSON.stringify(rest));
  return Object.fromEntries([...own, ...plain, ...chunks.map((text, at) => [`quorate-rest-${at}`, text] as const)]);
}

/** Where a service's metadata says that it belongs. */
export function clusterOf(meta: Readonly<Record<string, unknown>>): unknown {
  return meta['quorate-cluster'];
}

/** The reverse of `encodeMeta`, of metadata that anybody may have written; what it says is checked by whoever reads it. */
export function decodeMeta(meta: Readonly<Record<string, unknown>>): Omit<DiscoveredNode, 'host' | 'port'> {
  const rest = readRest(meta);
  const plain = Object.entries(meta).filter(([name]) => !name.startsWith('quorate-'));
  const metadata = Object.fromEntries([...plain, ...Object.entries(rest.metadata ?? {})]);
  const weight = meta['quorate-weight'];
  const fields = {
    id: meta['quorate-node'],
    zone: meta['quorate-zone'] ?? rest.zone,
    region: meta['quorate-region'] ?? rest.region,
    weight: typeof weight === 'string' && weight.trim() !== '' ? Number(weight) : undefined,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readRest(meta: Readonly<Record<string, unknown>>): Partial<Record<keyof Rest, unknown>> {
  let text = '';
  for (let at = 0; at < MAX_CHUNKS; at += 1) {
    const piece = meta[`quorate-rest-${at}`];
    if (typeof piece !== 'string') break;
    text += piece;
  }
  try {
    const rest: unknown = text === '' ? {} : JSON.parse(text);
    return isObject(rest) && (rest['metadata'] === undefined || isObject(rest['metadata'])) ? rest : {};
  } catch {
    // A description that is damaged makes the node no worse to dial.
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fits(text: string): boolean {
  // Consul keeps text as UTF-8, in which half a pair has no place.
  return text.isWellFormed() && new TextEncoder().encode(text).byteLength <= MAX_VALUE_BYTES;
}

/** Cut between characters. */
function piecesOf(text: string): readonly string[] {
  const encoder = new TextEncoder();
  const room = new Uint8Array(MAX_VALUE_BYTES);
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const { read } = encoder.encodeInto(text.slice(at, at + MAX_VALUE_BYTES), room);
    pieces.push(text.slice(at, at + read));
    at += read;
  }
  return pieces;
}

import { type Address, formatAddress, isAddress, parseAddress } from './address.ts';
import { ClusterError } from './cluster-error.ts';

/** Chosen by the user and stable for the life of the node, across restarts and changes of address. */
export type NodeId = string;

/** A node as it describes itself to others. `host` and `port` are the advertised address. */
export interface ClusterNode extends Address {
  readonly id: NodeId;
  readonly zone?: string;
  readonly region?: string;
  /** Relative capacity; readers take an absent weight as 1. */
  readonly weight?: number;
  /** Free for the user. The whole node must fit `MAX_NODE_BYTES` as JSON. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The most characters of a node's id. */
export const MAX_NODE_ID_LENGTH = 128;
/** The largest description of a node, in bytes of its JSON. */
export const MAX_NODE_BYTES = 8192;

const NODE_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/u;

/** Letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit; at most 128 characters. */
export function isNodeId(value: unknown): value is NodeId {
  return typeof value === 'string' && value.length <= MAX_NODE_ID_LENGTH && NODE_ID.test(value);
}

/** The text form of a node, `id@host:port`. */
export function formatNode(node: Pick<ClusterNode, 'id' | 'host' | 'port'>): string {
  return `${node.id}@${formatAddress(node)}`;
}

/**
 * The reverse of `formatNode`.
 * @throws ClusterError `INVALID_ADDRESS`, quoting the text
 */
export function parseNode(text: string): ClusterNode {
  const at = text.indexOf('@');
  const id = text.slice(0, Math.max(at, 0));
  if (!isNodeId(id)) throw new ClusterError('INVALID_ADDRESS', `expected id@host:port, got ${JSON.stringify(text)}`);
  return { id, ...parseAddress(text.slice(at + 1)) };
}

/** Whether a value from outside (a peer, an engine) is a node; sizes are bounded, unknown fields are tolerated. */
export function isClusterNode(value: unknown): value is ClusterNode {
  if (!isAddress(value)) return false;
  const { host, port } = value;
  const { id, zone, region, weight, metadata } = value as Address & Partial<Record<keyof ClusterNode, unknown>>;
  return (
    isNodeId(id) &&
    isOptional(zone, isText) &&
    isOptional(region, isText) &&
    isOptional(weight, isWeight) &&
    isOptional(metadata, isMetadata) &&
    // Of the known fields alone: what else a value from outside carries might not be JSON at all.
    jsonBytes({ id, host, port, zone, region, weight, metadata }) <= MAX_NODE_BYTES
  );
}

/** Whether two nodes describe themselves alike, whatever the order of their fields. */
export function sameNode(a: ClusterNode, b: ClusterNode): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical({ id, host, port, zone, region, weight, metadata = {} }: ClusterNode): string {
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([id, host, port, zone, region, weight, sorted]);
}

function jsonBytes(value: object): number {
  return new TextEncoder().encode(JSON.stringify(value)).byteLength;
}

function isOptional(value: unknown, accepts: (value: unknown) => boolean): boolean {
  return value === undefined || accepts(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isWeight(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isMetadata(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText);
}

import { isNodeId, type NodeId } from '@quorate/core';
import type { LeaseRequest, LeaseShare } from '@quorate/lease';

/** What is written at a place, and at a grant. */
export interface LeaseRecord {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly claim: number;
  readonly kind: LeaseShare['kind'];
  /** How long a grant may outlive the last sign of life of who has it. */
  readonly ttlMs: number;
  /** Of a grant: it was given back. */
  readonly released: boolean;
}

const FORMAT = 1;
const MAX_RECORD_BYTES = 1_024;
const MAX_TTL_MS = 86_400_000;
const KINDS: readonly LeaseShare['kind'][] = ['exclusive', 'read', 'write', 'permit'];

export function recordOf({ identity, share, ttlMs }: LeaseRequest): LeaseRecord {
  return { ...identity, kind: share.kind, ttlMs, released: false };
}

export function encodeRecord({ nodeId, released, ...rest }: LeaseRecord): Uint8Array {
  const mark = released ? { released } : {};
  return Buffer.from(JSON.stringify({ quorate: FORMAT, node: nodeId, ...rest, ...mark }));
}

/** Undefined for what isn't Quorate's, or is of a format to come. */
export function decodeRecord(bytes: Uint8Array): LeaseRecord | undefined {
  if (bytes.length === 0 || bytes.length > MAX_RECORD_BYTES) return undefined;
  try {
    return readRecord(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return undefined;
  }
}

/** What a holder that isn't Quorate's calls itself; where that is no text to be shown, its key does. */
export function foreignName(value: Uint8Array, holder: string): string {
  const text = Buffer.from(value.subarray(0, MAX_RECORD_BYTES)).toString();
  return isNodeId(text) ? text : holder;
}

function readRecord(value: unknown): LeaseRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { quorate, node, incarnation, claim, kind, ttlMs, released } = value as Record<string, unknown>;
  const known = KINDS.find((candidate) => candidate === kind);
  if (quorate !== FORMAT || !isNodeId(node) || known === undefined) return undefined;
  if (!isCount(incarnation) || !isCount(claim) || !isTtl(ttlMs)) return undefined;
  return { nodeId: node, incarnation, claim, kind: known, ttlMs, released: released === true };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isTtl(value: unknown): value is number {
  return isCount(value) && value > 0 && value <= MAX_TTL_MS;
}

import { isNodeId, type NodeId } from '@quorate/core';
import type { LeaseIdentity } from '@quorate/lease';

/**
 * What stands in a key, as JSON that people can read. Who holds it is said by the key's session alone; this says how it
 * came to be held by nobody.
 */
export type LockRecord =
  | {
      /** Held, or, where no session has the key, lost by a holder that didn't give it back. */
      readonly state: 'held';
      readonly holder: LeaseIdentity;
      /** After the key was taken away, how long a grant may yet be valid. */
      readonly ttlMs: number;
    }
  | {
      /** Given back by its holder: whoever has it next may use it at once. */
      readonly state: 'free';
    }
  | {
      /** Written where there was no key, be it that there never was one, or that it was deleted. */
      readonly state: 'new';
      /** For how long somebody may yet take it to be its own; 0 where nobody does. */
      readonly ttlMs: number;
    };

/** Of the form below. */
const VERSION = 1;
/** In base64: a longer value isn't ours. */
const MAX_VALUE_LENGTH = 2_048;
const MAX_TTL_MS = 86_400_000;

/** As base64, which is how Consul's transactions want it. */
export function encodeRecord(record: LockRecord): string {
  const content = record.state === 'held' ? { state: 'held', ...record.holder, ttlMs: record.ttlMs } : record;
  // Ids are of ASCII.
  return btoa(JSON.stringify({ quorate: VERSION, ...content }));
}

/** Undefined for what is not of ours. */
export function decodeRecord(value: unknown): LockRecord | undefined {
  const text = decodeText(value);
  if (text === undefined) return undefined;
  try {
    return readRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What stands in a value of others, as they call themselves there; undefined when that is no name. */
export function decodeName(value: unknown): NodeId | undefined {
  const text = decodeText(value)?.trim();
  return isNodeId(text) ? text : undefined;
}

function decodeText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_VALUE_LENGTH) return undefined;
  try {
    return atob(value);
  } catch {
    return undefined;
  }
}

function readRecord(given: unknown): LockRecord | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { quorate, state, nodeId, incarnation, claim, ttlMs } = given as Record<string, unknown>;
  if (quorate !== VERSION) return undefined;
  if (state === 'free') return { state };
  if (!isTtl(ttlMs)) return undefined;
  if (state === 'new') return { state, ttlMs };
  if (state !== 'held' || !isNodeId(nodeId) || !isCount(incarnation) || !isCount(claim)) return undefined;
  return { state, holder: { nodeId, incarnation, claim }, ttlMs };
}

function isTtl(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TTL_MS;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

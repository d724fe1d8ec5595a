import { ClusterError } from '@quorate/core';
import { type GroupState, type Identity, isHexId } from '../group-state.ts';

/** What a node says of itself that is asked what it is in a group. */
export type NodeIdentity = Pick<GroupState, 'disk' | 'identity' | 'isRemoved'>;

const MAX_BYTES = 4096;

export function encodeNodeIdentity({ disk, identity, isRemoved }: NodeIdentity): Uint8Array {
  return encode({ disk, isRemoved, ...identity });
}

/** @throws ClusterError `PROTOCOL` */
export function decodeNodeIdentity(bytes: Uint8Array): NodeIdentity {
  const value = decode(bytes);
  const { disk, isRemoved } = value;
  if (!isHexId(disk) || typeof isRemoved !== 'boolean') throw unreadable();
  return { disk, isRemoved, identity: value['formation'] === undefined ? undefined : checkedIdentity(value) };
}

/** "This member was removed": to the node that it was, which may have missed that. */
export function encodeRemoval({ formation, number }: Identity): Uint8Array {
  return encode({ formation, number });
}

/** @throws ClusterError `PROTOCOL` */
export function decodeRemoval(bytes: Uint8Array): Identity {
  return checkedIdentity(decode(bytes));
}

function checkedIdentity({ formation, number }: Readonly<Record<string, unknown>>): Identity {
  if (!isHexId(formation) || typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) {
    throw unreadable();
  }
  return { formation, number };
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    if (bytes.length > MAX_BYTES) throw new RangeError(`${bytes.length} bytes`);
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (cause) {
    throw unreadable(cause);
  }
  throw unreadable();
}

function unreadable(cause?: unknown): ClusterError {
  return new ClusterError('PROTOCOL', "what a node is in a group can't be read", { cause });
}

import { ClusterError } from '@quorate/core';
import { type GroupState, type Identity, isHexId } from '../group-state.ts';
import { decodeJson, encodeJson } from './json-message.ts';

/** What a node says of itself that is asked what it is in a group. */
export type NodeIdentity = Pick<GroupState, 'disk' | 'identity' | 'isRemoved'>;

const MAX_BYTES = 4096;

export function encodeNodeIdentity({ disk, identity, isRemoved }: NodeIdentity): Uint8Array {
  return encodeJson({ disk, isRemoved, ...identity });
}

/** @throws ClusterError `PROTOCOL` */
export function decodeNodeIdentity(bytes: Uint8Array): NodeIdentity {
  const value = decodeJson(bytes, MAX_BYTES, unreadable);
  const { disk, isRemoved } = value;
  if (!isHexId(disk) || typeof isRemoved !== 'boolean') throw unreadable();
  return { disk, isRemoved, identity: value['formation'] === undefined ? undefined : checkedIdentity(value) };
}

/** "This member was removed": to the node that it was, which may have missed that. */
export function encodeRemoval({ formation, number }: Identity): Uint8Array {
  return encodeJson({ formation, number });
}

/** @throws ClusterError `PROTOCOL` */
export function decodeRemoval(bytes: Uint8Array): Identity {
  return checkedIdentity(decodeJson(bytes, MAX_BYTES, unreadable));
}

function checkedIdentity({ formation, number }: Readonly<Record<string, unknown>>): Identity {
  if (!isHexId(formation) || typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) {
    throw unreadable();
  }
  return { formation, number };
}

function unreadable(cause?: unknown): ClusterError {
  return new ClusterError('PROTOCOL', "what a node is in a group can't be read", { cause });
}

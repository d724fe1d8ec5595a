import { ClusterError, type NodeId } from '@quorate/core';

import type { ConsulAnswer } from '../consul-client.ts';
import { decodeName, decodeRecord, type LockRecord } from './lock-record.ts';

/** A key that is a lock, as it was read. */
export interface LockEntry {
  /** Grows with every change of the key, also when it was deleted in between. */
  readonly modifyIndex: bigint;
  /** Who holds it; undefined while nobody does. */
  readonly session: string | undefined;
  /** Undefined when what stands there is not of ours. */
  readonly record: LockRecord | undefined;
  /** How a holder that isn't ours calls itself there. */
  readonly name: NodeId | undefined;
  /** Whether it is the record of a semaphore of Consul's own, whose holders are elsewhere. */
  readonly isSemaphore: boolean;
}

/** An answer about a key. */
export interface LockReading {
  /** Undefined where there is no such key. */
  readonly entry: LockEntry | undefined;
  /** Of the state that was read; comparable with indexes of changes. */
  readonly revision: bigint;
}

/** What Consul's own client marks its semaphores with, 0xe0f69a2baa414de0, as precise as JSON is read. */
const SEMAPHORE_FLAGS = Number(0xe0f69a2baa414de0n);
const SESSION = /^[0-9a-fA-F-]{1,64}$/u;

/** @throws ClusterError `PROTOCOL` */
export function readLock(what: string, { status, body, index }: ConsulAnswer): LockReading {
  if (status === 404) {
    if (index === undefined) throw new ClusterError('PROTOCOL', `${what}: the answer has no index`);
    return { entry: undefined, revision: BigInt(index) };
  }
  const entry = readEntry(what, Array.isArray(body) ? (body as readonly unknown[])[0] : undefined);
  return { entry, revision: entry.modifyIndex };
}

function readEntry(what: string, given: unknown): LockEntry {
  const { ModifyIndex, Session, Value, Flags } = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (!isIndex(ModifyIndex) || !(Session === undefined || isSession(Session))) {
    throw new ClusterError('PROTOCOL', `${what}: the answer is not one about a key`);
  }
  return {
    modifyIndex: BigInt(ModifyIndex),
    session: Session,
    record: decodeRecord(Value),
    name: decodeName(Value),
    isSemaphore: Flags === SEMAPHORE_FLAGS,
  };
}

export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export function isSession(value: unknown): value is string {
  return typeof value === 'string' && SESSION.test(value);
}

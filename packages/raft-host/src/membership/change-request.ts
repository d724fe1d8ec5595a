import { ByteWriter, ClusterError, isNodeId, type NodeId } from '@quorate/core';
import { decodeError, encodeError } from '../commands/error-codec.ts';
import { decodeJson, encodeJson } from './json-message.ts';

/** What is to become of the members of a group. */
export type ChangeRequest =
  | { readonly type: 'add'; readonly nodeId: NodeId; readonly as: 'voter' | 'learner' }
  /** @param numbers the members that are meant, where that is known: they may be gone by now */
  | { readonly type: 'remove'; readonly nodeId: NodeId; readonly numbers?: readonly number[] }
  | { readonly type: 'replace'; readonly nodeId: NodeId; readonly by: NodeId }
  /** By itself: of a member that has lost its log, at its own request. Never passed on, so nobody asks it for another. */
  | { readonly type: 'repair'; readonly nodeId: NodeId };

/** A change on its way to the leader. */
export interface ForwardedChange {
  readonly change: ChangeRequest;
  /** How often it was passed on. */
  readonly hops: number;
  /** How long it may take. */
  readonly timeoutMs: number;
}

const VERSION = 1;
const MAX_REQUEST_BYTES: number = 16 * 1024;
const MAX_TIMEOUT_MS = 86_400_000;
/** Of one change. */
const MAX_NUMBERS = 128;

export function encodeForwardedChange(forwarded: ForwardedChange): Uint8Array {
  return encodeJson({ version: VERSION, ...forwarded });
}

/** @throws ClusterError `PROTOCOL` */
export function decodeForwardedChange(bytes: Uint8Array): ForwardedChange {
  const { version, change, hops, timeoutMs } = decodeJson(bytes, MAX_REQUEST_BYTES, unreadable);
  if (version !== VERSION || !isChange(change) || !isCount(hops) || !isCount(timeoutMs)) throw unreadable();
  return { change, hops, timeoutMs: Math.min(timeoutMs, MAX_TIMEOUT_MS) };
}

/** @param error why it was not done; undefined when it was */
export function encodeChangeAnswer(error: ClusterError | undefined): Uint8Array {
  const text = error === undefined ? new Uint8Array() : encodeError(error);
  const writer = new ByteWriter(2 + text.length).u8(VERSION).u8(error === undefined ? 1 : 0);
  return writer.bytes(text).view();
}

/**
 * @returns why it was not done; undefined when it was
 * @throws ClusterError `PROTOCOL`
 */
export function decodeChangeAnswer(bytes: Uint8Array): ClusterError | undefined {
  const [version, isDone] = bytes;
  if (version !== VERSION || (isDone !== 0 && isDone !== 1)) throw unreadable();
  return isDone === 1 ? undefined : decodeError(bytes.subarray(2));
}

function isChange(value: unknown): value is ChangeRequest {
  if (typeof value !== 'object' || value === null) return false;
  const { type, nodeId, as, by, numbers } = value as Record<string, unknown>;
  if (!isNodeId(nodeId)) return false;
  if (type === 'add') return as === 'voter' || as === 'learner';
  if (type === 'remove') return numbers === undefined || isNumbers(numbers);
  return type === 'replace' && isNodeId(by);
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_NUMBERS && value.every((each) => isCount(each) && each > 0);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function unreadable(cause?: unknown): ClusterError {
  return new ClusterError('PROTOCOL', "a change of a group's members can't be read", { cause });
}

import {
  ByteReader,
  ByteWriter,
  CLUSTER_ERROR_CODES,
  ClusterError,
  type ClusterErrorCode,
  isAddress,
  isCarrier,
  isNodeId,
  parseAddress,
  plainText,
  type WriteOutcome,
} from '@quorate/core';
import { isRequestId } from './request-id.ts';

/** A request on its way to the leader. */
export interface ForwardedEnvelope {
  readonly id: string;
  /** Which of the handlers is meant. */
  readonly name: string;
  /** The leader's token as the caller knows it: who has a lower one is no leader any more. 0 where it knows none. */
  readonly token: bigint;
  /** How often it was sent on. */
  readonly hops: number;
  /** How much of the caller's time is left. */
  readonly remainingMs: number;
  /** The token under which an earlier attempt was sent, of which nobody knows what became; 0 for none. */
  readonly doubt: bigint;
  /** Of the span that it is in, where there is one: what was none is left out. */
  readonly carrier?: string | undefined;
  readonly payload: Uint8Array;
}

/** What comes back. */
export type ForwardedAnswer =
  | { readonly kind: 'answer'; readonly token: bigint; readonly payload: Uint8Array }
  /** Nothing was done. */
  | { readonly kind: 'not-leader'; readonly leader: ForwardTarget | undefined }
  | {
      readonly kind: 'error';
      readonly code: ClusterErrorCode;
      readonly message: string;
      readonly outcome: WriteOutcome | undefined;
    };

/** Where a request goes: a node, with its address where that is known. */
export interface ForwardTarget {
  readonly nodeId: string;
  readonly address?: string | undefined;
  /** As far as whoever names it knows. */
  readonly token?: bigint | undefined;
}

const VERSION = 1;
/** Of an envelope with the carrier of a span; one without is of the version before, as if nothing were traced. */
const TRACED_VERSION = 2;
const MAX_NAME_LENGTH = 64;
const MAX_MESSAGE_BYTES = 1024;
const MAX_TIME_MS: number = 2 ** 32 - 1;
/** Of what stands before the payload; mostly it is less. */
const HEAD_BYTES = 96;
const KINDS = ['answer', 'not-leader', 'error'] as const;
const OUTCOMES: readonly (WriteOutcome | undefined)[] = [undefined, 'not-applied', 'unknown'];

/** Whether a value is the name of a handler: 1 to 64 letters, digits, `.`, `_` and `-`. */
export function isHandlerName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME_LENGTH && /^[A-Za-z0-9._-]+$/u.test(value);
}

export function encodeEnvelope(envelope: ForwardedEnvelope): Uint8Array {
  const { id, name, token, hops, remainingMs, doubt, carrier, payload } = envelope;
  const isTraced = isCarrier(carrier);
  const writer = new ByteWriter(HEAD_BYTES + payload.byteLength).u8(isTraced ? TRACED_VERSION : VERSION).u8(hops);
  writer
    .u32(Math.min(MAX_TIME_MS, Math.max(0, Math.ceil(remainingMs))))
    .u64(token)
    .u64(doubt);
  writer.text(id, 'u16').text(name, 'u16');
  if (isTraced) writer.text(carrier, 'u16');
  return writer.bytes(payload).copy();
}

/** @throws ClusterError `PROTOCOL` for what is none */
export function decodeEnvelope(bytes: Uint8Array): ForwardedEnvelope {
  const reader = new ByteReader(unsound, bytes);
  const version = reader.u8();
  if (version !== VERSION && version !== TRACED_VERSION) throw malformed('version');
  const hops = reader.u8();
  const remainingMs = reader.u32();
  const [token, doubt] = [reader.u64(), reader.u64()];
  const [id, name] = [reader.text('u16'), reader.text('u16')];
  if (!isRequestId(id) || !isHandlerName(name)) throw malformed('id or name');
  const envelope = { id, name, token, hops, remainingMs, doubt };
  if (version === VERSION) return { ...envelope, payload: reader.rest() };
  const carrier = reader.text('u16');
  // Of what is traced wrongly nothing is lost but the trace.
  return { ...envelope, carrier: isCarrier(carrier) ? carrier : undefined, payload: reader.rest() };
}

export function encodeAnswer(answer: ForwardedAnswer): Uint8Array {
  const writer = new ByteWriter().u8(VERSION).u8(KINDS.indexOf(answer.kind));
  switch (answer.kind) {
    case 'answer':
      return writer.u64(answer.token).bytes(answer.payload).copy();
    case 'not-leader': {
      const { nodeId = '', address = '', token = 0n } = answer.leader ?? {};
      return writer.text(nodeId, 'u16').text(address, 'u16').u64(token).copy();
    }
    case 'error': {
      const message = new TextEncoder().encode(answer.message).subarray(0, MAX_MESSAGE_BYTES);
      return writer.text(answer.code, 'u16').u8(OUTCOMES.indexOf(answer.outcome)).bytes(message).copy();
    }
  }
}

/** @throws ClusterError `PROTOCOL` for what is none */
export function decodeAnswer(bytes: Uint8Array): ForwardedAnswer {
  const reader = new ByteReader(unsound, bytes);
  if (reader.u8() !== VERSION) throw malformed('version');
  const kind = KINDS[reader.u8()];
  switch (kind) {
    case 'answer':
      return { kind: 'answer', token: reader.u64(), payload: reader.rest() };
    case 'not-leader':
      return { kind: 'not-leader', leader: leaderOf(reader.text('u16'), reader.text('u16'), reader.u64()) };
    case 'error':
      return errorOf(reader);
    case undefined:
    default:
      throw malformed('kind');
  }
}

function errorOf(reader: ByteReader): ForwardedAnswer {
  const text = reader.text('u16');
  const code = CLUSTER_ERROR_CODES.find((each) => each === text);
  const outcome = reader.u8();
  if (code === undefined || outcome >= OUTCOMES.length) throw malformed('error');
  const told = new TextDecoder().decode(reader.rest().subarray(0, MAX_MESSAGE_BYTES));
  const message = plainText(told, MAX_MESSAGE_BYTES);
  return { kind: 'error', code, message, outcome: OUTCOMES[outcome] };
}

function leaderOf(nodeId: string, address: string, token: bigint): ForwardTarget | undefined {
  if (nodeId === '') return undefined;
  if (!isNodeId(nodeId) || (address !== '' && !isAddressText(address))) throw malformed('leader');
  return { nodeId, address: address === '' ? undefined : address, token };
}

function isAddressText(text: string): boolean {
  try {
    return isAddress(parseAddress(text));
  } catch {
    return false;
  }
}

function malformed(what: string): ClusterError {
  return unsound(`a wrong ${what}`);
}

function unsound(flaw: string, cause?: unknown): ClusterError {
  return new ClusterError('PROTOCOL', `forwarding: ${flaw}`, { cause, outcome: 'not-applied' });
}

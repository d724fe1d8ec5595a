import { ClusterError, type Codec, isNodeId, type LockShare, type MachineCodec, type NodeId } from '@quorate/core';

/** A run of a node: another run is another holder. */
export interface Holder {
  readonly nodeId: NodeId;
  readonly incarnation: number;
}

/** What is asked of the machine. A claim is a number that its holder uses for one lock only, so that to ask again is fine. */
export type LockCommand =
  | {
      readonly type: 'acquire';
      readonly holder: Holder;
      readonly claim: number;
      readonly name: string;
      readonly share: LockShare;
      readonly ttlMs: number;
      /** Whether it queues where the lock isn't free. */
      readonly waits: boolean;
    }
  /** These are wanted on: all that a node has and waits for. */
  | { readonly type: 'renew'; readonly holder: Holder; readonly claims: readonly number[] }
  /** These are given back, or given up. */
  | { readonly type: 'release'; readonly holder: Holder; readonly claims: readonly number[] }
  /** Time has passed. */
  | { readonly type: 'expire' };

/** How a claim stands. */
export type ClaimState = Standing | { readonly type: 'gone' };
/** How one does that is there. */
export type Standing = Held | Waiting;
interface Held {
  readonly type: 'held';
  readonly token: number;
}
interface Waiting {
  readonly type: 'waiting';
  /** The last token that anybody was given by then: what the claim is granted from then on is greater. */
  readonly after: number;
}

export type LockResult =
  | Standing
  /** Somebody else has it, and who asked doesn't wait. */
  | { readonly type: 'taken' }
  /** The name is in use as another kind of lock, or with other permits. */
  | { readonly type: 'misfit' }
  /** A bound was reached; in words. */
  | { readonly type: 'full'; readonly what: string }
  /** Of a renewal: in its order. */
  | { readonly type: 'renewed'; readonly states: readonly ClaimState[] }
  | { readonly type: 'done' };

export interface LockQuery {
  readonly name: string;
}

export interface LockAnswer {
  readonly holders: readonly { readonly nodeId: NodeId; readonly token: number }[];
  readonly waiting: number;
}

/** Claims in one command; a node has no more. Keeps the command within what one entry takes. */
export const MAX_CLAIMS_OF_HOLDER = 16_384;
const MAX_NAME_LENGTH = 256;
const MAX_TTL_MS = 86_400_000;
const MAX_PERMITS = 100_000;
const KINDS: readonly unknown[] = ['exclusive', 'read', 'write', 'permit'];

/** JSON texts: short ones, as they are made by the thousand. */
export const lockCodec: MachineCodec<LockCommand, LockResult, LockQuery, LockAnswer> = {
  command: codec('command', packCommand, unpackCommand),
  result: codec('result', packResult, unpackResult),
  query: codec(
    'query',
    ({ name }) => [name],
    ([name]) => ({ name: text(name) }),
  ),
  answer: codec(
    'answer',
    (answer) => [answer],
    ([answer]) => answer as LockAnswer,
  ),
};

function packCommand(command: LockCommand): readonly unknown[] {
  if (command.type === 'expire') return ['e'];
  const { nodeId, incarnation } = command.holder;
  if (command.type === 'renew') return ['k', nodeId, incarnation, command.claims];
  if (command.type === 'release') return ['r', nodeId, incarnation, command.claims];
  const { claim, name, ttlMs, waits, share } = command;
  return ['a', nodeId, incarnation, claim, name, ttlMs, waits, ...packShare(share)];
}

function unpackCommand([type, nodeId, incarnation, ...rest]: readonly unknown[]): LockCommand {
  if (type === 'e') return { type: 'expire' };
  const holder = unpackHolder(nodeId, incarnation);
  if (type === 'k') return { type: 'renew', holder, claims: numbers(rest[0]) };
  if (type === 'r') return { type: 'release', holder, claims: numbers(rest[0]) };
  if (type !== 'a') throw new TypeError(`a command of the unknown kind ${String(type)}`);
  const [claim, name, ttlMs, waits, ...share] = rest;
  if (typeof waits !== 'boolean') throw new TypeError('it says not whether it waits');
  return {
    type: 'acquire',
    holder,
    claim: integer(claim),
    name: text(name),
    ttlMs: duration(ttlMs),
    waits,
    share: unpackShare(share),
  };
}

export function packShare(share: LockShare): readonly unknown[] {
  return share.kind === 'permit' ? [share.kind, share.permits] : [share.kind];
}

export function unpackShare([kind, permits]: readonly unknown[]): LockShare {
  if (!KINDS.includes(kind)) throw new TypeError(`a lock of the unknown kind ${String(kind)}`);
  if (kind !== 'permit') return { kind: kind as 'exclusive' | 'read' | 'write' };
  const many = integer(permits);
  if (many < 1 || many > MAX_PERMITS) throw new TypeError(`${many} permits`);
  return { kind, permits: many };
}

export function unpackHolder(nodeId: unknown, incarnation: unknown): Holder {
  if (typeof nodeId !== 'string' || !isNodeId(nodeId)) throw new TypeError('a holder that is no node');
  return { nodeId, incarnation: integer(incarnation) };
}

function packResult(result: LockResult): readonly unknown[] {
  switch (result.type) {
    case 'held':
      return [result.type, result.token];
    case 'waiting':
      return [result.type, result.after];
    case 'full':
      return [result.type, result.what];
    case 'renewed':
      return [result.type, result.states.map(packState)];
    case 'taken':
    case 'misfit':
    case 'done':
      return [result.type];
  }
}

function unpackResult([type, detail]: readonly unknown[]): LockResult {
  switch (type) {
    case 'held':
      return { type, token: integer(detail) };
    case 'waiting':
      return { type, after: integer(detail) };
    case 'full':
      return { type, what: String(detail) };
    case 'renewed':
      return { type, states: list(detail).map(unpackState) };
    case 'taken':
    case 'misfit':
    case 'done':
      return { type };
    default:
      throw new TypeError(`a result of the unknown kind ${String(type)}`);
  }
}

/** The greatest that is a safe integer: no token comes that far. */
const GONE: number = Number.MAX_SAFE_INTEGER;

/** A token is 1 at least: who waits has the last one that was given, from 0 on, negated. */
function packState(state: ClaimState): number {
  if (state.type === 'held') return state.token;
  return state.type === 'waiting' ? -state.after : GONE;
}

function unpackState(packed: unknown): ClaimState {
  if (packed === GONE) return { type: 'gone' };
  if (typeof packed === 'number' && packed <= 0) return { type: 'waiting', after: integer(0 - packed) };
  return { type: 'held', token: integer(packed) };
}

/** What can't be encoded is refused like what can't be decoded. */
function codec<T>(
  what: string,
  pack: (value: T) => readonly unknown[],
  unpack: (packed: readonly unknown[]) => T,
): Codec<T> {
  const decode = (bytes: Uint8Array): T => {
    try {
      const packed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      if (!Array.isArray(packed)) throw new TypeError('it is no list');
      return unpack(packed);
    } catch (cause) {
      throw new ClusterError('PROTOCOL', `this is no ${what} about locks: ${String(cause)}`, { cause });
    }
  };
  return { encode: (value) => new TextEncoder().encode(JSON.stringify(pack(value))), decode };
}

export function integer(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${String(value)} where a number from 0 is expected`);
}

export function text(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH) return value;
  throw new TypeError(`no name of 1 to ${MAX_NAME_LENGTH} characters`);
}

export function duration(value: unknown): number {
  if (typeof value === 'number' && value >= 1 && value <= MAX_TTL_MS) return value;
  throw new TypeError(`${String(value)} where 1 to ${MAX_TTL_MS} ms are expected`);
}

function numbers(value: unknown): readonly number[] {
  return list(value).map(integer);
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_CLAIMS_OF_HOLDER) return value;
  throw new TypeError(`no list of up to ${MAX_CLAIMS_OF_HOLDER} numbers`);
}

import { ClusterError } from '@quorate/core';
import type { ElectionMessage, MessageOf } from './messages.ts';

/** Every message is these many bytes, big-endian, laid out as in docs/wire-protocol.md. Longer ones are tolerated. */
export const MESSAGE_BYTES = 36;
const VERSION = 1;

const TYPES = [
  'heartbeat',
  'heartbeat-ack',
  'pre-vote',
  'pre-vote-reply',
  'vote',
  'vote-reply',
  'hand-over',
  'release',
] as const;
/** Bits of the flags: the first says what the type is about, the second is of a vote's reply alone. */
const FLAG = 1;
const CANDIDATE = 2;

const at = {
  version: 0,
  type: 1,
  flag: 2,
  generation: 4,
  term: 8,
  otherTerm: 16,
  round: 24,
  number: 28,
  rules: 32,
} as const;

export function encodeMessage(message: ElectionMessage): Uint8Array {
  const view = new DataView(new ArrayBuffer(MESSAGE_BYTES));
  const { flag = false, candidate = false, otherTerm = 0, round = 0, number = 0 } = fieldsOf(message);
  view.setUint8(at.version, VERSION);
  view.setUint8(at.type, TYPES.indexOf(message.type) + 1);
  view.setUint8(at.flag, (flag ? FLAG : 0) | (candidate ? CANDIDATE : 0));
  view.setUint32(at.generation, message.generation);
  view.setBigUint64(at.term, BigInt(message.term));
  view.setBigUint64(at.otherTerm, BigInt(otherTerm));
  view.setUint32(at.round, round);
  view.setUint32(at.number, number);
  view.setUint32(at.rules, message.rules);
  return new Uint8Array(view.buffer);
}

/**
 * Undefined for a type that a later release may have added.
 * @throws ClusterError `PROTOCOL` when the bytes are no message of this version
 */
export function decodeMessage(bytes: Uint8Array): ElectionMessage | undefined {
  if (bytes.length < MESSAGE_BYTES) throw malformed(`${bytes.length} bytes, expected ${MESSAGE_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, MESSAGE_BYTES);
  const version = view.getUint8(at.version);
  if (version !== VERSION) throw malformed(`version ${version}, expected ${VERSION}`);
  const type = TYPES[view.getUint8(at.type) - 1];
  return type === undefined ? undefined : messageOf(type, view);
}

interface Fields {
  readonly flag?: boolean;
  readonly candidate?: boolean;
  readonly otherTerm?: number;
  readonly round?: number;
  readonly number?: number;
}

function fieldsOf(message: ElectionMessage): Fields {
  switch (message.type) {
    case 'heartbeat':
      return { round: message.round };
    case 'heartbeat-ack':
      return { round: message.round, flag: message.candidate, number: message.priority };
    case 'pre-vote':
      return { number: message.priority };
    case 'vote':
      return { otherTerm: message.releasedTerm };
    case 'pre-vote-reply':
      return answerFields(message);
    case 'vote-reply':
      return { ...answerFields(message), candidate: message.candidate, round: message.priority };
    case 'hand-over':
      return {};
    case 'release':
      return { flag: message.successor };
  }
}

function answerFields(message: MessageOf<'pre-vote-reply' | 'vote-reply'>): Fields {
  return { flag: message.granted, otherTerm: message.voterTerm, number: Math.ceil(message.retryAfterMs) };
}

function messageOf(type: ElectionMessage['type'], view: DataView): ElectionMessage {
  const generation = view.getUint32(at.generation);
  const common = { generation, rules: view.getUint32(at.rules), term: readTerm(view, at.term) };
  const flag = (view.getUint8(at.flag) & FLAG) !== 0;
  const candidate = (view.getUint8(at.flag) & CANDIDATE) !== 0;
  const round = view.getUint32(at.round);
  const number = view.getUint32(at.number);
  switch (type) {
    case 'heartbeat':
      return { type, ...common, round };
    case 'heartbeat-ack':
      return { type, ...common, round, candidate: flag, priority: number };
    case 'pre-vote':
      return { type, ...common, priority: number };
    case 'vote':
      return { type, ...common, releasedTerm: readTerm(view, at.otherTerm) };
    case 'pre-vote-reply':
      return { type, ...common, granted: flag, voterTerm: readTerm(view, at.otherTerm), retryAfterMs: number };
    case 'vote-reply': {
      const answer = { granted: flag, voterTerm: readTerm(view, at.otherTerm), retryAfterMs: number };
      return { type, ...common, ...answer, candidate, priority: round };
    }
    case 'hand-over':
      return { type, ...common };
    case 'release':
      return { type, ...common, successor: flag };
  }
}

function readTerm(view: DataView, offset: number): number {
  const term = view.getBigUint64(offset);
  if (term > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`term ${term} is out of range`);
  return Number(term);
}

function malformed(what: string): ClusterError {
  return new ClusterError('PROTOCOL', `election message: ${what}`);
}

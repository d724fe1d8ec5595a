import { ByteReader, ByteWriter, isAddress, MAX_NUMBER_BYTES, MAX_RUMOUR_BYTES, numberBytes } from '@quorate/core';
import type { Message, Packet, SuspectRumour, UnreachableRumour } from './messages.ts';
import {
  readAddress,
  readEvidence,
  readNodeId,
  readState,
  readVersion,
  writeAddress,
  writeEvidence,
  writeState,
  writeVersion,
} from './state-codec.ts';
import type { StateOfMember } from './types.ts';

/** The first byte of all that this package sends in packets and exchanges. */
export const PROTOCOL_VERSION = 1;

/** The most messages of one packet: who reads a longer one refuses it whole. */
export const MAX_MESSAGES = 256;
/** The most that a message takes; an `alive` with the longest of descriptions is the longest. */
const MAX_MESSAGE_BYTES = 2048;
/** Code and length of a message. */
const MAX_HEAD_BYTES: number = 1 + MAX_NUMBER_BYTES;

const CODE = {
  ping: 1,
  ack: 2,
  'ping-request': 3,
  nack: 4,
  leave: 5,
  'leave-ack': 6,
  dispute: 7,
  introduce: 8,
  vouch: 9,
  alive: 16,
  suspect: 17,
  unreachable: 18,
  left: 19,
  user: 20,
} as const satisfies Record<Message['type'], number>;

/** By the byte that says so. */
const ASIDES: readonly SuspectRumour['aside'][] = [undefined, 'question', 'answer'];

// Of frozen messages, which are passed on many times: what they take on the wire doesn't change.
const encoded = new WeakMap<Message, Uint8Array>();

export function encodePacket({ sender, run, messages }: Packet): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(PROTOCOL_VERSION).text(sender).number(run);
  for (const message of messages) writer.bytes(encodeMessage(message));
  return writer.copy();
}

/** The packet, or nothing when it is of another version or no packet. Messages of unknown types are left out. */
export function decodePacket(bytes: Uint8Array): Packet | undefined {
  try {
    return readPacket(new ByteReader('packet', bytes));
  } catch {
    return undefined;
  }
}

function readPacket(reader: ByteReader): Packet | undefined {
  if (reader.u8() !== PROTOCOL_VERSION) return undefined;
  const sender = readNodeId(reader);
  const run = reader.number();
  const messages: Message[] = [];
  for (let count = 0; reader.left > 0; count += 1) {
    const code = reader.u8();
    const body = reader.sized('number', MAX_MESSAGE_BYTES);
    const message = count === MAX_MESSAGES ? undefined : readBody(code, new ByteReader('message', body));
    if (message === undefined) return undefined;
    if (message !== 'unknown') messages.push(Object.freeze(message));
  }
  return sender === undefined ? undefined : Object.freeze({ sender, run, messages });
}

/** The bytes of a packet without messages. */
export function headerBytes(sender: string, run: number): number {
  // An id is ASCII, and shorter than what takes a second byte of length.
  return 1 + numberBytes(sender.length) + sender.length + numberBytes(run);
}

export function messageBytes(message: Message): number {
  return encodeMessage(message).byteLength;
}

/** What `encodePacket` would make, without making it. */
export function packetBytes({ sender, run, messages }: Packet): number {
  return messages.reduce((sum, message) => sum + messageBytes(message), headerBytes(sender, run));
}

function encodeMessage(message: Message): Uint8Array {
  const known = encoded.get(message);
  if (known !== undefined) return known;
  const writer = new ByteWriter();
  writer.end = MAX_HEAD_BYTES;
  writeBody(writer, message);
  // Code and length go right before the body, now that it is known how long it is.
  const { end } = writer;
  const length = end - MAX_HEAD_BYTES;
  const begin = MAX_HEAD_BYTES - 1 - numberBytes(length);
  writer.end = begin;
  writer.u8(CODE[message.type]).number(length).end = end;
  const bytes = writer.copy(begin);
  encoded.set(message, bytes);
  return bytes;
}

function writeBody(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'ping':
      writer.number(message.sequence).text(message.target);
      break;
    case 'ack':
      writer.number(message.sequence).number(Math.max(0, Math.round(message.loopDelayMs)));
      break;
    case 'ping-request':
      writer.number(message.sequence).text(message.target).number(message.run);
      writeAddress(writer, message.address);
      break;
    case 'nack':
    case 'leave':
    case 'leave-ack':
      writer.number(message.sequence);
      break;
    case 'dispute':
      writer.text(message.id);
      writeAddress(writer, message.holder);
      break;
    case 'introduce':
      break;
    case 'vouch':
      writer.text(message.id).number(message.run);
      break;
    case 'alive':
      writeState(writer, message.member);
      break;
    case 'suspect':
    case 'unreachable':
      writeAccusation(writer, message);
      break;
    case 'left':
      writer.text(message.id);
      writeVersion(writer, message);
      break;
    case 'user':
      writer.u8(message.topic).bytes(message.payload);
      break;
  }
}

function writeAccusation(writer: ByteWriter, rumour: SuspectRumour | UnreachableRumour): void {
  writer.text(rumour.id);
  writeVersion(writer, rumour);
  writer.text(rumour.by);
  writeEvidence(writer, rumour.evidence);
  writer.u8(rumour.type === 'suspect' ? ASIDES.indexOf(rumour.aside) : 0);
}

function readBody(code: number, reader: ByteReader): Message | 'unknown' | undefined {
  switch (code) {
    case CODE.ping:
      return withId(reader.number(), reader, (sequence, target) => ({ type: 'ping', sequence, target }));
    case CODE.ack:
      return { type: 'ack', sequence: reader.number(), loopDelayMs: reader.number() };
    case CODE['ping-request']:
      return readPingRequest(reader);
    case CODE.nack:
      return { type: 'nack', sequence: reader.number() };
    case CODE.leave:
      return { type: 'leave', sequence: reader.number() };
    case CODE['leave-ack']:
      return { type: 'leave-ack', sequence: reader.number() };
    case CODE.dispute:
      return readDispute(reader);
    case CODE.introduce:
      return { type: 'introduce' };
    case CODE.vouch:
      return readVouch(reader);
    default:
      return readRumour(code, reader);
  }
}

function readRumour(code: number, reader: ByteReader): Message | 'unknown' | undefined {
  switch (code) {
    case CODE.alive:
      return readAlive(reader);
    case CODE.suspect:
      return readAccusation('suspect', reader);
    case CODE.unreachable:
      return readAccusation('unreachable', reader);
    case CODE.left: {
      const id = readNodeId(reader);
      const version = readVersion(reader);
      return id === undefined ? undefined : { type: 'left', id, ...version };
    }
    case CODE.user:
      return readUser(reader);
    default:
      return 'unknown';
  }
}

function withId(
  sequence: number,
  reader: ByteReader,
  make: (sequence: number, id: string) => Message,
): Message | undefined {
  const id = readNodeId(reader);
  return id === undefined ? undefined : make(sequence, id);
}

function readPingRequest(reader: ByteReader): Message | undefined {
  const sequence = reader.number();
  const target = readNodeId(reader);
  const run = reader.number();
  const address = readAddress(reader);
  if (target === undefined || !isAddress(address) || address.port === 0) return undefined;
  return { type: 'ping-request', sequence, target, run, address };
}

function readDispute(reader: ByteReader): Message | undefined {
  const id = readNodeId(reader);
  const holder = readAddress(reader);
  return id === undefined || !isAddress(holder) ? undefined : { type: 'dispute', id, holder };
}

function readVouch(reader: ByteReader): Message | undefined {
  const id = readNodeId(reader);
  const run = reader.number();
  return id === undefined ? undefined : { type: 'vouch', id, run };
}

function readAlive(reader: ByteReader): Message | undefined {
  const member: StateOfMember | undefined = readState(reader);
  return member?.state === 'alive' ? { type: 'alive', member } : undefined;
}

function readAccusation(type: 'suspect' | 'unreachable', reader: ByteReader): Message | 'unknown' | undefined {
  const id = readNodeId(reader);
  const version = readVersion(reader);
  const by = readNodeId(reader);
  const evidence = readEvidence(reader);
  const code = reader.u8();
  if (id === undefined || by === undefined) return undefined;
  if (type === 'unreachable') return { type, id, ...version, by, evidence };
  // Whatever a later version says aside with it, it isn't said to all.
  if (code >= ASIDES.length) return 'unknown';
  const aside = ASIDES[code];
  return { type, id, ...version, by, evidence, ...(aside !== undefined && { aside }) };
}

function readUser(reader: ByteReader): Message | undefined {
  const topic = reader.u8();
  const payload = reader.rest();
  // A copy: the datagram that it came in isn't kept.
  return topic === 0 || payload.byteLength > MAX_RUMOUR_BYTES
    ? undefined
    : { type: 'user', topic, payload: payload.slice() };
}

import { ByteReader, ByteWriter, type GossipTopic } from '@quorate/core';

/** A piece of what a node knows. */
export type ExchangeItem =
  /** Members, as the protocol's codec writes them; each item can be read by itself. */
  | { readonly type: 'states'; readonly bytes: Uint8Array }
  /** Of what another part of the node shares; `isLast` ends it. */
  | { readonly type: 'topic'; readonly topic: GossipTopic; readonly isLast: boolean; readonly bytes: Uint8Array };

/** One of the two halves of a round of an exchange. */
export interface ExchangePart {
  /** Which exchange of the node that began it. */
  readonly exchange: number;
  /** Which round, from 0. */
  readonly round: number;
  /** Nothing follows from this side. */
  readonly isLast: boolean;
  readonly items: readonly ExchangeItem[];
}

/** What is asked of another node over the transport. */
export type SwimRequest = { readonly type: 'exchange'; readonly part: ExchangePart } | { readonly type: 'ping' };

const VERSION = 1;
const PING = 1;
const EXCHANGE = 2;
const HEADER_BYTES = 11;
const ITEM_BYTES = 7;
const STATES = 0;
const TOPIC = 1;
const LAST = 1;

export const PING_REQUEST: Uint8Array = Uint8Array.of(VERSION, PING);
export const PING_ANSWER: Uint8Array = Uint8Array.of(VERSION);

export function encodePart({ exchange, round, isLast, items }: ExchangePart): Uint8Array {
  const capacity = HEADER_BYTES + items.reduce((sum, item) => sum + ITEM_BYTES + item.bytes.length, 0);
  const writer = new ByteWriter(capacity).u8(VERSION).u8(EXCHANGE).u32(exchange).u32(round);
  writer.u8(isLast ? LAST : 0);
  for (const item of items) {
    const isTopic = item.type === 'topic';
    writer.u8(isTopic ? TOPIC : STATES).u8(isTopic ? item.topic : 0);
    writer
      .u8(isTopic && item.isLast ? LAST : 0)
      .u32(item.bytes.length)
      .bytes(item.bytes);
  }
  return writer.view();
}

/** Nothing, when it is of another version or damaged. Items of unknown types are left out. */
export function decodeRequest(bytes: Uint8Array): SwimRequest | undefined {
  if (bytes[0] !== VERSION) return undefined;
  if (bytes[1] === PING) return { type: 'ping' };
  const part = decodePart(bytes);
  return part === undefined ? undefined : { type: 'exchange', part };
}

export function decodePart(bytes: Uint8Array): ExchangePart | undefined {
  try {
    return readPart(new ByteReader('part of an exchange', bytes));
  } catch {
    return undefined;
  }
}

function readPart(reader: ByteReader): ExchangePart | undefined {
  if (reader.u8() !== VERSION || reader.u8() !== EXCHANGE) return undefined;
  const exchange = reader.u32();
  const round = reader.u32();
  const isLast = (reader.u8() & LAST) !== 0;
  const items: ExchangeItem[] = [];
  while (reader.left > 0) {
    const item = readItem(reader);
    if (item !== undefined) items.push(item);
  }
  return { exchange, round, isLast, items };
}

function readItem(reader: ByteReader): ExchangeItem | undefined {
  const type = reader.u8();
  const topic = reader.u8();
  const isLast = (reader.u8() & LAST) !== 0;
  const bytes = reader.bytes(reader.u32());
  if (type === STATES) return { type: 'states', bytes };
  return type === TOPIC ? { type: 'topic', topic, isLast, bytes } : undefined;
}

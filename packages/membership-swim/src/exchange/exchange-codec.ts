import type { GossipTopic } from '@quorate/core';

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
  const bytes = new Uint8Array(HEADER_BYTES + items.reduce((sum, item) => sum + ITEM_BYTES + item.bytes.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, EXCHANGE);
  view.setUint32(2, exchange);
  view.setUint32(6, round);
  view.setUint8(10, isLast ? LAST : 0);
  let at = HEADER_BYTES;
  for (const item of items) {
    view.setUint8(at, item.type === 'states' ? STATES : TOPIC);
    view.setUint8(at + 1, item.type === 'states' ? 0 : item.topic);
    view.setUint8(at + 2, item.type === 'topic' && item.isLast ? LAST : 0);
    view.setUint32(at + 3, item.bytes.length);
    bytes.set(item.bytes, at + ITEM_BYTES);
    at += ITEM_BYTES + item.bytes.length;
  }
  return bytes;
}

/** Nothing, when it is of another version or damaged. Items of unknown types are left out. */
export function decodeRequest(bytes: Uint8Array): SwimRequest | undefined {
  if (bytes[0] !== VERSION) return undefined;
  if (bytes[1] === PING) return { type: 'ping' };
  const part = decodePart(bytes);
  return part === undefined ? undefined : { type: 'exchange', part };
}

export function decodePart(bytes: Uint8Array): ExchangePart | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION || bytes[1] !== EXCHANGE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: ExchangeItem[] = [];
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    if (at + ITEM_BYTES > bytes.length) return undefined;
    const end = at + ITEM_BYTES + view.getUint32(at + 3);
    if (end > bytes.length) return undefined;
    const item = itemOf(view, at, bytes.subarray(at + ITEM_BYTES, end));
    if (item !== undefined) items.push(item);
    at = end;
  }
  const isLast = (view.getUint8(10) & LAST) !== 0;
  return { exchange: view.getUint32(2), round: view.getUint32(6), isLast, items };
}

function itemOf(view: DataView, at: number, bytes: Uint8Array): ExchangeItem | undefined {
  const type = view.getUint8(at);
  if (type === STATES) return { type: 'states', bytes };
  if (type !== TOPIC) return undefined;
  return { type: 'topic', topic: view.getUint8(at + 1), isLast: (view.getUint8(at + 2) & LAST) !== 0, bytes };
}

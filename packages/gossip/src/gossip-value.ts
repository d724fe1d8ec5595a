import { ClusterError, invalidOption } from '@quorate/core';

/** What JSON can say. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What is told: what JSON can say, or bytes. What is handed out is a copy, and the reader's. */
export type GossipValue = JsonValue | Uint8Array;

const JSON_TEXT = 1;
const BYTES = 2;

/** Of what was removed, or is not there. */
export const NOTHING: Uint8Array = new Uint8Array();

/** @throws ClusterError `INVALID_OPTIONS` */
export function encodeValue(owner: string, name: string, value: GossipValue): Uint8Array {
  if (isBytes(value)) return tagged(BYTES, value);
  return tagged(JSON_TEXT, new TextEncoder().encode(jsonOf(owner, name, value)));
}

/** Undefined of `NOTHING`. @throws ClusterError `PROTOCOL` */
export function decodeValue(bytes: Uint8Array): GossipValue | undefined {
  if (bytes.byteLength === 0) return undefined;
  const content = bytes.subarray(1);
  if (bytes[0] === BYTES) return content.slice();
  if (bytes[0] !== JSON_TEXT) throw unsound('a value of an unknown kind');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as JsonValue;
  } catch {
    throw unsound('a value that is no JSON');
  }
}

/** Whether it can be decoded. */
export function isValue(bytes: Uint8Array): boolean {
  try {
    return decodeValue(bytes) !== undefined;
  } catch {
    return false;
  }
}

function unsound(why: string): ClusterError {
  return new ClusterError('PROTOCOL', `gossip: ${why}`);
}

function isBytes(value: unknown): value is Uint8Array {
  // By its tag, because test runners give programs a Uint8Array of their own.
  return Object(value)[Symbol.toStringTag] === 'Uint8Array';
}

function jsonOf(owner: string, name: string, value: unknown): string {
  try {
    // Undefined, whatever the types say, of functions and of undefined itself.
    const text = JSON.stringify(value, sayable) as string | undefined;
    if (text !== undefined) return text;
  } catch {
    // It is circular, or has in it what JSON can't say: refused like the others.
  }
  throw invalidOption(owner, name, 'what JSON can say, or a Uint8Array', value);
}

/** What `JSON.stringify` would tell as `null` or `{}`, others would take for that. */
function sayable(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value === 'number' ? Number.isFinite(value) : isSayable(value, this)) return value;
  throw new TypeError('JSON has no such value');
}

function isSayable(value: unknown, holder: unknown): boolean {
  // A field that is undefined is one that isn't there.
  if (value === undefined) return !Array.isArray(holder);
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean';
  const kind = Object.prototype.toString.call(value);
  return kind === '[object Object]' || kind === '[object Array]' || kind === '[object Null]';
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + content.byteLength);
  bytes[0] = tag;
  bytes.set(content, 1);
  return bytes;
}

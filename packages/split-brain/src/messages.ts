import { crc32 } from '@quorate/core';

import type { Situation } from './situation.ts';

const VERSION = 1;
const BYTES = 10;
const LOST = 0;
const WON = 1;
const REMOVED = 2;

/** What the node that asked for the lease tells those of its side. */
export interface Outcome {
  /** Who is reachable to the sender, which the receiver must see as well. */
  readonly situation: Fingerprint;
  readonly won: boolean;
}

/** Of who is reachable: nodes with the same are on the same side, and agree on who else is. */
export interface Fingerprint {
  readonly nodes: number;
  readonly checksum: number;
}

export function fingerprint({ reachable }: Situation): Fingerprint {
  const text = reachable.map(({ node, incarnation }) => `${node.id}:${incarnation}`).join();
  return { nodes: reachable.length, checksum: crc32(new TextEncoder().encode(text)) };
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.nodes === b.nodes && a.checksum === b.checksum;
}

export function encodeOutcome({ situation, won }: Outcome): Uint8Array {
  const { bytes, view } = message(won ? WON : LOST);
  view.setUint32(2, situation.nodes);
  view.setUint32(6, situation.checksum);
  return bytes;
}

/** Undefined when it is nothing of this version, or something else. */
export function decodeOutcome(bytes: Uint8Array): Outcome | undefined {
  const { type, view } = opened(bytes);
  if (view === undefined || (type !== WON && type !== LOST)) return undefined;
  return { situation: { nodes: view.getUint32(2), checksum: view.getUint32(6) }, won: type === WON };
}

/** Tells a node that this run of it was removed while it could not be told. */
export function encodeRemoval(incarnation: number): Uint8Array {
  const { bytes, view } = message(REMOVED);
  view.setBigUint64(2, BigInt(incarnation));
  return bytes;
}

/** The incarnation that was removed; undefined when it is nothing of this version, or something else. */
export function decodeRemoval(bytes: Uint8Array): number | undefined {
  const { type, view } = opened(bytes);
  return view === undefined || type !== REMOVED ? undefined : Number(view.getBigUint64(2));
}

function message(type: number): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(BYTES);
  bytes.set([VERSION, type]);
  return { bytes, view: new DataView(bytes.buffer) };
}

function opened(bytes: Uint8Array): { readonly type: number | undefined; readonly view: DataView | undefined } {
  const [version, type] = bytes;
  const isReadable = bytes.length >= BYTES && version === VERSION;
  return { type, view: isReadable ? new DataView(bytes.buffer, bytes.byteOffset, BYTES) : undefined };
}

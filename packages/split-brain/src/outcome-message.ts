import { crc32 } from '@quorate/core';

import type { Situation } from './situation.ts';

const VERSION = 1;
const BYTES = 10;

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
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([VERSION, won ? 1 : 0]);
  view.setUint32(2, situation.nodes);
  view.setUint32(6, situation.checksum);
  return bytes;
}

/** Undefined when it is nothing of this version. */
export function decodeOutcome(bytes: Uint8Array): Outcome | undefined {
  const [version, won] = bytes;
  if (bytes.length < BYTES || version !== VERSION || (won !== 0 && won !== 1)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
  return { situation: { nodes: view.getUint32(2), checksum: view.getUint32(6) }, won: won === 1 };
}

import { isNodeId, type NodeId } from '@quorate/core';

/** A node in one of its runs. */
export interface Party {
  readonly id: NodeId;
  readonly run: number;
}

const RUN_BYTES = 8;

export function partyBytes({ id }: Party): number {
  return 1 + id.length + RUN_BYTES;
}

/** The length of the id, the id, and the run in 8 bytes. Ids are ASCII. */
export function encodeParty({ id, run }: Party): Uint8Array {
  const bytes = new Uint8Array(1 + id.length + RUN_BYTES);
  bytes[0] = id.length;
  for (let at = 0; at < id.length; at += 1) bytes[1 + at] = id.charCodeAt(at);
  const view = new DataView(bytes.buffer, 1 + id.length);
  view.setUint32(0, Math.floor(run / 2 ** 32));
  view.setUint32(4, run % 2 ** 32);
  return bytes;
}

/** What the bytes begin with; undefined when that is no party. */
export function decodeParty(bytes: Uint8Array): Party | undefined {
  const length = bytes[0] ?? 0;
  if (bytes.length < 1 + length + RUN_BYTES) return undefined;
  const id = String.fromCharCode(...bytes.subarray(1, 1 + length));
  const view = new DataView(bytes.buffer, bytes.byteOffset + 1 + length, RUN_BYTES);
  const run = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return isNodeId(id) && Number.isSafeInteger(run) ? { id, run } : undefined;
}

/** The first byte of everything this membership says, so that no other one takes it for its own. */
const PROTOCOL = 0x48;
const VERSION = 1;
const HEARTBEAT = 1;
const LEAVE = 2;
const HEARTBEAT_BYTES = 23;
const LEAVE_BYTES = 11;
const MAX_UINT32 = 0xffff_ffff;

/** What each node tells every other, at each interval. */
export interface Heartbeat {
  readonly incarnation: number;
  /** 0 while it is not known yet. */
  readonly joinOrder: number;
  /** The highest of all whom the sender knows: who joins comes after it. */
  readonly highestOrder: number;
  /** How late the sender's event loop was of late. */
  readonly loopDelayMs: number;
}

export function encodeHeartbeat({ incarnation, joinOrder, highestOrder, loopDelayMs }: Heartbeat): Uint8Array {
  const { bytes, view } = frame(HEARTBEAT, HEARTBEAT_BYTES, incarnation);
  view.setUint32(11, joinOrder);
  view.setUint32(15, highestOrder);
  view.setUint32(19, Math.min(Math.max(0, Math.ceil(loopDelayMs)), MAX_UINT32));
  return bytes;
}

/** Undefined when it is none of this version. What newer ones add is behind it. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  const view = opened(bytes, HEARTBEAT, HEARTBEAT_BYTES);
  const incarnation = view === undefined ? undefined : incarnationOf(view);
  if (view === undefined || incarnation === undefined) return undefined;
  const [joinOrder, highestOrder, loopDelayMs] = [view.getUint32(11), view.getUint32(15), view.getUint32(19)];
  return { incarnation, joinOrder, highestOrder: Math.max(joinOrder, highestOrder), loopDelayMs };
}

/** What a node says that leaves: its incarnation, so that it can't be taken for one that came back. */
export function encodeLeave(incarnation: number): Uint8Array {
  return frame(LEAVE, LEAVE_BYTES, incarnation).bytes;
}

/** The incarnation that leaves; undefined when it is nothing of this version. */
export function decodeLeave(bytes: Uint8Array): number | undefined {
  const view = opened(bytes, LEAVE, LEAVE_BYTES);
  return view === undefined ? undefined : incarnationOf(view);
}

function frame(type: number, length: number, incarnation: number): { readonly bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set([PROTOCOL, VERSION, type]);
  view.setBigUint64(3, BigInt(incarnation));
  return { bytes, view };
}

function opened(bytes: Uint8Array, type: number, length: number): DataView | undefined {
  const [protocol, version, kind] = bytes;
  if (bytes.length < length || protocol !== PROTOCOL || version !== VERSION || kind !== type) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function incarnationOf(view: DataView): number | undefined {
  const incarnation = Number(view.getBigUint64(3));
  return Number.isSafeInteger(incarnation) ? incarnation : undefined;
}

import { ClusterError } from '@quorate/core';

/** What a node is in a group: which formation of it, under which number, with which disk. */
export interface Identity {
  /** 16 random bytes in hexadecimal, made when the group was formed. */
  readonly formation: string;
  /** This node's in the group; never given to another, nor to this node once its log was lost. */
  readonly number: number;
}

/** What a group must remember beside its log, as one record: `GroupLog.state`. */
export interface GroupState {
  /** 16 random bytes in hexadecimal, made with this log: who comes without it has lost it. */
  readonly disk: string;
  /** Undefined until the group is formed, or this node was invited to it. */
  readonly identity: Identity | undefined;
  /** That member was removed from the group, and this node knows it. */
  readonly isRemoved: boolean;
  /** Without an identity: this node had one, perhaps, in a log that was damaged, and is to be given another. */
  readonly isLost?: true;
  readonly term: number;
  readonly vote: number;
}

/*
 * Version 1, big-endian: version (1 byte), disk (16), formation (16, zeros for none), number, term, vote (8 each, doubles),
 * flags (1): 1 for a member that was removed, 2 for one that is lost.
 */
const VERSION = 1;
const ID_BYTES = 16;
const DISK_AT = 1;
const FORMATION_AT: number = DISK_AT + ID_BYTES;
const NUMBERS_AT: number = FORMATION_AT + ID_BYTES;
const FLAGS_AT: number = NUMBERS_AT + 3 * 8;
const STATE_BYTES: number = FLAGS_AT + 1;
const REMOVED_FLAG = 1;
const LOST_FLAG = 2;
const NO_FORMATION: string = '0'.repeat(2 * ID_BYTES);

export function encodeGroupState({ disk, identity, isRemoved, isLost, term, vote }: GroupState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  bytes.set(fromHex(disk), DISK_AT);
  bytes.set(fromHex(identity?.formation ?? NO_FORMATION), FORMATION_AT);
  for (const [at, value] of [identity?.number ?? 0, term, vote].entries()) view.setFloat64(NUMBERS_AT + at * 8, value);
  bytes[FLAGS_AT] = (isRemoved ? REMOVED_FLAG : 0) + (isLost ? LOST_FLAG : 0);
  return bytes;
}

/** @throws ClusterError `CORRUPT` */
export function decodeGroupState(bytes: Uint8Array): GroupState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length !== STATE_BYTES || bytes[0] !== VERSION) {
    throw new ClusterError('CORRUPT', `a group's state of ${bytes.length} bytes, version ${bytes[0]}, can't be read`);
  }
  const [number = 0, term = 0, vote = 0] = [0, 1, 2].map((at) => view.getFloat64(NUMBERS_AT + at * 8));
  if (![number, term, vote].every((value) => Number.isSafeInteger(value) && value >= 0)) {
    throw new ClusterError('CORRUPT', 'a group has numbers in its state that can be none');
  }
  const formation = toHex(bytes.subarray(FORMATION_AT, NUMBERS_AT));
  const flags = bytes[FLAGS_AT] ?? 0;
  if (flags > REMOVED_FLAG + LOST_FLAG)
    throw new ClusterError('CORRUPT', 'a group has flags in its state that are none');
  return {
    disk: toHex(bytes.subarray(DISK_AT, FORMATION_AT)),
    identity: formation === NO_FORMATION ? undefined : { formation, number },
    isRemoved: (flags & REMOVED_FLAG) > 0,
    ...((flags & LOST_FLAG) > 0 && { isLost: true as const }),
    term,
    vote,
  };
}

/** Of a formation, as much as every message carries. */
export function formationTag(formation: string): number {
  return Number.parseInt(formation.slice(0, 8), 16);
}

/** Whether a value from a peer is an id of 16 bytes in hexadecimal. */
export function isHexId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/u.test(value) && value !== NO_FORMATION;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

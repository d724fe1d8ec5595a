import type { MessageType } from '@quorate/raft';

/**
 * What goes into frames, each type by its place here. Snapshots have a transfer of their own, proposals are forwarded as
 * requests, and the rest are a node's words to itself, which must never be taken from the network.
 */
const TYPES: readonly (MessageType | undefined)[] = [
  undefined,
  'App',
  'AppResp',
  'Vote',
  'VoteResp',
  'PreVote',
  'PreVoteResp',
  'Heartbeat',
  'HeartbeatResp',
  'TimeoutNow',
  'TransferLeader',
  'ReadIndex',
  'ReadIndexResp',
];

const CODES: ReadonlyMap<MessageType, number> = new Map(
  TYPES.flatMap((type, code) => (type === undefined ? [] : [[type, code] as const])),
);

/** The byte for a type; undefined for one that goes into no frame. */
export function codeOf(type: MessageType): number | undefined {
  return CODES.get(type);
}

/** The type for a byte; undefined for none. */
export function messageTypeOf(code: number): MessageType | undefined {
  return TYPES[code];
}

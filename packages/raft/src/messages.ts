import {
  type Entry,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type MessageType,
  type Snapshot,
} from './types.ts';

const NO_ENTRIES: readonly Entry[] = [];
const NO_MESSAGES: readonly Message[] = [];

/** In a vote request: the leader itself asked for this election, so that there is no reason to protect it. */
export const CAMPAIGN_TRANSFER: Uint8Array = new TextEncoder().encode('transfer');

/** The fields of a message that have a meaning in it; see `Message`. */
export interface MessageFields {
  readonly type: MessageType;
  readonly to?: number;
  readonly from?: number;
  readonly term?: number;
  readonly logTerm?: number;
  readonly index?: number;
  readonly entries?: readonly Entry[];
  readonly commit?: number;
  readonly vote?: number;
  readonly reject?: boolean;
  readonly rejectHint?: number;
  readonly context?: Uint8Array | undefined;
  readonly snapshot?: Snapshot | undefined;
  readonly responses?: readonly Message[];
}

/** A whole message out of the fields that matter. `from` and `term` are the sender's, where given. */
export function message(
  fields: MessageFields,
  from: number = fields.from ?? 0,
  term: number = fields.term ?? 0,
): Message {
  return {
    type: fields.type,
    to: fields.to ?? 0,
    from,
    term,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    entries: fields.entries ?? NO_ENTRIES,
    commit: fields.commit ?? 0,
    vote: fields.vote ?? 0,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    context: fields.context,
    snapshot: fields.snapshot,
    responses: fields.responses ?? NO_MESSAGES,
  };
}

/** A node's words to itself, which must never be taken from the network. */
const LOCAL_MESSAGES: ReadonlySet<MessageType> = new Set<MessageType>([
  'Hup',
  'Beat',
  'ForgetLeader',
  'Unreachable',
  'SnapStatus',
  'CheckQuorum',
  'StorageAppend',
  'StorageAppendResp',
  'StorageApply',
  'StorageApplyResp',
]);

/** Answers, which only members have reason to send. */
const RESPONSES: ReadonlySet<MessageType> = new Set<MessageType>([
  'AppResp',
  'VoteResp',
  'PreVoteResp',
  'HeartbeatResp',
  'ReadIndexResp',
]);

export function isLocalMessage(type: MessageType): boolean {
  return LOCAL_MESSAGES.has(type);
}

export function isResponse(type: MessageType): boolean {
  return RESPONSES.has(type);
}

/** Whether a part of this process says that it is done. */
export function isFromStorage({ type, from }: Message): boolean {
  if (type === 'StorageAppendResp') return from === LOCAL_APPEND_THREAD;
  return type === 'StorageApplyResp' && from === LOCAL_APPLY_THREAD;
}

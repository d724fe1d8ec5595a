import { asV2 } from '../../src/conf-change.ts';
import { decodeConfChange } from '../../src/conf-change-codec.ts';
import {
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  NONE,
  type ConfState,
  type Entry,
  type EntryType,
  type HardState,
  type Message,
  type MessageType,
  type ReadState,
  type Ready,
  type Role,
  type Snapshot,
} from '../../src/types.ts';
import { describeConfChanges } from './conf-change-text.ts';
import { TranscriptError } from './data-driven.ts';

/*
 * Messages, entries and states in the words of the transcripts.
 */

export function describeReady(ready: Ready): string {
  const { softState, hardState, readStates, entries, snapshot, committedEntries, messages } = ready;
  const lines = [
    ...(softState ? [`Lead:${softState.leader} State:${ROLE_TEXTS[softState.role]}`] : []),
    ...(hardState && !isEmptyHardState(hardState) ? [`HardState ${describeHardState(hardState)}`] : []),
    ...(readStates.length > 0 ? [`ReadStates [${readStates.map(describeReadState).join(' ')}]`] : []),
    ...titled('Entries:', entries.map(describeEntry)),
    ...(snapshot && !isEmptySnapshot(snapshot) ? [`Snapshot ${describeSnapshot(snapshot)}`] : []),
    ...titled('CommittedEntries:', committedEntries.map(describeEntry)),
    ...titled(
      'Messages:',
      messages.map((message) => describeMessage(message)),
    ),
  ];
  if (lines.length === 0) return '<empty Ready>';
  return [`Ready MustSync=${ready.mustSync}:`, ...lines].map((line) => `${line}\n`).join('');
}

export function describeMessage(message: Message, indent = ''): string {
  const { entries, snapshot, responses } = message;
  const target = `${describeTarget(message.from)}->${describeTarget(message.to)}`;
  const parts = [
    `${indent}${target} Msg${message.type} Term:${message.term} Log:${message.logTerm}/${message.index}`,
    ...(message.reject ? [` Rejected (Hint: ${message.rejectHint})`] : []),
    ...(message.commit > 0 ? [` Commit:${message.commit}`] : []),
    ...(message.vote > 0 ? [` Vote:${message.vote}`] : []),
    ...(entries.length === 1 ? [` Entries:[${entries.map(describeEntry).join('')}]`] : []),
    ...(entries.length > 1 ? [' Entries:[', ...entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`)] : []),
    ...(entries.length > 1 ? [`\n${indent}]`] : []),
    ...(snapshot && !isEmptySnapshot(snapshot) ? [`\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`] : []),
    ...(responses.length > 0 ? [' Responses:['] : []),
    ...responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`),
    ...(responses.length > 0 ? [`\n${indent}]`] : []),
  ];
  return parts.join('');
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join('');
}

export function isEmptyHardState({ term, vote, commit }: HardState): boolean {
  return term === 0 && vote === NONE && commit === 0;
}

export function isEmptySnapshot({ metadata }: Snapshot): boolean {
  return metadata.index === 0;
}

export const ROLE_TEXTS: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  'pre-candidate': 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};

/** Reads the type of a message as transcripts write it: `MsgApp`. */
export function parseMessageType(text: string): MessageType {
  const type = text.slice('Msg'.length);
  if (!text.startsWith('Msg') || !Object.hasOwn(MESSAGE_TYPES, type)) {
    throw new TranscriptError(`unknown type of message "${text}"`);
  }
  return type as MessageType;
}

/** A record, so that the compiler misses none. */
const MESSAGE_TYPES: Readonly<Record<MessageType, true>> = {
  Hup: true,
  Beat: true,
  Prop: true,
  App: true,
  AppResp: true,
  Vote: true,
  VoteResp: true,
  Snap: true,
  Heartbeat: true,
  HeartbeatResp: true,
  Unreachable: true,
  SnapStatus: true,
  CheckQuorum: true,
  TransferLeader: true,
  TimeoutNow: true,
  ReadIndex: true,
  ReadIndexResp: true,
  PreVote: true,
  PreVoteResp: true,
  StorageAppend: true,
  StorageAppendResp: true,
  StorageApply: true,
  StorageApplyResp: true,
  ForgetLeader: true,
};

const ENTRY_TEXTS: Readonly<Record<EntryType, string>> = {
  normal: 'EntryNormal',
  'conf-change': 'EntryConfChange',
  'conf-change-v2': 'EntryConfChangeV2',
};

function describeEntry(entry: Entry): string {
  const content =
    entry.type === 'normal' ? quote(entry.data) : describeConfChanges(asV2(decodeConfChange(entry)).changes);
  return `${entry.term}/${entry.index} ${ENTRY_TEXTS[entry.type]}${content === '' ? '' : ` ${content}`}`;
}

function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === NONE ? '' : ` Vote:${vote}`} Commit:${commit}`;
}

function describeSnapshot({ metadata }: Snapshot): string {
  return `Index:${metadata.index} Term:${metadata.term} ConfState:${describeConfState(metadata.confState)}`;
}

function describeConfState(state: ConfState): string {
  const list = (ids: readonly number[]): string => `[${ids.join(' ')}]`;
  return [
    `Voters:${list(state.voters)}`,
    `VotersOutgoing:${list(state.votersOutgoing)}`,
    `Learners:${list(state.learners)}`,
    `LearnersNext:${list(state.learnersNext)}`,
    `AutoLeave:${state.autoLeave}`,
  ].join(' ');
}

function describeReadState({ index, context }: ReadState): string {
  return `{${index} [${[...context].join(' ')}]}`;
}

function describeTarget(id: number): string {
  if (id === NONE) return 'None';
  if (id === LOCAL_APPEND_THREAD) return 'AppendThread';
  if (id === LOCAL_APPLY_THREAD) return 'ApplyThread';
  return id.toString(16);
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** Data as a quoted text, the rest of the bytes as \x and two digits. */
function quote(data: Uint8Array): string {
  const characters = Array.from(new TextDecoder('latin1').decode(data), (character) => {
    const code = character.charCodeAt(0);
    const plain = code >= 0x20 && code < 0x7f;
    return ESCAPES[character] ?? (plain ? character : `\\x${code.toString(16).padStart(2, '0')}`);
  });
  return `"${characters.join('')}"`;
}

import { decodeConfChange } from './conf-change-codec.ts';
import { decodeRound } from './replication.ts';
import { isConfState } from './tracker-config.ts';
import type { Entry, EntryType, Message, MessageType } from './types.ts';

/** The longest context that a read may have: leaders keep those of reads that wait. */
const MAX_READ_CONTEXT_BYTES = 1024;

type Check = (m: Message) => boolean;

/** What peers say to each other, and what must be true of it beyond what is true of all messages. */
const CHECKS: ReadonlyMap<MessageType, Check> = new Map<MessageType, Check>([
  ['App', (m) => isPosition(m.index, m.logTerm, m.term) && continuesLog(m)],
  ['AppResp', (m) => m.logTerm <= m.term && m.rejectHint <= m.index],
  ['Vote', (m) => isPosition(m.index, m.logTerm, m.term)],
  ['VoteResp', answersVote],
  ['PreVote', (m) => isPosition(m.index, m.logTerm, m.term)],
  ['PreVoteResp', answersVote],
  ['Snap', hasSnapshot],
  ['Heartbeat', hasRound],
  ['HeartbeatResp', hasRound],
  ['Prop', ({ entries }) => entries.length > 0 && entries.every(isOfKnownType)],
  ['TimeoutNow', () => true],
  ['TransferLeader', () => true],
  ['ReadIndex', namesRead],
  ['ReadIndexResp', namesRead],
]);

/** What a node sends to itself as well as to others; and what may come back to whom it is from, having been sent on. */
const FROM_SELF: ReadonlySet<MessageType> = new Set<MessageType>([
  'AppResp',
  'VoteResp',
  'PreVoteResp',
  'Prop',
  'ReadIndex',
  'TransferLeader',
]);

/** Sent on from node to node, whatever their terms. */
const TERMLESS: ReadonlySet<MessageType> = new Set<MessageType>(['Prop', 'ReadIndex']);

const ENTRY_TYPES: ReadonlySet<EntryType> = new Set<EntryType>(['normal', 'conf-change', 'conf-change-v2']);

/** Whether a correct node could have sent this message to node `self`, as far as the message alone tells. */
export function isSensible(m: Message, self: number): boolean {
  const check = CHECKS.get(m.type);
  if (check === undefined || m.to !== self || !isPositive(m.from)) return false;
  if (m.from === self && !FROM_SELF.has(m.type)) return false;
  const hasTerm = TERMLESS.has(m.type) ? m.term === 0 : isTerm(m.term);
  return hasTerm && hasNumbers(m) && check(m);
}

/** Whether `context` can name a read. */
export function isReadContext(context: Uint8Array | undefined): boolean {
  return context !== undefined && context.byteLength > 0 && context.byteLength <= MAX_READ_CONTEXT_BYTES;
}

function hasNumbers({ logTerm, index, commit, vote, rejectHint, entries }: Message): boolean {
  if (!isNatural(index) || !isNatural(index + entries.length)) return false;
  return isNatural(logTerm) && isNatural(commit) && isNatural(vote) && isNatural(rejectHint);
}

/** A position in a log has the term of its entry, none later than the message's; before the first entry there is none. */
function isPosition(index: number, logTerm: number, term: number): boolean {
  return logTerm <= term && (index === 0) === (logTerm === 0);
}

/** Whether the entries follow on `index`, one by one, and terms never fall. */
function continuesLog({ entries, index, logTerm, term }: Message): boolean {
  let before = logTerm;
  for (const [i, entry] of entries.entries()) {
    if (entry.index !== index + 1 + i || !isPositive(entry.term) || entry.term < before) return false;
    if (!isOfKnownType(entry) || !isReadable(entry)) return false;
    before = entry.term;
  }
  return before <= term;
}

function isOfKnownType({ type }: Entry): boolean {
  return ENTRY_TYPES.has(type);
}

/** Once committed, a change that can't be read would stop every node that comes to apply it. */
function isReadable(entry: Entry): boolean {
  if (entry.type === 'normal') return true;
  try {
    decodeConfChange(entry);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Only a refusal says what is committed. */
function answersVote(m: Message): boolean {
  return isPosition(m.commit, m.logTerm, m.term) && (m.reject || m.commit === 0);
}

function hasSnapshot({ snapshot, term }: Message): boolean {
  if (snapshot === undefined) return false;
  const { metadata } = snapshot;
  return (
    isPositive(metadata.index) && isPositive(metadata.term) && metadata.term <= term && isConfState(metadata.confState)
  );
}

function hasRound({ context }: Message): boolean {
  return context === undefined || isPositive(decodeRound(context));
}

function namesRead({ context }: Message): boolean {
  return isReadContext(context);
}

/** What comes after it must be countable still: no group gets there by itself, with a thousand elections a second. */
const MAX_TERM: number = 2 ** 52;

function isTerm(value: number): boolean {
  return isPositive(value) && value <= MAX_TERM;
}

function isNatural(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

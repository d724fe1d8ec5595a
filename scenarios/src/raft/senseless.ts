import type { Entry, Message, MessageType, SnapshotMetadata } from '@quorate/raft';
import type { Seeded } from './seeded.ts';

type Corruption = (m: Message, random: Seeded) => Message;

const NO_NUMBERS = [-1, 0.5, NaN, Infinity, 2 ** 53] as const;
const FIELDS = ['term', 'logTerm', 'index', 'commit', 'vote', 'rejectHint', 'from', 'to'] as const;
/** What no peer may say, and what nobody says at all. */
const TYPES = ['Hup', 'Beat', 'ForgetLeader', 'SnapStatus', 'StorageApplyResp', 'toString', ''] as MessageType[];

const withNumber: Corruption = (m, random) => ({ ...m, [random.pick(FIELDS)]: random.pick(NO_NUMBERS) });
const withType: Corruption = (m, random) => ({ ...m, type: random.pick(TYPES) });

/** For some types of messages, what else a correct node never says. */
const CORRUPTIONS: { readonly [T in MessageType]?: readonly Corruption[] } = {
  App: [
    (m) => ({ ...m, entries: [...m.entries, entryAfter(m, { index: m.index + m.entries.length + 2 })] }),
    (m) => ({ ...m, entries: [...m.entries, entryAfter(m, { term: m.term + 1 })] }),
    (m) => ({ ...m, entries: [...m.entries, entryAfter(m, { type: 'other' as 'normal' })] }),
    (m) => ({ ...m, logTerm: m.term + 1 }),
  ],
  Snap: [
    (m) => ({ ...m, snapshot: undefined }),
    (m) => withMetadata(m, { index: 0 }),
    (m) => withMetadata(m, { term: m.term + 1 }),
    (m) => withMetadata(m, { confState: { ...emptyConf, voters: [1, 2], learners: [2] } }),
    (m) => withMetadata(m, { confState: emptyConf }),
  ],
  Vote: [(m) => ({ ...m, logTerm: m.term + 1 })],
  ReadIndex: [(m) => ({ ...m, context: undefined }), (m) => ({ ...m, context: new Uint8Array() })],
  Heartbeat: [(m) => ({ ...m, context: new Uint8Array(3) })],
  AppResp: [(m) => ({ ...m, rejectHint: m.index + 1 })],
};

/** A message as a peer with a broken encoder might send it: it has the right types, but no correct node says so. */
export function senseless(m: Message, random: Seeded): Message {
  const corrupt = random.pick([withNumber, withType, ...(CORRUPTIONS[m.type] ?? [])]);
  return corrupt(m, random);
}

const emptyConf = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

function entryAfter(m: Message, wrong: Partial<Entry>): Entry {
  return { index: m.index + m.entries.length + 1, term: m.term, type: 'normal', data: new Uint8Array(), ...wrong };
}

function withMetadata(m: Message, wrong: Partial<SnapshotMetadata>): Message {
  if (m.snapshot === undefined) return m;
  return { ...m, snapshot: { ...m.snapshot, metadata: { ...m.snapshot.metadata, ...wrong } } };
}

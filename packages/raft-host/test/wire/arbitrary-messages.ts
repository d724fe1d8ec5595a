import { encodeBatch, type LogBatch } from '@quorate/core';
import type { Entry, Message, MessageType } from '@quorate/raft';
import fc from 'fast-check';
import { FrameWriter } from '../../src/wire/frame-writer.ts';
import { kindOf } from '../../src/wire/entry-kind.ts';

const id = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const count = fc.oneof(fc.nat(300), fc.nat(2 ** 33), fc.maxSafeNat());
const uint = fc.nat(0xffff_ffff);
const context = fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined });
const data = fc.uint8Array({ maxLength: 80 });

/** Fields of which most messages have few. */
export const nothing = { logTerm: 0, index: 0, entries: [], commit: 0, vote: 0, reject: false, rejectHint: 0 } as const;
/** All but appends with entries. */
const TYPES: readonly MessageType[] = [
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

const plain = fc.record({
  type: fc.constantFrom(...TYPES),
  from: id,
  to: id,
  term: id,
  logTerm: count,
  index: count,
  entries: fc.constant([]),
  commit: count,
  vote: fc.constant(0),
  reject: fc.boolean(),
  rejectHint: count,
  context,
  snapshot: fc.constant(undefined),
  responses: fc.constant([]),
});
const withoutTerm = fc.record({ from: id, to: id, context }).map((fields): Message => ({
  ...nothing,
  type: 'ReadIndex',
  term: 0,
  ...fields,
  snapshot: undefined,
  responses: [],
}));
const entry = fc.record({
  type: fc.constantFrom<Entry['type'][]>('normal', 'conf-change', 'conf-change-v2'),
  later: fc.nat(2),
  data,
});
const append = fc
  .record({
    from: id,
    to: id,
    index: fc.nat(2 ** 50),
    logTerm: fc.nat(2 ** 40),
    items: fc.array(entry, { maxLength: 8 }),
  })
  .map(({ items, ...fields }): Message => {
    let term = Math.max(1, fields.logTerm);
    const entries = items.map(({ type, later, data }, at): Entry => {
      term += later;
      return { index: fields.index + 1 + at, term, type, data };
    });
    return {
      ...nothing,
      type: 'App',
      ...fields,
      term,
      entries,
      context: undefined,
      snapshot: undefined,
      responses: [],
    };
  });

/** A message that a correct node may send. */
export const soundMessage: fc.Arbitrary<Message> = fc.oneof(plain, withoutTerm, append);

export interface Addressed {
  readonly group: number;
  readonly formation: number;
  readonly message: Message;
}

export const addressed: fc.Arbitrary<Addressed> = fc.record({ group: uint, formation: uint, message: soundMessage });

/** A message with most fields set, to make others from. */
export const ANSWER: Message = {
  type: 'AppResp',
  to: 2,
  from: 3,
  term: 5,
  logTerm: 4,
  index: 300,
  entries: [],
  commit: 0,
  vote: 0,
  reject: true,
  rejectHint: 299,
  context: undefined,
  snapshot: undefined,
  responses: [],
};

export function frameOf(messages: readonly Addressed[], writer: FrameWriter = new FrameWriter()): Uint8Array {
  for (const { group, formation, message } of messages) writer.add(group, formation, message, batchOf);
  return writer.take().slice();
}

/** The batch of one that an entry is in. */
export function batchOf(entry: Entry): LogBatch {
  return encodeBatch([{ index: entry.index, term: entry.term, kind: kindOf(entry.type), data: entry.data }]);
}

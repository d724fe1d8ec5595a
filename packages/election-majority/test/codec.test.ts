import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, MESSAGE_BYTES } from '../src/message-codec.ts';
import type { ElectionMessage } from '../src/messages.ts';
import { decodeVoteRecord, encodeVoteRecord } from '../src/vote-record.ts';

const term = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const uint = fc.nat({ max: 0xffff_ffff });
const common = { generation: uint, rules: uint, term };
const reply = { ...common, granted: fc.boolean(), voterTerm: term, retryAfterMs: uint };
const message: fc.Arbitrary<ElectionMessage> = fc.oneof(
  fc.record({ type: fc.constant('heartbeat' as const), ...common, round: uint }),
  fc.record({
    type: fc.constant('heartbeat-ack' as const),
    ...common,
    round: uint,
    candidate: fc.boolean(),
    priority: uint,
  }),
  fc.record({ type: fc.constant('pre-vote' as const), ...common, priority: uint }),
  fc.record({ type: fc.constant('pre-vote-reply' as const), ...reply }),
  fc.record({ type: fc.constant('vote' as const), ...common, releasedTerm: term }),
  fc.record({ type: fc.constant('vote-reply' as const), ...reply, candidate: fc.boolean(), priority: uint }),
  fc.record({ type: fc.constant('hand-over' as const), ...common }),
  fc.record({ type: fc.constant('release' as const), ...common, successor: fc.boolean() }),
);

describe('messages', () => {
  it('decode to what was encoded, with bytes of a later release behind them too', () => {
    fc.assert(
      fc.property(message, fc.nat({ max: 40 }), (original, extra) => {
        const bytes = new Uint8Array(MESSAGE_BYTES + extra);
        bytes.set(encodeMessage(original));
        expect(decodeMessage(bytes)).toEqual(original);
      }),
    );
  });

  it('are refused as PROTOCOL, or skipped, and never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeMessage(bytes);
        } catch (error) {
          expect(isClusterError(error, 'PROTOCOL')).toBe(true);
        }
      }),
    );
  });

  it('of a type that is not known yet are skipped', () => {
    const bytes = encodeMessage({ type: 'hand-over', generation: 1, rules: 7, term: 1 });
    bytes[1] = 200;
    expect(decodeMessage(bytes)).toBeUndefined();
  });
});

describe('vote records', () => {
  it('decode to what was encoded', () => {
    const record = { term: 7, votedFor: 'b', electorate: { generation: 2, voters: ['a', 'b'] }, promiseMs: 150 };
    expect(decodeVoteRecord(encodeVoteRecord(record))).toEqual(record);
    expect(decodeVoteRecord(encodeVoteRecord({ ...record, votedFor: undefined })).votedFor).toBeUndefined();
  });

  it.each(['', 'null', '[]', '{}', '{"format":2}', '{"format":1,"term":-1}', '{"format":1,"term":1,"votedFor":"?"}'])(
    'are refused as CORRUPT: %s',
    (text) => {
      expect(() => decodeVoteRecord(new TextEncoder().encode(text))).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
    },
  );
});

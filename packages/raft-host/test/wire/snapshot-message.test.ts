import { isClusterError } from '@quorate/core';
import type { ConfState, Message } from '@quorate/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nothing } from './arbitrary-messages.ts';
import { decodeSnapshotMessage, encodeSnapshotMessage } from '../../src/wire/snapshot-message.ts';

const id = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));

/** Configurations that can be: four lists that hold no node in the wrong place. */
const confState: fc.Arbitrary<ConfState> = fc
  .record({ ids: fc.uniqueArray(id, { minLength: 1, maxLength: 12 }), cuts: fc.array(fc.nat(11), { minLength: 3 }) })
  .map(({ ids, cuts: [one = 0, two = 0, three = 0] }) => {
    const [a = 0, b = 0, c = 0] = [one, two, three].sort((x, y) => x - y);
    const [voters, outgoing, learnersNext] = [ids.slice(0, a + 1), ids.slice(a + 1, b + 1), ids.slice(b + 1, c + 1)];
    const votersOutgoing = [...outgoing, ...learnersNext];
    const autoLeave = votersOutgoing.length > 0 && one % 2 === 0;
    return { voters, votersOutgoing, learners: ids.slice(c + 1), learnersNext, autoLeave };
  });

const snapshotMessage: fc.Arbitrary<Message> = fc
  .record({ from: id, to: id, term: id, index: id, confState, data: fc.uint8Array({ maxLength: 200 }) })
  .map(({ from, to, term, index, confState, data }) => ({
    type: 'Snap',
    from,
    to,
    term,
    ...nothing,
    context: undefined,
    snapshot: { metadata: { index, term: Math.ceil(term / 2), confState }, data },
    responses: [],
  }));

const FIVE = { voters: [1, 2, 3], votersOutgoing: [], learners: [4], learnersNext: [], autoLeave: false };
const [EXAMPLE] = fc.sample(snapshotMessage, { numRuns: 1, seed: 1 }) as [Message];

function withSnapshot(state: Partial<ConfState>, data: Uint8Array = new Uint8Array(2)): Message {
  const metadata = { index: 300, term: 2, confState: { ...FIVE, ...state } };
  return { ...EXAMPLE, from: 1, to: 4, term: 7, snapshot: { metadata, data } };
}

/** Bytes in hexadecimal, laid out to be read. */
function hexOf(text: string): string {
  return text.replaceAll(' ', '');
}

function attempt(bytes: Uint8Array): Message | 'refused' {
  try {
    return decodeSnapshotMessage(bytes);
  } catch (error) {
    expect(isClusterError(error, 'PROTOCOL')).toBe(true);
    return 'refused';
  }
}

describe('a message with a snapshot', () => {
  it('is given back', () => {
    fc.assert(
      fc.property(snapshotMessage, (given) => {
        expect(decodeSnapshotMessage(encodeSnapshotMessage(given))).toEqual(given);
      }),
    );
  });

  it('may be as large as what goes with a snapshot', () => {
    const many = Array.from({ length: 1024 }, (_, at) => Number.MAX_SAFE_INTEGER - at);
    const large = withSnapshot({ voters: many, learners: [] }, new Uint8Array(72 * 1024).fill(9));
    expect(decodeSnapshotMessage(encodeSnapshotMessage(large))).toEqual(large);
    const larger = [
      withSnapshot({ voters: [...many, 1], learners: [] }),
      withSnapshot({}, new Uint8Array(72 * 1024 + 1)),
      { ...large, snapshot: undefined },
      { ...large, type: 'App' as const },
    ];
    for (const message of larger) {
      const error = expect.objectContaining({ code: 'INVALID_OPTIONS' });
      expect(() => encodeSnapshotMessage(message)).toThrowError(error);
    }
  });

  it('is refused when it is cut off or goes on', () => {
    fc.assert(
      fc.property(snapshotMessage, fc.nat(255), (given, more) => {
        const bytes = encodeSnapshotMessage(given);
        for (let length = 0; length < bytes.length; length += 1) {
          expect(attempt(bytes.subarray(0, length))).toBe('refused');
        }
        expect(attempt(Uint8Array.from([...bytes, more]))).toBe('refused');
      }),
    );
  });

  it('is read or refused when it is changed, and what is read is what would be written so', () => {
    fc.assert(
      fc.property(snapshotMessage, fc.nat(), fc.nat(255), (given, place, value) => {
        const bytes = encodeSnapshotMessage(given);
        const changed = bytes.with(place % bytes.length, value);
        const read = attempt(changed);
        if (read !== 'refused') expect(encodeSnapshotMessage(read)).toEqual(changed);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused with a configuration that would stop consensus, or a term from the future', () => {
    const wrong: readonly Partial<ConfState>[] = [
      { learners: [3] },
      { learnersNext: [2] },
      { autoLeave: true },
      { voters: [], votersOutgoing: [1] },
      { voters: [1, 1] },
      { voters: [0] },
    ];
    expect(attempt(encodeSnapshotMessage(withSnapshot({})))).not.toBe('refused');
    for (const state of wrong) expect(attempt(encodeSnapshotMessage(withSnapshot(state)))).toBe('refused');
    expect(attempt(encodeSnapshotMessage({ ...withSnapshot({}), term: 1 }))).toBe('refused');
    expect(attempt(encodeSnapshotMessage({ ...withSnapshot({}), to: 0 }))).toBe('refused');
  });

  it('is written and read as ever in version 1', () => {
    const given = withSnapshot({ voters: [1, 2], votersOutgoing: [1, 3], learnersNext: [3], autoLeave: true });
    const hex = hexOf('01 01 04 07 ac02 02  02 01 02  02 01 03  01 04  01 03  01  02 0000');
    expect(Buffer.from(encodeSnapshotMessage(given)).toString('hex')).toBe(hex);
    expect(decodeSnapshotMessage(Uint8Array.from(Buffer.from(hex, 'hex')))).toEqual(given);
  });
});

import { gossipTopic } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { decodePart, encodePart, type ExchangePart } from '../../src/exchange/exchange-codec.ts';
import { decodeStates, encodeStates } from '../../src/protocol/exchange-codec.ts';
import type { Message, Packet } from '../../src/protocol/messages.ts';
import { decodePacket, encodePacket } from '../../src/protocol/packet-codec.ts';
import type { StateOfMember } from '../../src/protocol/types.ts';

const address = { host: '10.0.0.1', port: 7001 };
const plain: StateOfMember = {
  id: 'a',
  node: { id: 'a', ...address },
  address,
  state: 'alive',
  incarnation: 2 ** 40,
  epoch: 0,
  refutation: 3,
  joinOrder: 1,
};
const full: StateOfMember = {
  id: 'b',
  node: { id: 'b', host: 'b.example', port: 1, zone: 'z', region: 'č', weight: 0.5, metadata: { __key: 'v' } },
  address,
  state: 'unreachable',
  incarnation: Number.MAX_SAFE_INTEGER,
  epoch: 129,
  refutation: 0,
  joinOrder: 300,
  evidence: 'refused',
};
const version = { epoch: 1, run: 1_700_000_000_000, refutation: 2 };

/** What every release that speaks version 1 writes and reads, byte for byte. */
const messages: Readonly<Record<string, readonly [Message, hex: string]>> = {
  ping: [{ type: 'ping', sequence: 5, target: 'b' }, '0103050162'],
  ack: [{ type: 'ack', sequence: 128, loopDelayMs: 17 }, '0203800111'],
  'a request for a ping': [
    { type: 'ping-request', sequence: 2 ** 31, target: 'b', run: 2 ** 32, address },
    '03178080808008016280808080100831302e302e302e31d936',
  ],
  nack: [{ type: 'nack', sequence: 16_383 }, '0402ff7f'],
  leave: [{ type: 'leave', sequence: 16_384 }, '0503808001'],
  'an answer to it': [{ type: 'leave-ack', sequence: 0 }, '060100'],
  dispute: [{ type: 'dispute', id: 'b', holder: address }, '070d01620831302e302e302e31d936'],
  introduce: [{ type: 'introduce' }, '0800'],
  'word for one that is doubted': [{ type: 'vouch', id: 'b', run: 2 ** 32 }, '090701628080808010'],
  'one that lives': [{ type: 'alive', member: plain }, '10180001610831302e302e302e31d93600008080808080200301'],
  suspicion: [
    { type: 'suspect', id: 'b', ...version, by: 'a', evidence: 'stalled' },
    '110e01620180d095ffbc310201610100',
  ],
  'a suspicion that asks': [
    { type: 'suspect', id: 'b', ...version, by: 'a', evidence: 'silent', aside: 'question' },
    '110e01620180d095ffbc310201610001',
  ],
  'a suspicion that answers': [
    { type: 'suspect', id: 'b', ...version, by: 'a', evidence: 'refused', aside: 'answer' },
    '110e01620180d095ffbc310201610202',
  ],
  'one that is unreachable': [
    { type: 'unreachable', id: 'b', ...version, by: 'a', evidence: 'closed' },
    '120e01620180d095ffbc310201610300',
  ],
  'one that left': [{ type: 'left', id: 'b', ...version }, '130a01620180d095ffbc3102'],
  'news of others': [{ type: 'user', topic: gossipTopic.SHARED_STATE, payload: Uint8Array.of(0, 255) }, '14030100ff'],
};
const STATES =
  '01180001610831302e302e302e31d936000080808080802003013e3f016209622e6578616d706c6501017a02c48d3fe000000000000001055f5f6b65790176028101ffffffffffffff0f00ac020831302e302e302e31d93602';
const PART = '0102ffffffff00000102010000000000000301020301010100000000';

describe('version 1 of packets', () => {
  it.each(Object.entries(messages))('is written and read as ever: %s', (_what, [message, hex]) => {
    const packet: Packet = { sender: 'node-1', run: 1_700_000_000_001, messages: [message] };
    const bytes = encodePacket(packet);
    expect(hexOf(bytes)).toBe(`${HEADER}${hexIn(hex)}`);
    expect(decodePacket(bytes)).toEqual(packet);
  });
});

const HEADER = '01066e6f64652d3181d095ffbc31';

describe('version 1 of exchanges', () => {
  it('is written and read as ever', () => {
    const [states = new Uint8Array(), more] = [...encodeStates([plain, full], 2000)];
    expect(more).toBeUndefined();
    expect(hexOf(states)).toBe(hexIn(STATES));
    expect(decodeStates(states)).toEqual([plain, full]);
  });

  it('tells from which version a description is that is older than what is said', () => {
    const left: StateOfMember = { ...plain, state: 'left', describedIn: { epoch: 0, run: 2 ** 40, refutation: 2 } };
    const [states = new Uint8Array()] = [...encodeStates([left], 2000)];
    expect(hexOf(states)).toBe(
      hexIn('01 20 40 0161 0831302e302e302e31d936 03 00808080808020 03 01 00 808080808020 02'),
    );
    expect(decodeStates(states)).toEqual([left]);
    // As it would be of no use: of who lives, or from a version that is no older.
    for (const wrong of [{ state: 'alive' }, { describedIn: { epoch: 0, run: 2 ** 40, refutation: 3 } }] as const) {
      expect(decodeStates([...encodeStates([{ ...left, ...wrong }], 2000)][0] ?? states)).toBeUndefined();
    }
  });

  it('is cut into parts as ever', () => {
    const topic = { type: 'topic', topic: gossipTopic.SHARED_STATE, isLast: true, bytes: new Uint8Array() } as const;
    const items = [{ type: 'states', bytes: Uint8Array.of(1, 2, 3) } as const, topic];
    const part: ExchangePart = { exchange: 2 ** 32 - 1, round: 258, isLast: true, items };
    expect(hexOf(encodePart(part))).toBe(hexIn(PART));
    expect(decodePart(encodePart(part))).toEqual(part);
  });
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Without the spaces that are there to be read. */
function hexIn(text: string): string {
  return text.replaceAll(/\s/gu, '');
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStates, encodeStates } from '../../src/protocol/exchange-codec.ts';
import { decodePacket, encodePacket, packetBytes } from '../../src/protocol/packet-codec.ts';
import { MAX_NODE_BYTES_IN_GOSSIP, nodeBytes } from '../../src/protocol/state-codec.ts';
import type { StateOfMember } from '../../src/protocol/types.ts';
import { packet, state } from './arbitraries.ts';

const PING = encodePacket({ sender: 'a', run: 1, messages: [{ type: 'ping', sequence: 5, target: 'b' }] });

function member(metadata: Record<string, string>): StateOfMember {
  const node = { id: 'a', host: 'h', port: 1, metadata };
  const address = { host: 'h', port: 1 };
  return { id: 'a', node, address, state: 'alive', incarnation: 1, epoch: 0, refutation: 0, joinOrder: 1 };
}

describe('the codec of packets', () => {
  it('reads what it has written, and knows beforehand how long that is', () => {
    fc.assert(
      fc.property(packet, (made) => {
        const bytes = encodePacket(made);
        expect(decodePacket(bytes)).toEqual(made);
        expect(packetBytes(made)).toBe(bytes.byteLength);
      }),
    );
  });

  it('reads anything, and throws at nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodePacket(bytes);
        decodePacket(new Uint8Array([1, ...bytes]));
        decodePacket(new Uint8Array([...PING, ...bytes]));
      }),
      { numRuns: 500 },
    );
  });

  it('a packet with one byte changed is read as something, or refused, and never kept from being written again', () => {
    fc.assert(
      fc.property(packet, fc.nat(), fc.integer({ min: 1, max: 255 }), (made, at, flip) => {
        const bytes = encodePacket(made);
        const place = at % bytes.byteLength;
        bytes[place] = (bytes[place] ?? 0) ^ flip;
        const read = decodePacket(bytes);
        if (read !== undefined) expect(decodePacket(encodePacket(read))).toEqual(read);
      }),
      { numRuns: 500 },
    );
  });

  it('half a packet is none', () => {
    fc.assert(
      fc.property(packet, fc.nat(), (made, cut) => {
        const bytes = encodePacket(made);
        const read = decodePacket(bytes.subarray(0, cut % bytes.byteLength));
        // What ends between two messages is a shorter packet.
        if (read !== undefined) expect(made.messages.slice(0, read.messages.length)).toEqual(read.messages);
      }),
    );
  });

  it('passes over messages of types that it does not know', () => {
    const unknown = [200, 3, 1, 2, 3];
    const read = decodePacket(new Uint8Array([...PING, ...unknown, ...PING.subarray(4)]));
    expect(read?.messages.map(({ type }) => type)).toEqual(['ping', 'ping']);
  });

  it('refuses another version, more messages than a packet holds, and a length that is not there', () => {
    expect(decodePacket(new Uint8Array([2, ...PING.subarray(1)]))).toBeUndefined();
    const many = Array.from({ length: 257 }, () => [4, 1, 1]).flat();
    expect(decodePacket(new Uint8Array([...PING.subarray(0, 4), ...many.slice(3)]))?.messages).toHaveLength(256);
    expect(decodePacket(new Uint8Array([...PING.subarray(0, 4), ...many]))).toBeUndefined();
    expect(decodePacket(new Uint8Array([...PING.subarray(0, 4), 4, 50, 1]))).toBeUndefined();
  });

  it('refuses a description that is longer than one may be', () => {
    const fits = member({ key: 'x'.repeat(MAX_NODE_BYTES_IN_GOSSIP - 20) });
    const tooLong = member({ key: 'x'.repeat(MAX_NODE_BYTES_IN_GOSSIP) });
    expect(nodeBytes(fits.node)).toBeLessThanOrEqual(MAX_NODE_BYTES_IN_GOSSIP);
    for (const [made, count] of [
      [fits, 1],
      [tooLong, 0],
    ] as const) {
      const bytes = encodePacket({ sender: 'a', run: 1, messages: [{ type: 'alive', member: made }] });
      expect(decodePacket(bytes)?.messages ?? []).toHaveLength(count);
    }
  });
});

describe('the codec of exchanges', () => {
  it('reads what it has written, in parts that are no longer than asked for', () => {
    fc.assert(
      fc.property(fc.array(state, { maxLength: 20 }), (states) => {
        const parts = [...encodeStates(states, 3000)];
        for (const part of parts) expect(part.byteLength).toBeLessThanOrEqual(3000);
        const read = parts.map((part) => decodeStates(part));
        expect(read).not.toContain(undefined);
        expect(read.flatMap((part) => part ?? [])).toEqual(states);
      }),
    );
  });

  it('reads anything, and throws at nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeStates(bytes);
        decodeStates(new Uint8Array([1, ...bytes]));
      }),
      { numRuns: 500 },
    );
  });
});

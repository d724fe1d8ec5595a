import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStates, encodeStates } from '../../src/protocol/exchange-codec.ts';
import { decodePacket, encodePacket, packetBytes } from '../../src/protocol/packet-codec.ts';
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.ts';
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

  it('passes over what is said aside in a way that it does not know, for it is not for all', () => {
    const version = { epoch: 0, run: 1, refutation: 0 };
    const said = { type: 'suspect', id: 'b', ...version, by: 'a', evidence: 'silent' } as const;
    const bytes = encodePacket({ sender: 'a', run: 1, messages: [said] });
    expect(decodePacket(bytes)?.messages).toEqual([said]);
    bytes[bytes.length - 1] = 3;
    expect(decodePacket(bytes)?.messages).toEqual([]);
  });

  it('the longest description fits a packet, with another port for datagrams and the highest numbers', () => {
    const host = `${'h'.repeat(60)}.`.repeat(4).slice(0, 243);
    const described = (text: string): StateOfMember => {
      const { node } = member({ key: text });
      return {
        ...member({ key: text }),
        node: { ...node, host },
        address: { host, port: 65_535 },
        incarnation: Number.MAX_SAFE_INTEGER,
        epoch: 2 ** 48,
        refutation: 2 ** 48,
        joinOrder: 2 ** 48,
      };
    };
    const room = MAX_NODE_BYTES_IN_GOSSIP - nodeBytes(described('').node) - 1;
    const longest = described('x'.repeat(room));
    expect(nodeBytes(longest.node)).toBe(MAX_NODE_BYTES_IN_GOSSIP);
    const packet = { sender: 's'.repeat(128), run: 2 ** 48, messages: [{ type: 'alive', member: longest } as const] };
    expect(packetBytes(packet)).toBeLessThan(DEFAULT_SETTINGS.maxPacketBytes);
    expect(decodePacket(encodePacket(packet))).toEqual(packet);
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

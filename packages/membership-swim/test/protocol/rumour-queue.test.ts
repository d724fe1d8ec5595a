import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transmitLimit } from '../../src/protocol/formulas.ts';
import type { Rumour } from '../../src/protocol/messages.ts';
import { decodePacket, encodePacket, messageBytes } from '../../src/protocol/packet-codec.ts';
import { RumourQueue } from '../../src/protocol/rumour-queue.ts';
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.ts';

const LIMIT = 3;
const MUCH = 10_000;

function left(id: string, refutation = 0): Rumour {
  return { type: 'left', id, epoch: 0, run: 1, refutation };
}

function suspect(id: string): Rumour {
  return { type: 'suspect', id, epoch: 0, run: 1, refutation: 0, by: 'w', evidence: 'silent' };
}

/** A member whose description is so long. */
function described(id: string, bytes: number): Rumour {
  const node = { id, host: 'h', port: 1, metadata: { key: 'x'.repeat(bytes - 40) } };
  const address = { host: 'h', port: 1 };
  const version = { incarnation: 1, epoch: 0, refutation: 0 };
  return { type: 'alive', member: { id, node, address, state: 'alive', ...version, joinOrder: 1 } };
}

function user(text: string): Rumour {
  return { type: 'user', topic: 128, payload: new TextEncoder().encode(text.padEnd(100)) };
}

function named(rumours: readonly Rumour[]): readonly string[] {
  return rumours.map((rumour) => (rumour.type === 'left' || rumour.type === 'suspect' ? rumour.id : rumour.type));
}

describe('rumours that wait', () => {
  it('are sent so many times, and no more', () => {
    const queue = new RumourQueue(10);
    queue.add('a', left('a'));
    for (let sent = 0; sent < LIMIT; sent += 1) expect(named(queue.take(MUCH, LIMIT))).toEqual(['a']);
    expect(queue.take(MUCH, LIMIT)).toEqual([]);
    expect(queue.size).toBe(0);
  });

  it('go by how often they were sent, what clears before what accuses, then the newest first', () => {
    const queue = new RumourQueue(10);
    queue.add('old', left('old'));
    queue.take(MUCH, LIMIT);
    queue.add('s', suspect('s'));
    queue.add('first', left('first'));
    queue.add('second', left('second'));
    expect(named(queue.take(MUCH, LIMIT))).toEqual(['second', 'first', 's', 'old']);
  });

  it('make way for a newer one with the same key, which is sent as often as if it were alone', () => {
    const queue = new RumourQueue(10);
    queue.add('a', left('a', 1));
    queue.take(MUCH, LIMIT);
    queue.add('a', left('a', 2));
    for (let sent = 0; sent < LIMIT; sent += 1) expect(queue.take(MUCH, LIMIT)).toEqual([left('a', 2)]);
    expect(queue.take(MUCH, LIMIT)).toEqual([]);
  });

  it('never take more bytes than there are, and each gets its turns', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 20, max: 300 }), (count, maxBytes) => {
        const queue = new RumourQueue(100);
        const times = new Map<Rumour, number>();
        for (let at = 0; at < count; at += 1) queue.add(`${at}`, left(`n${at}`));
        for (let packets = 0; queue.size > 0 && packets < 1000; packets += 1) {
          const taken = queue.take(maxBytes, LIMIT);
          expect(taken.reduce((sum, rumour) => sum + messageBytes(rumour), 0)).toBeLessThanOrEqual(maxBytes);
          for (const rumour of taken) times.set(rumour, (times.get(rumour) ?? 0) + 1);
        }
        expect([...times.values()]).toEqual(Array.from({ length: count }, () => LIMIT));
      }),
    );
  });

  it('are never more in a packet than are read, beside others, and those of users keep their share', () => {
    const queue = new RumourQueue(2000);
    for (let at = 0; at < 1000; at += 1) queue.add(`u${at}`, { type: 'user', topic: 128, payload: Uint8Array.of(at) });
    const beside = Array.from({ length: 16 }, (_, sequence) => ({ type: 'nack', sequence }) as const);
    const read = (rumours: readonly Rumour[]) =>
      decodePacket(encodePacket({ sender: 'a', run: 1, messages: [...beside, ...rumours] }))?.messages.length;
    expect(read(queue.take(MUCH, LIMIT))).toBe(256);
    for (let at = 0; at < 1000; at += 1) queue.add(`n${at}`, left(`n${at}`));
    const both = [queue.take(MUCH, LIMIT), queue.take(MUCH, LIMIT)];
    for (const rumours of both) expect(read(rumours)).toBe(256);
    expect(both.flatMap(named).filter((name) => name === 'user')).toHaveLength(120);
    let packets = 3;
    for (; queue.size > 0; packets += 1) queue.take(MUCH, LIMIT);
    expect(packets).toBe(Math.ceil((2000 * LIMIT) / 240));
  });

  describe('where short ones of members and long ones of users would fill every packet', () => {
    const PACKET = 1281;
    const MANY = 10_000;

    /** Packets until these have been sent once each, while as many others come as are sent. */
    function packetsUntilSent(awaited: readonly Rumour[], others: (at: number) => readonly Rumour[]): number {
      const queue = new RumourQueue(MANY);
      awaited.forEach((rumour, at) => queue.add(`awaited${at}`, rumour));
      const waiting = new Set(awaited);
      let packets = 0;
      for (; waiting.size > 0 && packets < 50; packets += 1) {
        others(packets).forEach((rumour, at) => queue.add(`${packets} ${at}`, rumour));
        for (const rumour of queue.take(PACKET, LIMIT)) waiting.delete(rumour);
      }
      return packets;
    }
    const shorts = (at: number): readonly Rumour[] => Array.from({ length: 60 }, (_, each) => left(`n${at}-${each}`));
    const longUser = (): Rumour => ({ type: 'user', topic: 128, payload: new Uint8Array(512) });
    const longUsers = (): readonly Rumour[] => [longUser(), longUser(), longUser()];

    it.each([
      ['no others', () => []],
      ['short ones', shorts],
      ['a short one of a user', (at: number) => [user(`${at}`)]],
      ['long ones of users', longUsers],
      ['short ones, and long ones of users', (at: number) => [...longUsers(), ...shorts(at)]],
    ])('the longest of descriptions go one in two packets: %s', (_, others) => {
      expect(packetsUntilSent([described('a', 1100)], others)).toBeLessThanOrEqual(2);
      const five = Array.from({ length: 5 }, (__, at) => described(`n${at}`, 1100));
      expect(packetsUntilSent(five, others)).toBeLessThanOrEqual(10);
    });

    it('the longest of users go in every second packet', () => {
      const longs = (at: number): readonly Rumour[] => [described(`l${at}`, 1100), described(`m${at}`, 1100)];
      expect(packetsUntilSent([longUser()], (at) => [...longs(at), ...shorts(at)])).toBeLessThanOrEqual(2);
    });

    it('the short go while long ones come, one that is too long for any packet among them', () => {
      const longs = (at: number): readonly Rumour[] =>
        ['k', 'l', 'm', 'n'].map((id) => described(`${id}${at}`, id === 'k' ? 1100 : 1400));
      expect(packetsUntilSent(shorts(0), longs)).toBeLessThanOrEqual(3);
      const never = ['x', 'y', 'z'].map((id) => described(id, 1400));
      expect(packetsUntilSent([described('a', 1100)], (at) => (at === 0 ? never : []))).toBeLessThanOrEqual(4);
    });
  });

  it('are bounded: who was sent most goes', () => {
    const queue = new RumourQueue(3);
    queue.add('a', left('a'));
    queue.take(MUCH, LIMIT);
    for (const id of ['b', 'c', 'd']) queue.add(id, left(id));
    expect(queue.size).toBe(3);
    expect(queue.dropped).toBe(1);
    expect(named(queue.take(MUCH, LIMIT))).toEqual(['d', 'c', 'b']);
  });

  it('of users get a share of a packet that those of members would fill, and leave them the rest', () => {
    const queue = new RumourQueue(100);
    for (let at = 0; at < 50; at += 1) queue.add(`${at}`, left(`n${at}`));
    for (let at = 0; at < 50; at += 1) queue.add(`u${at}`, user(`${at}`));
    const taken = named(queue.take(600, LIMIT));
    expect(taken).toContain('user');
    expect(taken.filter((name) => name !== 'user').length).toBeGreaterThan(25);
  });
});

describe('how often a rumour is sent', () => {
  it.each([
    [1, 4],
    [9, 4],
    [10, 8],
    [999, 12],
    [10_000, 20],
  ])('among %i: %i times', (size, times) => {
    expect(transmitLimit({ ...DEFAULT_SETTINGS, retransmitMult: 4 }, size)).toBe(times);
  });
});

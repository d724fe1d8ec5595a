import { messageKind } from '@quorate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodePart, decodeRequest, encodePart, type ExchangeItem } from '../src/exchange/exchange-codec.ts';
import { ExchangeSink, MAX_TOPIC_BYTES } from '../src/exchange/exchange-sink.ts';
import { ExchangeSource } from '../src/exchange/exchange-source.ts';
import { SwimNodes } from './swim-nodes.ts';

const bytes = fc.uint8Array({ maxLength: 60 });
const states = bytes.map((content): ExchangeItem => ({ type: 'states', bytes: content }));
const topicPiece = fc
  .record({ topic: fc.integer({ min: 1, max: 255 }), isLast: fc.boolean(), bytes })
  .map((piece): ExchangeItem => ({ type: 'topic', ...piece }));
const items = fc.array(fc.oneof(states, topicPiece), { maxLength: 20 });
const counter = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('a part of an exchange', () => {
  it('is read as it was written', () => {
    const part = fc.record({ exchange: counter, round: counter, isLast: fc.boolean(), items });
    fc.assert(
      fc.property(part, (written) => {
        expect(decodePart(encodePart(written))).toEqual(written);
        expect(decodeRequest(encodePart(written))).toEqual({ type: 'exchange', part: written });
      }),
    );
  });

  it('is refused, or read as another, when its bytes are any others', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (any) => void decodeRequest(any)),
      { numRuns: 1000 },
    );
    const whole = encodePart({
      exchange: 1,
      round: 2,
      isLast: true,
      items: [{ type: 'states', bytes: new Uint8Array(9) }],
    });
    for (let length = 0; length < whole.length; length += 1) {
      // What has no item is whole in itself.
      if (length !== 11) expect(decodePart(whole.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
    expect(decodeRequest(Uint8Array.of(9, 1))).toBeUndefined();
  });
});

describe('what a node tells in an exchange', () => {
  it('comes whole and in order at the other, whatever the size of the parts', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 200 }), (all, partBytes) => {
        const source = new ExchangeSource(all, partBytes);
        const told: ExchangeItem[] = [];
        for (let rounds = 0; !source.isDone || rounds === 0; rounds += 1) {
          const part = source.next();
          const size = part.reduce((sum, item) => sum + item.bytes.length, 0);
          expect(part.length <= 1 || size <= partBytes).toBe(true);
          told.push(...part);
        }
        expect(told).toEqual(all);
      }),
    );
  });

  it('is put together again by topic, and left out where it is too long or nobody wants it', () => {
    const heard: [number, number][] = [];
    const sink = new ExchangeSink({
      states: () => undefined,
      wants: (topic) => topic !== 3,
      topic: (topic, content) => void heard.push([topic, content.length]),
    });
    const piece = (topic: number, length: number, isLast: boolean): ExchangeItem => {
      return { type: 'topic', topic, isLast, bytes: new Uint8Array(length) };
    };
    sink.take([piece(1, 10, false), piece(1, 5, true), piece(3, 9, true)]);
    sink.take([piece(2, MAX_TOPIC_BYTES, false)]);
    sink.take([piece(2, 1, true), piece(2, 7, true)]);
    // One that breaks off is of no use, and harms no other.
    sink.take([piece(4, 8, false), piece(1, 2, true)]);
    expect(heard).toEqual([
      [1, 15],
      [2, 7],
      [1, 2],
    ]);
  });

  it('is copied at once: what waits for its other pieces keeps no frame that one came in', () => {
    const heard: Uint8Array[] = [];
    const sink = new ExchangeSink({
      states: () => undefined,
      wants: () => true,
      topic: (_, content) => void heard.push(content),
    });
    const frame = new Uint8Array(1000).fill(7);
    sink.take([{ type: 'topic', topic: 1, isLast: false, bytes: frame.subarray(10, 12) }]);
    for (let count = 0; count < 1000; count += 1) {
      sink.take([{ type: 'topic', topic: 1, isLast: false, bytes: frame.subarray(0, 0) }]);
    }
    frame.fill(0);
    sink.take([{ type: 'topic', topic: 1, isLast: true, bytes: Uint8Array.of(8) }]);
    expect(heard).toEqual([Uint8Array.of(7, 7, 8)]);
    expect(heard[0]?.buffer.byteLength).toBe(3);
  });
});

describe('an exchange that another node has begun', () => {
  it('is over after a minute, ended or not', async () => {
    const nodes = new SwimNodes('endless exchange');
    nodes.start(['a', 'b'], { exchangeIntervalMs: 3_600_000 });
    await nodes.agree(['a', 'b']);
    const ask = async (round: number) => {
      const payload = encodePart({ exchange: 7, round, isLast: false, items: [] });
      const { transport } = nodes.cluster('b');
      return decodePart(await nodes.world.settled(transport.request('a', messageKind.GOSSIP, payload), 5000))?.round;
    };
    expect(await ask(0)).toBe(0);
    await nodes.world.run(50_000);
    expect(await ask(1)).toBe(1);
    await nodes.world.run(11_000);
    await expect(ask(2)).rejects.toThrow('this exchange is over');
    // Begun anew, it has all of its time again.
    expect(await ask(0)).toBe(0);
    await nodes.world.run(50_000);
    expect(await ask(1)).toBe(1);
  });
});

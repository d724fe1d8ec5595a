import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Frame } from '../src/frame.ts';
import { FrameBatch } from '../src/frame-batch.ts';
import { encodeFrame } from '../src/frame-codec.ts';
import { FrameDecoder } from '../src/frame-decoder.ts';
import { frameToJson } from '../src/index.ts';

type Sent = Exclude<Frame, { type: 'UNKNOWN' }>;

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const payload = fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ minLength: 4000, maxLength: 9000 }));
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const frame: fc.Arbitrary<Sent> = fc.oneof<fc.Arbitrary<Sent>[]>(
  fc.record({ type: fc.constant('HELLO'), minVersion: u16, maxVersion: u16, intro: json }),
  fc.record({ type: fc.constant('WELCOME'), version: u16, intro: json }),
  fc.record({ type: fc.constant('REFUSE'), maxVersion: u16, detail: json }),
  fc.constantFrom<Sent>({ type: 'READY' }, { type: 'PING' }, { type: 'PONG' }),
  fc.record({ type: fc.constantFrom('GOODBYE', 'IDENTITY', 'DESCRIPTION'), detail: json }),
  fc.record({ type: fc.constant('MESSAGE'), kind: u16, payload }),
  fc.record({ type: fc.constant('REQUEST'), id: u32, kind: u16, payload }),
  fc.record({ type: fc.constantFrom('RESPONSE', 'STREAM_CHUNK'), id: u32, payload }),
  fc.record({ type: fc.constantFrom('ERROR', 'STREAM_RESET'), id: u32, detail: json }),
  fc.record({ type: fc.constantFrom('CANCEL', 'STREAM_END', 'STREAM_ACK', 'STREAM_ABORT'), id: u32 }),
  fc.record({ type: fc.constant('STREAM_OPEN'), id: u32, kind: u16 }),
  fc.record({ type: fc.constant('STREAM_CREDIT'), id: u32, bytes: u32 }),
);

describe('frames', () => {
  it('arrive as they were sent, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 3000 })),
        (sent, cuts) => {
          const { frames, decoder } = collector();
          for (const chunk of cut(encode(sent), cuts)) decoder.push(chunk);
          expect(frames).toEqual(sent);
          expect(decoder.pendingBytes).toBe(0);
        },
      ),
    );
  });

  it('arrive byte by byte', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 3 }), (sent) => {
        const { frames, decoder } = collector();
        for (const byte of encode(sent)) decoder.push(Uint8Array.of(byte));
        expect(frames).toEqual(sent);
      }),
      { numRuns: 30 },
    );
  });

  it('are batched to the same bytes as one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.array(frame, { maxLength: 10 }), { maxLength: 5 }), (turns) => {
        const batch = new FrameBatch();
        const written = turns.map((turn) => {
          for (const each of turn) batch.add(each);
          const size = batch.bytes;
          const chunks = batch.take();
          expect(size).toBe(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
          return chunks;
        });
        // Read at the end: what was handed out must not have changed since.
        for (const [turn, chunks] of written.entries()) {
          expect(concat(chunks)).toEqual(encode(turns[turn] ?? []));
        }
      }),
    );
  });

  it('keep to the example of the specification', () => {
    const bytes = encode([{ type: 'MESSAGE', kind: 1024, payload: new TextEncoder().encode('hi') }]);
    expect([...bytes]).toEqual([0, 0, 0, 5, 0x10, 4, 0, 0x68, 0x69]);
  });

  it('cost no memory before they have arrived', () => {
    const { decoder } = collector(64 * 1024 * 1024);
    decoder.push(Uint8Array.of(3, 0, 0, 0, 16));
    expect(decoder.pendingBytes).toBe(5);
  });

  it.each([
    ['a length of nothing', [0, 0, 0, 0]],
    ['a length above the limit', [0, 0, 4, 1]],
    ['the greatest length', [255, 255, 255, 255]],
    ['a body shorter than its fields', [0, 0, 0, 3, 17, 0, 0]],
    ['JSON that is none', [0, 0, 0, 2, 8, 0x7b]],
    ['text that is no UTF-8', [0, 0, 0, 4, 8, 0x22, 0xff, 0x22]],
    ['a wrong magic', [0, 0, 0, 9, 1, 1, 2, 3, 4, 0, 1, 0, 1]],
  ])('refuse %s', (_, given) => {
    const { decoder } = collector(1024);
    expect(thrownBy(() => decoder.push(Uint8Array.from(given)))).toBe('PROTOCOL');
  });

  it('refuse garbage with PROTOCOL or take it, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const { decoder } = collector(1024);
        expect([undefined, 'PROTOCOL']).toContain(
          thrownBy(() => {
            for (const chunk of chunks) decoder.push(chunk);
          }),
        );
      }),
    );
  });

  it('tolerate unknown types and longer bodies', () => {
    const { frames, decoder } = collector();
    decoder.push(Uint8Array.from([0, 0, 0, 3, 200, 1, 2]));
    decoder.push(Uint8Array.from([0, 0, 0, 7, 20, 0, 0, 0, 9, 1, 2]));
    expect(frames).toEqual([
      { type: 'UNKNOWN', code: 200, payload: Uint8Array.of(1, 2) },
      { type: 'CANCEL', id: 9 },
    ]);
  });

  it('stop when the receiver has enough', () => {
    const frames: Frame[] = [];
    const decoder = new FrameDecoder(1024, (each) => frames.push(each) < 2);
    decoder.push(encode([{ type: 'PING' }, { type: 'PONG' }, { type: 'PING' }]));
    expect(frames).toHaveLength(2);
  });

  it('have a readable view', () => {
    const hello = new TextEncoder().encode('hello');
    expect(frameToJson({ type: 'REQUEST', id: 7, kind: 2, payload: hello })).toBe(
      '{"type":"REQUEST","id":7,"kind":2,"payload":{"bytes":5,"text":"hello"}}',
    );
    expect(frameToJson({ type: 'MESSAGE', kind: 1, payload: Uint8Array.of(0, 255) })).toBe(
      '{"type":"MESSAGE","kind":1,"payload":{"bytes":2,"hex":"00ff"}}',
    );
    expect(frameToJson({ type: 'CANCEL', id: 1 })).toBe('{"type":"CANCEL","id":1}');
  });
});

function collector(limit = 1024 * 1024): { frames: Frame[]; decoder: FrameDecoder } {
  const frames: Frame[] = [];
  return { frames, decoder: new FrameDecoder(limit, (each) => frames.push(each) > 0) };
}

function encode(frames: readonly Sent[]): Uint8Array {
  return concat(frames.flatMap((each) => Object.values(encodeFrame(each))));
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

function* cut(bytes: Uint8Array, cuts: Iterable<number>): Iterable<Uint8Array> {
  let at = 0;
  for (const size of cuts) {
    if (at >= bytes.length) return;
    yield bytes.slice(at, at + size);
    at += size;
  }
}

function thrownBy(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return isClusterError(error) ? error.code : 'foreign';
  }
}

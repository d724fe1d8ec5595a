import { type Crc32, crc32, decodeBatch, ENTRY_HEADROOM, isClusterError, readBatch, sealBatch } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Command,
  CommandBatchWriter,
  commandCount,
  decodeCommandBatch,
  MAX_SESSION_TTL_MS,
} from '../../src/commands/command-batch.ts';

const id = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const data = fc.uint8Array({ maxLength: 300 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('plain' as const), data }),
  fc.record({ kind: fc.constant('in-session' as const), sessionId: id, sequence: id, settled: id, data }),
  fc.record({ kind: fc.constant('open-session' as const), ttlMs: fc.integer({ min: 1, max: MAX_SESSION_TTL_MS }) }),
  fc.record({ kind: fc.constant('keep-session' as const), sessionId: id }),
  fc.record({ kind: fc.constant('close-session' as const), sessionId: id }),
);
const commands = fc.array(command, { maxLength: 20 });
const time = fc.double({ noNaN: true, noDefaultInfinity: true });

function encode(commands: readonly Command[], time: number): Uint8Array {
  const writer = new CommandBatchWriter();
  for (const command of commands) writer.add(command);
  return writer.take(time);
}

/** Whatever the bytes are: a batch, or an error with one of these codes. */
function expectBatchOrRefusal(bytes: Uint8Array): void {
  try {
    const batch = decodeCommandBatch(bytes);
    expect(batch.commands.length).toBe(commandCount(bytes));
    expect(Number.isFinite(batch.time)).toBe(true);
  } catch (error) {
    expect(isClusterError(error, bytes[0] === 1 ? 'CORRUPT' : 'UNSUPPORTED')).toBe(true);
  }
}

describe('a batch of commands', () => {
  it('decodes to what was gathered', () => {
    fc.assert(
      fc.property(commands, time, (commands, time) => {
        expect(decodeCommandBatch(encode(commands, time))).toEqual({ time, commands });
      }),
    );
  });

  it('decodes to the same wherever its bytes lie', () => {
    fc.assert(
      fc.property(commands, time, fc.nat({ max: 9 }), (commands, time, offset) => {
        const bytes = encode(commands, time);
        const elsewhere = new Uint8Array(offset + bytes.length + 5).fill(0xff);
        elsewhere.set(bytes, offset);
        expect(decodeCommandBatch(elsewhere.subarray(offset, offset + bytes.length))).toEqual({ time, commands });
      }),
    );
  });

  it('holds views of the bytes, not copies', () => {
    const bytes = encode([{ kind: 'plain', data: Uint8Array.of(1, 2, 3) }], 0);
    const [first] = decodeCommandBatch(bytes).commands;
    expect(first?.kind === 'plain' && first.data.buffer).toBe(bytes.buffer);
  });

  it('is refused when it is cut off anywhere', () => {
    fc.assert(
      fc.property(commands, time, fc.nat(), (commands, time, cut) => {
        const bytes = encode(commands, time);
        const part = bytes.subarray(0, cut % bytes.length);
        expect(() => decodeCommandBatch(part)).toThrow();
        expectBatchOrRefusal(part);
      }),
    );
  });

  it('is refused with bytes behind it', () => {
    fc.assert(
      fc.property(commands, fc.uint8Array({ minLength: 1, maxLength: 9 }), (commands, more) => {
        const bytes = encode(commands, 1);
        expect(() => decodeCommandBatch(Uint8Array.of(...bytes, ...more))).toThrow(/bytes too many/u);
      }),
    );
  });

  it('never does worse than being refused when bytes are changed', () => {
    fc.assert(
      fc.property(
        commands,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
        (commands, changes) => {
          const bytes = encode(commands, 1);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          expectBatchOrRefusal(bytes);
        },
      ),
    );
  });

  it('is refused, or read, when the bytes are chance', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => expectBatchOrRefusal(Uint8Array.of(1, ...bytes))),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), expectBatchOrRefusal));
  });

  it('claims no more commands than its bytes could hold, before room is made for them', () => {
    const bytes = encode([{ kind: 'keep-session', sessionId: 1 }], 1);
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(9, 0xffff_ffff);
    expect(() => decodeCommandBatch(bytes)).toThrow(/too short for 4294967295 commands/u);
  });
});

describe('CommandBatchWriter', () => {
  it('tells each command its place, and what the data take', () => {
    const writer = new CommandBatchWriter();
    expect(writer.add({ kind: 'plain', data: new Uint8Array(10) })).toBe(0);
    expect(writer.add({ kind: 'open-session', ttlMs: 5 })).toBe(1);
    expect(writer.count).toBe(2);
    const { bytes } = writer;
    expect(writer.take(0).length).toBe(bytes);
    expect(writer.count).toBe(0);
    expect(writer.add({ kind: 'keep-session', sessionId: 1 })).toBe(0);
  });

  it('leaves room for the head of a batch, which then needs no copy', () => {
    const check: Crc32 = crc32;
    fc.assert(
      fc.property(fc.array(commands, { minLength: 1, maxLength: 4 }), (turns) => {
        const writer = new CommandBatchWriter();
        for (const commands of turns) {
          for (const command of commands) writer.add(command);
          const data = writer.take(7);
          const whole = new Uint8Array(data.buffer, data.byteOffset - ENTRY_HEADROOM, data.length + ENTRY_HEADROOM);
          expect(whole.subarray(0, ENTRY_HEADROOM).every((byte) => byte === 0)).toBe(true);
          const { bytes, checksum } = sealBatch(whole, { index: 3, term: 2, kind: 0 });
          const read = readBatch(bytes, checksum, check);
          const [entry] = read === undefined ? [] : decodeBatch(read);
          expect(decodeCommandBatch(entry?.data ?? new Uint8Array())).toEqual({ time: 7, commands });
        }
      }),
    );
  });

  it('gives each batch a buffer of its own, not much larger than needed', () => {
    const writer = new CommandBatchWriter();
    const taken = [100_000, 10, 70_000, 3].map((length) => {
      writer.add({ kind: 'plain', data: new Uint8Array(length).fill(length) });
      return writer.take(0);
    });
    expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(taken.length);
    for (const { buffer, length } of taken)
      expect(buffer.byteLength).toBeLessThanOrEqual(2 * (length + ENTRY_HEADROOM) + 512);
  });

  it('refuses what could not be read again, and goes on without it', () => {
    const writer = new CommandBatchWriter();
    writer.add({ kind: 'plain', data: Uint8Array.of(1) });
    const { bytes } = writer;
    const data = Uint8Array.of(2);
    const wrong: Command[] = [
      { kind: 'open-session', ttlMs: 0 },
      { kind: 'open-session', ttlMs: 1.5 },
      { kind: 'open-session', ttlMs: Number.NaN },
      { kind: 'open-session', ttlMs: MAX_SESSION_TTL_MS + 1 },
      { kind: 'keep-session', sessionId: -1 },
      { kind: 'close-session', sessionId: 2 ** 53 },
      { kind: 'in-session', sessionId: 1, sequence: 1, settled: 0.5, data },
    ];
    for (const command of wrong) {
      expect(() => writer.add(command)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    }
    expect(() => writer.take(Infinity)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(writer.bytes).toBe(bytes);
    expect(decodeCommandBatch(writer.take(1)).commands).toEqual([{ kind: 'plain', data: Uint8Array.of(1) }]);
  });
});

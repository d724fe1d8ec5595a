import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, ClusterError, type LengthForm, MAX_NUMBER_BYTES, numberBytes } from '../src/index.ts';

/** A value, how it is written and how it is read. */
interface Item {
  readonly value: unknown;
  write(writer: ByteWriter): unknown;
  read(reader: ByteReader): unknown;
}

const safe = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((bits) => 2 ** bits - 1),
);
const form = fc.constantFrom<LengthForm[]>('u8', 'u16', 'number');
const content = fc.uint8Array({ maxLength: 200 });

function itemOf<T>(
  values: fc.Arbitrary<T>,
  write: (writer: ByteWriter, value: T) => unknown,
  read: (reader: ByteReader, value: T) => unknown,
): fc.Arbitrary<Item> {
  return values.map((value) => ({
    value: Array.isArray(value) ? (value[0] as unknown) : value,
    write: (writer) => write(writer, value),
    read: (reader) => read(reader, value),
  }));
}

const item: fc.Arbitrary<Item> = fc.oneof(
  itemOf(
    fc.nat(0xff),
    (to, value) => to.u8(value),
    (from) => from.u8(),
  ),
  itemOf(
    fc.nat(0xffff),
    (to, value) => to.u16(value),
    (from) => from.u16(),
  ),
  itemOf(
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    (to, value) => to.u32(value),
    (from) => from.u32(),
  ),
  itemOf(
    safe,
    (to, value) => to.u53(value),
    (from) => from.u53(),
  ),
  itemOf(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    (to, value) => to.u64(value),
    (from) => from.u64(),
  ),
  itemOf(
    fc.double(),
    (to, value) => to.float64(value),
    (from) => from.float64(),
  ),
  itemOf(
    safe,
    (to, value) => to.number(value),
    (from) => from.number(),
  ),
  itemOf(
    content,
    (to, value) => to.bytes(value),
    (from, { length }) => from.bytes(length),
  ),
  itemOf(
    fc.tuple(content, form),
    (to, [value, as]) => to.sized(value, as),
    (from, [, as]) => from.sized(as, 200),
  ),
  itemOf(
    fc.tuple(fc.string({ unit: 'binary', maxLength: 60 }), form),
    (to, [value, as]) => to.text(value, as),
    (from, [, as]) => from.text(as, 240),
  ),
);
const items = fc.array(item, { minLength: 1, maxLength: 12 });
const refused = (code: string): unknown => expect.objectContaining({ code });

function written(all: readonly Item[], writer: ByteWriter = new ByteWriter()): Uint8Array {
  for (const each of all) each.write(writer);
  return writer.copy();
}

describe('what is written', () => {
  it('is read back, from a place among others too', () => {
    fc.assert(
      fc.property(items, fc.nat(3), content, content, (all, capacity, before, behind) => {
        const bytes = written(all, new ByteWriter(capacity));
        const among = Uint8Array.from([...before, ...bytes, ...behind]);
        const reader = new ByteReader('test', among, before.length, before.length + bytes.length);
        for (const each of all) expect(each.read(reader)).toEqual(each.value);
        reader.end();
      }),
    );
  });

  it('is refused where it is cut off, by an error that says so, and nothing beyond is read', () => {
    fc.assert(
      fc.property(items, fc.nat(), content, (all, cut, behind) => {
        const bytes = written(all);
        const length = cut % (bytes.length + 1);
        const reader = new ByteReader('test', Uint8Array.from([...bytes, ...behind]), 0, length);
        const read = (): void => all.forEach((each) => expect(each.read(reader)).toEqual(each.value));
        if (length === bytes.length) read();
        else expect(read).toThrow(refused('PROTOCOL'));
        expect(reader.left).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is laid out big-endian, with numbers in groups of seven bits', () => {
    const writer = new ByteWriter(0)
      .u8(255)
      .u16(0x0102)
      .u32(0xfffe_fdfc)
      .u53(2 ** 32 + 1)
      .u64(2n ** 63n);
    writer.float64(-0.5).number(300).text('č').sized(Uint8Array.of(7), 'u16');
    expect(Buffer.from(writer.copy()).toString('hex')).toBe(
      'ff0102fffefdfc00000001000000018000000000000000bfe0000000000000ac0202c48d000107',
    );
  });

  it('takes as many bytes as is said beforehand', () => {
    fc.assert(
      fc.property(safe, (value) => {
        const bytes = new ByteWriter(0).number(value).copy();
        expect(bytes).toHaveLength(numberBytes(value));
        expect(bytes.length).toBeLessThanOrEqual(MAX_NUMBER_BYTES);
      }),
    );
  });
});

describe('a reader of bytes that anybody may have made', () => {
  const read = (hex: string): ByteReader => new ByteReader('test', Uint8Array.from(Buffer.from(hex, 'hex')));
  const wrong: readonly (readonly [string, () => unknown])[] = [
    ['a number in more bytes than it takes', () => read('8000').number()],
    ['a number beyond safe integers', () => read('ffffffffffffff10').number()],
    ['a number that does not end', () => read('ffffffffffffffffff').number()],
    ['a number beyond a bound', () => read('ac02').number(299)],
    ['a byte beyond a bound', () => read('06').u8(5)],
    ['8 bytes beyond safe integers', () => read('0020000000000000').u53()],
    ['8 bytes beyond a bound', () => read('0000000000000100').u53(255)],
    ['a 0 where there can be none', () => read('00').positive()],
    ['a length beyond the end', () => read('ffffffffffffff0f01').sized()],
    ['a length beyond a bound', () => read('03010203').sized('number', 2)],
    ['a text longer than a bound', () => read('0003616263').text('u16', 2)],
    ['a text that is no UTF-8', () => read('02c328').text()],
    ['half of a surrogate pair', () => read('03eda080').text()],
    ['bytes that are left', () => read('00').end()],
    ['fewer bytes than none', () => read('0000').bytes(-1)],
    ['a count that is none', () => read('0000').bytes(Number.NaN)],
    ['an end beyond the bytes', () => new ByteReader('test', new Uint8Array(3), 0, 9).u32()],
    ['a beginning behind the end', () => new ByteReader('test', new Uint8Array(3), 5).u8()],
  ];

  it.each(wrong)('refuses %s', (_what, attempt) => {
    expect(attempt).toThrow(refused('PROTOCOL'));
  });

  it('never fails in another way, nor reads beyond the end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), items, (bytes, all) => {
        const reader = new ByteReader('test', bytes);
        try {
          for (const each of all) each.read(reader);
        } catch (error) {
          expect(error).toEqual(refused('PROTOCOL'));
        }
        expect(reader.left).toBeGreaterThanOrEqual(0);
        expect(reader.left).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('hands out views, and keeps a mark at the beginning of a text', () => {
    const bytes = new ByteWriter().text('\u{FEFF}a').sized(Uint8Array.of(1)).copy();
    const reader = new ByteReader('test', bytes);
    expect(reader.text()).toBe('\u{FEFF}a');
    expect(reader.sized().buffer).toBe(bytes.buffer);
    expect(reader.rest()).toHaveLength(0);
  });

  it('names what is read, or has its caller make the error', () => {
    expect(() => new ByteReader('a frame', new Uint8Array()).u8()).toThrow('a frame: it is cut off');
    const corrupt = (flaw: string, cause?: unknown): ClusterError => new ClusterError('CORRUPT', flaw, { cause });
    const reader = new ByteReader(corrupt, Uint8Array.of(1, 255));
    expect(() => reader.text()).toThrow(expect.objectContaining({ code: 'CORRUPT', cause: expect.any(TypeError) }));
  });
});

describe('a writer', () => {
  const wrong: readonly (readonly [string, (writer: ByteWriter) => unknown])[] = [
    ...[-1, 0.5, 256, Number.NaN].map((value) => [`u8 ${value}`, (to: ByteWriter) => to.u8(value)] as const),
    ...[-1, 0.5, 2 ** 16, Number.NaN].map((value) => [`u16 ${value}`, (to: ByteWriter) => to.u16(value)] as const),
    ...[-1, 0.5, 2 ** 32, Infinity].map((value) => [`u32 ${value}`, (to: ByteWriter) => to.u32(value)] as const),
    ...[-1, 0.5, 2 ** 53, Infinity].map((value) => [`u53 ${value}`, (to: ByteWriter) => to.u53(value)] as const),
    ...[-1, 0.5, 2 ** 53, Number.NaN].map(
      (value) => [`number ${value}`, (to: ByteWriter) => to.number(value)] as const,
    ),
    ...[-1n, 2n ** 64n].map((value) => [`u64 ${value}`, (to: ByteWriter) => to.u64(value)] as const),
    ['256 bytes behind one', (to) => to.sized(new Uint8Array(256), 'u8')],
    ['65,536 bytes behind two', (to) => to.sized(new Uint8Array(65_536), 'u16')],
    ['a place that is not written yet', (to) => to.u32At(0, 1)],
    ['a place before all', (to) => to.u32At(-1, 1)],
  ];

  it.each(wrong)('refuses %s, and stays as it was', (_what, attempt) => {
    const writer = new ByteWriter().u8(1).u8(2);
    expect(() => attempt(writer)).toThrow(refused('INVALID_OPTIONS'));
    expect(writer.copy()).toEqual(Uint8Array.of(1, 2));
  });

  it('leaves room, fills it later, and forgets what it is set back behind', () => {
    const writer = new ByteWriter(1).u8(1);
    const place = writer.end;
    writer.end += 4;
    writer.bytes(Uint8Array.of(9, 9)).u32At(place, 0x0102_0304);
    writer.end -= 1;
    expect(writer.copy()).toEqual(Uint8Array.of(1, 1, 2, 3, 4, 9));
    expect(writer.view(5)).toEqual(Uint8Array.of(9));
    expect(writer.view(0, 100)).toHaveLength(6);
  });

  it('hands out a copy that does not change, and a view of its own bytes', () => {
    const writer = new ByteWriter(8).u8(1);
    const [copy, view] = [writer.copy(), writer.view()];
    writer.end = 0;
    writer.u8(2);
    expect([copy[0], view[0]]).toEqual([1, 2]);
    expect(writer.u8(3).copy(1)).toEqual(Uint8Array.of(3));
  });
});

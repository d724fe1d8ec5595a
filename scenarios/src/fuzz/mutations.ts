import type { Random } from '@quorate/core';

/** Lengths, counts and numbers at which decoders have gone wrong. */
const LENGTHS: readonly number[] = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
const BYTES: readonly number[] = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x7b, 0x5b];
const MAX_INSERTED_BYTES = 64;
const MAX_MUTATIONS = 4;

type Mutation = (random: Random, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const mutations: readonly Mutation[] = [
  (random, bytes) => changed(random, bytes, (byte) => byte ^ (1 << random.int(8))),
  (random, bytes) => changed(random, bytes, () => random.int(256)),
  (random, bytes) => changed(random, bytes, () => oneOf(random, BYTES)),
  (random, bytes) => joined([...cut(random, bytes), random.bytes(random.int(MAX_INSERTED_BYTES))]),
  (random, bytes) => without(random, bytes),
  (random, bytes) => repeated(random, bytes),
  (random, bytes) => bytes.slice(0, random.int(bytes.length + 1)),
  (random, bytes, other) => joined([cut(random, bytes)[0], cut(random, other)[1]]),
  (random, bytes) => withLength(random, bytes),
  (random, bytes) => withNumber(random, bytes),
];

/** The bytes with one to four things wrong; another input of the same kind may be spliced in. */
export function mutate(random: Random, bytes: Uint8Array, other: Uint8Array = bytes): Uint8Array {
  let mutated = bytes;
  const times = 1 + random.int(MAX_MUTATIONS);
  for (let time = 0; time < times; time += 1) mutated = oneOf(random, mutations)(random, mutated, other);
  return mutated;
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  if (choices.length === 0) throw new Error('one of none');
  return choices[random.int(choices.length)] as T;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function changed(random: Random, bytes: Uint8Array, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.int(bytes.length);
  const mutated = bytes.slice();
  mutated[at] = change(bytes[at] ?? 0);
  return mutated;
}

function cut(random: Random, bytes: Uint8Array): [Uint8Array, Uint8Array] {
  const at = random.int(bytes.length + 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

function without(random: Random, bytes: Uint8Array): Uint8Array {
  const [before, after] = cut(random, bytes);
  return joined([before, cut(random, after)[1]]);
}

function repeated(random: Random, bytes: Uint8Array): Uint8Array {
  const [before, after] = cut(random, bytes);
  const [part] = cut(random, after);
  return joined([before, part, part, after.subarray(part.length)]);
}

/** A big-endian number of four bytes anywhere. */
function withLength(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) return bytes;
  const mutated = bytes.slice();
  const view = new DataView(mutated.buffer);
  const at = random.int(bytes.length - 3);
  const near = (view.getUint32(at) + random.int(5) - 2) >>> 0;
  view.setUint32(at, random.int(2) === 0 ? near : oneOf(random, LENGTHS));
  return mutated;
}

/** Seven bits a byte, as long as it may be, and longer. */
function withNumber(random: Random, bytes: Uint8Array): Uint8Array {
  const [before, after] = cut(random, bytes);
  const long = new Uint8Array(1 + random.int(9)).fill(0xff);
  return joined([before, long, Uint8Array.of(random.int(128)), after.subarray(1)]);
}

import type { Disk, Random } from '@quorate/core';
import { mutate, oneOf } from './mutations.ts';

const SECTORS: readonly number[] = [512, 4096];
const MAX_DAMAGES = 3;
const MAX_FLIPS = 4;

type Damage = (random: Random, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const damages: readonly Damage[] = [
  (random, bytes) => flipped(random, bytes),
  (random, bytes) => flipped(random, bytes),
  (random, bytes) => zeroed(random, bytes),
  (random, bytes) => exchanged(random, bytes, bytes),
  (random, bytes, other) => exchanged(random, bytes, other),
  (random, bytes) => bytes.slice(0, random.int(bytes.length + 1)),
  (random, bytes) => withTail(random, bytes),
  (random, bytes, other) => mutate(random, bytes, other),
];

/**
 * What disks, controllers and people do to files: bits that turn over, sectors of zeros or of another place, files that are
 * cut off or go on with rubbish.
 * @returns which files were damaged
 */
export async function damageFiles(disk: Disk, paths: readonly string[], random: Random): Promise<readonly string[]> {
  const damaged = new Set<string>();
  const times = 1 + random.int(MAX_DAMAGES);
  for (let time = 0; time < times; time += 1) {
    const path = oneOf(random, paths);
    const [before, other] = [await contentOf(disk, path), await contentOf(disk, oneOf(random, paths))];
    await replaceContent(disk, path, oneOf(random, damages)(random, before, other));
    damaged.add(path);
  }
  return [...damaged];
}

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path);
  const bytes = new Uint8Array(await file.size());
  const read = await file.read(bytes, 0);
  await file.close();
  return bytes.subarray(0, read);
}

async function replaceContent(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path);
  await file.truncate(0);
  await file.write([bytes], 0);
  await file.sync();
  await file.close();
}

function flipped(random: Random, bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  const written = [...result.keys()].filter((at) => result[at] !== 0);
  const times = 1 + random.int(MAX_FLIPS);
  for (let time = 0; time < times && result.length > 0; time += 1) {
    // Most of a segment is room for more, in which there is nothing to damage.
    const at = written.length > 0 && random.int(4) > 0 ? oneOf(random, written) : random.int(result.length);
    result[at] = (result[at] ?? 0) ^ (1 << random.int(8));
  }
  return result;
}

function zeroed(random: Random, bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  const [at, size] = sectorOf(random, bytes);
  result.fill(0, at, at + size);
  return result;
}

/** A sector as it is in another place. */
function exchanged(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const result = bytes.slice();
  const [at, size] = sectorOf(random, bytes);
  const from = Math.floor(random.int(other.length + 1) / size) * size;
  result.set(other.subarray(from, from + Math.min(size, result.length - at)), at);
  return result;
}

function withTail(random: Random, bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length + random.int(5000));
  result.set(bytes);
  result.set(random.bytes(result.length - bytes.length), bytes.length);
  return result;
}

function sectorOf(random: Random, bytes: Uint8Array): readonly [at: number, size: number] {
  const size = oneOf(random, SECTORS);
  return [Math.floor(random.int(bytes.length + 1) / size) * size, size];
}

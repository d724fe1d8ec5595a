import { describe, expect, it } from 'vitest';
import { isClusterError, silentLogger } from '@quorate/core';
import { crc32c } from '../src/crc32c.ts';
import { FaultDisk } from './fault-disk.ts';
import { bytes, DIRECTORY, opened, text } from './fixture.ts';

const PATH = `${DIRECTORY}/records/vote.record`;
const SECOND = 17 * 4096;
const VALUE = 'term 7 for a';

/** A disk with one record, written twice, and nobody holding it. */
async function written(): Promise<FaultDisk> {
  const disk = new FaultDisk();
  const storage = await opened(disk);
  await storage.records.write('vote', bytes('term 6 for somebody else'));
  await storage.records.write('vote', bytes(VALUE));
  await storage[Symbol.asyncDispose]();
  return disk;
}

type Damage = (file: Uint8Array) => Uint8Array | undefined;

/** What the next process reads from the damaged file: a value or the code of the error. */
async function readDamaged(disk: FaultDisk, damage: Damage): Promise<string | undefined> {
  const file = disk.bytesOf(PATH).slice();
  disk.setBytes(PATH, damage(file) ?? file);
  const storage = await opened(disk);
  try {
    return text(await storage.records.read('vote'));
  } catch (error) {
    if (isClusterError(error)) return error.code;
    throw error;
  } finally {
    await storage[Symbol.asyncDispose]();
  }
}

/** How long a copy of the value is: header, name, value, checksum. */
const COPY_BYTES = 20 + 4 + VALUE.length + 4;
const each = Array.from({ length: COPY_BYTES }, (_, offset) => offset);
const flip = (file: Uint8Array, offset: number, mask = 1) => void (file[offset]! ^= mask);

describe('damage', () => {
  it('to any byte of one copy loses nothing, and the next process finds both whole', async () => {
    for (const start of [0, SECOND]) {
      for (const offset of each) {
        const disk = await written();
        const before = disk.bytesOf(PATH).slice();
        expect(await readDamaged(disk, (file) => flip(file, start + offset, 0x55))).toBe(VALUE);
        expect(disk.bytesOf(PATH)).toEqual(before);
      }
    }
  });

  it('to any byte of both copies is CORRUPT', async () => {
    for (const offset of each) {
      const other = (offset * 7) % COPY_BYTES;
      const outcome = await readDamaged(await written(), (file) => {
        flip(file, offset);
        flip(file, SECOND + other);
      });
      expect(outcome).toBe('CORRUPT');
    }
  });

  it('names the file and the offsets', async () => {
    const disk = await written();
    disk.setBytes(
      PATH,
      disk.bytesOf(PATH).map((byte) => byte ^ 1),
    );
    const storage = await opened(disk);
    const message = new RegExp(`^${PATH}: .*offset 0: .*offset ${SECOND}: `, 'u');
    await expect(storage.records.read('vote')).rejects.toThrowError(message);
    await expect(storage.records.read('vote')).rejects.toMatchObject({ code: 'CORRUPT' });
    await expect(storage.records.write('vote', bytes('over it'))).rejects.toMatchObject({ code: 'CORRUPT' });
    await storage.records.write('other', bytes('this one works'));
    await storage.records.remove('vote');
    expect(await storage.records.read('vote')).toBeUndefined();
    await storage.records.write('vote', bytes('begun again'));
    expect(text(await storage.records.read('vote'))).toBe('begun again');
  });

  it('of a file that was cut anywhere is CORRUPT or loses nothing', async () => {
    const size = (await written()).bytesOf(PATH).length;
    expect(size).toBeGreaterThan(SECOND + COPY_BYTES);
    const cuts = [...each, ...each.map((offset) => SECOND + offset), COPY_BYTES, COPY_BYTES + 1, 4096, SECOND - 1];
    for (const cut of cuts) {
      const outcome = await readDamaged(await written(), (file) => file.slice(0, cut));
      expect(outcome).toBe(cut < COPY_BYTES ? 'CORRUPT' : VALUE);
    }
  });

  it('of a file overwritten with zeros is CORRUPT, and so is one that is gone', async () => {
    expect(await readDamaged(await written(), (file) => file.fill(0))).toBe('CORRUPT');
    const disk = await written();
    const storage = await opened(disk);
    await disk.remove(PATH);
    await expect(storage.records.read('vote')).rejects.toMatchObject({ code: 'CORRUPT', cause: { code: 'NOT_FOUND' } });
  });

  it('shows when a file took the place of another', async () => {
    const disk = await written();
    const storage = await opened(disk);
    await storage.records.write('incarnation', bytes('5'));
    await storage[Symbol.asyncDispose]();
    const foreign = disk.bytesOf(`${DIRECTORY}/records/incarnation.record`);
    expect(await readDamaged(disk, () => foreign)).toBe('CORRUPT');
  });

  it('never makes an older value of one that was acknowledged', async () => {
    const older = await written();
    const file = older.bytesOf(PATH).slice();
    const newer = await opened(older);
    await newer.records.write('vote', bytes('term 8 for b'));
    await newer[Symbol.asyncDispose]();
    for (const stale of [0, SECOND]) {
      const outcome = await readDamaged(older, (current) => {
        current.set(file.subarray(stale, stale + 100), stale);
        return current;
      });
      expect(outcome).toBe('term 8 for b');
    }
  });

  it('is not what a later release wrote: that is UNSUPPORTED, and left as it is', async () => {
    const disk = await written();
    const file = disk.bytesOf(PATH).slice();
    file[4] = 2;
    new DataView(file.buffer).setUint32(COPY_BYTES - 4, crc32c(file.subarray(0, COPY_BYTES - 4)));
    disk.setBytes(PATH, file);
    const storage = await opened(disk);
    await expect(storage.records.read('vote')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(storage.records.write('vote', bytes('x'))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(disk.bytesOf(PATH)).toEqual(file);
  });

  it('is reported when one copy was restored', async () => {
    const warnings: string[] = [];
    const disk = await written();
    const file = disk.bytesOf(PATH).slice();
    flip(file, SECOND);
    disk.setBytes(PATH, file);
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const storage = await opened(disk, DIRECTORY, logger);
    await storage.records.read('vote');
    expect(warnings).toEqual([expect.stringContaining(`${PATH}: the copy at offset ${SECOND}`)]);
  });
});

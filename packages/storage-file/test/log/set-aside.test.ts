import { describe, expect, it } from 'vitest';
import { silentLogger, type StorageContext, type System } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '../../src/index.ts';
import { FaultDisk } from '../fault-disk.ts';
import { batchOf, DIRECTORY, LOG_DIRECTORY, openLog, readAll, SEGMENT_BYTES } from './log-fixture.ts';

const systemOn = (disk: FaultDisk): System => ({ ...nodeSystem({ logger: silentLogger }), disk });
const FIRST = `${LOG_DIRECTORY}/0000000001.segment`;

/** A log of several segments with a snapshot, closed; its first segment is damaged. */
async function damagedDisk(): Promise<FaultDisk> {
  const disk = new FaultDisk();
  await fill(disk, 30);
  disk.setBytes(FIRST, disk.bytesOf(FIRST).with(8192 + 60, 255));
  return disk;
}

async function fill(disk: FaultDisk, entries: number): Promise<void> {
  const { storage, log } = await openLog(systemOn(disk));
  const group = log.group(1);
  for (let index = 1; index <= entries; index += 1) await group.append([batchOf(index, 1, 1)]);
  const content = async function* content() {
    yield new Uint8Array(100).fill(7);
  };
  await group.saveSnapshot({ index: 2, term: 1, metadata: new Uint8Array(3) }, content());
  await storage[Symbol.asyncDispose]();
}

async function filesOf(disk: FaultDisk): Promise<ReadonlyMap<string, string>> {
  const names = await disk.list(LOG_DIRECTORY);
  return new Map(names.map((name) => [name, disk.bytesOf(`${LOG_DIRECTORY}/${name}`).toString()]));
}

/** What is in the copy of this name, under the names that the files had. */
function copyIn(files: ReadonlyMap<string, string>, copy: string): ReadonlyMap<string, string> {
  const suffix = `.${copy}.damaged`;
  const named = [...files].filter(([name]) => name.endsWith(suffix));
  return new Map(named.map(([name, bytes]): [string, string] => [name.slice(0, -suffix.length), bytes]));
}

function storageOn(disk: FaultDisk, onDamage: 'repair' | 'refuse' = 'repair') {
  const context: StorageContext = { ...systemOn(disk), nodeId: 'a' };
  return fileStorage({ directory: DIRECTORY, log: { segmentBytes: SEGMENT_BYTES, onDamage } }).create(context);
}

/** Sets the log aside as a process does that has just begun. */
async function setAside(disk: FaultDisk, copy: string | undefined): Promise<void> {
  await using storage = storageOn(disk);
  await storage.open();
  await storage.log?.setAside?.(copy);
}

describe('a log that is set aside', () => {
  it('leaves an empty one in its place, after it could not be opened, and all its files as a copy', async () => {
    const disk = await damagedDisk();
    const before = await filesOf(disk);
    expect(before.size).toBeGreaterThan(3);
    {
      await using storage = storageOn(disk);
      await storage.open();
      const { log } = storage;
      await expect(log?.open()).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(FIRST) });
      await log?.setAside?.('one');
      expect(log?.groups()).toEqual([]);
      expect(log?.group(1).snapshot).toBeUndefined();
      await log?.group(1).append([batchOf(1, 2, 5)], { state: Uint8Array.of(9) });
    }
    expect(copyIn(await filesOf(disk), 'one')).toEqual(before);
    const { log, storage } = await openLog(systemOn(disk));
    expect(await readAll(log.group(1))).toHaveLength(2);
    expect(log.group(1).state).toEqual(Uint8Array.of(9));
    await storage[Symbol.asyncDispose]();
  });

  it('was in use: what was handed out of it is closed', async () => {
    const disk = new FaultDisk();
    const { log, storage } = await openLog(systemOn(disk));
    const group = log.group(1);
    await group.append([batchOf(1, 1, 1)]);
    await log.setAside?.('one');
    await expect(group.append([batchOf(2, 1, 1)])).rejects.toMatchObject({ code: 'CLOSED' });
    expect(log.group(1)).not.toBe(group);
    expect(log.group(1).lastIndex).toBe(0);
    await storage[Symbol.asyncDispose]();
    await expect(log.setAside?.('two')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('takes the place of an earlier copy; without a name it is dropped, and the copy stays', async () => {
    const disk = await damagedDisk();
    await setAside(disk, 'one');
    await fill(disk, 5);
    const second = [...(await filesOf(disk))].filter(([name]) => !name.endsWith('.damaged'));
    await setAside(disk, 'two');
    expect(await filesOf(disk)).toEqual(new Map(second.map(([name, bytes]) => [`${name}.two.damaged`, bytes])));
    await fill(disk, 3);
    await setAside(disk, undefined);
    expect(copyIn(await filesOf(disk), 'two')).toEqual(new Map(second));
    const { log, storage } = await openLog(systemOn(disk));
    expect(log.groups()).toEqual([]);
    await storage[Symbol.asyncDispose]();
  });

  it('is whole as a copy in the end, whenever a crash came, and never are both copies gone', async () => {
    const prepared = async () => {
      const disk = await damagedDisk();
      await setAside(disk, 'old');
      await fill(disk, 20);
      return disk;
    };
    const sample = await filesOf(await prepared());
    const old = copyIn(sample, 'old').size;
    const size = sample.size - old;
    let crashes = 0;
    for (let step = 1; ; step += 1) {
      const disk = await prepared();
      const before = await filesOf(disk);
      const log = new Map([...before].filter(([name]) => !name.endsWith('.damaged')));
      disk.crashAt = disk.steps + step;
      const crashed = await setAside(disk, 'new').then(
        () => false,
        () => true,
      );
      expect(crashed).toBe(disk.steps >= disk.crashAt);
      const next = disk.after({ keepsCache: false, choose: (bound) => (step * 7) % bound });
      const found = await filesOf(next);
      const isOldThere = copyIn(found, 'old').size === old;
      expect(isOldThere || copyIn(found, 'new').size === size).toBe(true);
      await setAside(next, 'new');
      expect(copyIn(await filesOf(next), 'new')).toEqual(log);
      expect((await filesOf(next)).size).toBe(size);
      if (!crashed) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThan(10);
  });

  it('is not, where the storage is told to refuse; nor with a name that no file can have', async () => {
    const disk = await damagedDisk();
    await using refusing = storageOn(disk, 'refuse');
    expect(refusing.log?.setAside).toBeUndefined();
    await expect(setAside(disk, 'a/b')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

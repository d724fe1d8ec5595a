import { describe, expect, it } from 'vitest';
import { ClusterError, isClusterError, MAX_RECORD_BYTES, silentLogger } from '@quorate/core';
import { fileStorage, type FileStorageOptions } from '../src/index.ts';
import { MAX_RECORDS, MAX_WAITING_CALLS } from '../src/file-records.ts';
import { FaultDisk } from './fault-disk.ts';
import { bytes, DIRECTORY, opened, storageOn, text } from './fixture.ts';

describe('options', () => {
  const wrong: readonly unknown[] = [
    undefined,
    {},
    { directory: '' },
    { directory: 'data' },
    { directory: './data' },
    { directory: '/' },
    { directory: '//' },
    { directory: 'C:\\' },
    { directory: '/a\0b' },
    { directory: `/${'a'.repeat(1100)}` },
    { directory: 7 },
    { directory: '/data', sync: false },
  ];
  it.each(wrong)('%# are refused', (options) => {
    expect(() => fileStorage(options as FileStorageOptions)).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(/^fileStorage: /u) }),
    );
  });

  it('take a path of either kind, with or without a slash at its end', async () => {
    for (const directory of ['/data/node-a/', '/data/node-a//']) {
      const disk = new FaultDisk();
      await opened(disk, directory);
      expect(await disk.list('/data/node-a/records')).toEqual([]);
    }
    expect(fileStorage({ directory: 'C:\\data\\node-a' })).toMatchObject({
      name: 'storage-file',
      kind: 'storage',
      provides: ['durable-storage', 'log'],
    });
  });
});

describe('records', () => {
  it('are there for the next process', async () => {
    const disk = new FaultDisk();
    const first = await opened(disk);
    expect(first.supports.durable).toBe(true);
    expect(await first.records.read('vote')).toBeUndefined();
    await first.records.write('vote', bytes('one'));
    await first.records.write('vote', bytes('two, which is longer'));
    await first.records.write('vote', bytes('3'));
    await first.records.write('Vote', new Uint8Array(MAX_RECORD_BYTES).fill(7));
    await first.records.write('a', new Uint8Array(0));
    await first.records.remove('nothing');
    await first[Symbol.asyncDispose]();
    const second = await opened(disk);
    expect(text(await second.records.read('vote'))).toBe('3');
    expect(await second.records.read('Vote')).toEqual(new Uint8Array(MAX_RECORD_BYTES).fill(7));
    expect(await second.records.read('a')).toEqual(new Uint8Array(0));
    expect(await second.records.names()).toEqual(['Vote', 'a', 'vote']);
    await second.records.remove('vote');
    expect(await second.records.read('vote')).toBeUndefined();
    expect(await second.records.names()).toEqual(['Vote', 'a']);
  });

  it('take effect in the order of the calls, and a read meanwhile sees what was acknowledged', async () => {
    const { records } = await opened(new FaultDisk());
    await records.write('vote', bytes('0'));
    const order: number[] = [];
    const writes = Array.from({ length: 20 }, (_, index) =>
      records.write('vote', bytes(String(index + 1))).then(() => order.push(index)),
    );
    expect(text(await records.read('vote'))).toBe('0');
    await Promise.all(writes);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(text(await records.read('vote'))).toBe('20');
  });

  it("are the caller's own bytes neither when written nor when read", async () => {
    const { records } = await opened(new FaultDisk());
    const value = bytes('abc');
    const write = records.write('vote', value);
    value.fill(0);
    await write;
    (await records.read('vote'))?.fill(0);
    expect(text(await records.read('vote'))).toBe('abc');
  });

  it('cost two syncs to replace, and no other step', async () => {
    const disk = new FaultDisk();
    const { records } = await opened(disk);
    await records.write('vote', bytes('1'));
    const before = disk.log.length;
    await records.write('vote', bytes('2'));
    expect(disk.log.slice(before).map((step) => step.split(' ')[0])).toEqual(['write', 'sync', 'write', 'sync']);
  });

  it.each(['', '.', '..', 'a/b', '-a', 'ä', 'a'.repeat(101)])('have no name like %j', async (name) => {
    const { records } = await opened(new FaultDisk());
    for (const call of [() => records.read(name), () => records.write(name, bytes('x')), () => records.remove(name)]) {
      await expect(call()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
  });

  it('are bounded in size, number and calls under way, and nothing of what is refused is stored', async () => {
    const disk = new FaultDisk();
    const { records } = await opened(disk);
    const large = records.write('large', new Uint8Array(MAX_RECORD_BYTES + 1));
    await expect(large).rejects.toMatchObject({ code: 'OVERLOADED' });
    for (let index = 0; index < MAX_RECORDS; index += 1) await records.write(`r${index}`, bytes('x'));
    await expect(records.write('one-more', bytes('x'))).rejects.toMatchObject({ code: 'OVERLOADED' });
    await records.remove('r0');
    await records.write('one-more', bytes('x'));
    const calls = Array.from({ length: MAX_WAITING_CALLS }, () => records.write('r1', bytes('y')));
    await expect(records.write('r1', bytes('z'))).rejects.toMatchObject({ code: 'OVERLOADED' });
    await Promise.all(calls);
    await records.write('r1', bytes('z'));
    expect(await records.names()).toHaveLength(MAX_RECORDS);
  });
});

describe('opening', () => {
  it('removes what a crash left unfinished, and leaves alone what is not its own', async () => {
    const disk = new FaultDisk();
    const first = await opened(disk);
    await first[Symbol.asyncDispose]();
    for (const file of ['vote.record.draft', 'notes.txt', 'Bad.record']) {
      await disk.open(`${DIRECTORY}/records/${file}`, { create: true });
    }
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const second = await opened(disk, DIRECTORY, logger);
    expect(await disk.list(`${DIRECTORY}/records`)).toEqual(['Bad.record', 'notes.txt']);
    expect(await second.records.names()).toEqual([]);
    expect(warnings).toHaveLength(2);
  });

  it('is refused while another holds the directory, and goes through afterwards', async () => {
    const disk = new FaultDisk();
    const first = await opened(disk);
    const second = storageOn(disk);
    await expect(second.open()).rejects.toMatchObject({ code: 'LOCKED' });
    await first[Symbol.asyncDispose]();
    await second.open();
    await expect(second.open()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('lets go of the lock when it fails', async () => {
    const disk = new FaultDisk();
    const storage = storageOn(disk);
    disk.failAt = 5;
    await expect(storage.open()).rejects.toMatchObject({ code: 'IO' });
    await storage.open();
  });

  it('goes on when a directory above cannot be synced, and says so', async () => {
    const disk = new FaultDisk();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const sync = disk.syncDirectory.bind(disk);
    disk.syncDirectory = (path) => (path === '/' ? Promise.reject(new ClusterError('IO', 'forbidden')) : sync(path));
    await opened(disk, DIRECTORY, logger);
    expect(warnings).toEqual([expect.stringMatching(/^\/: /u)]);
  });
});

describe('the end', () => {
  it('waits for the calls under way, and refuses later ones as CLOSED', async () => {
    const disk = new FaultDisk();
    const storage = await opened(disk);
    const { records } = storage;
    let acknowledged = false;
    const write = records.write('vote', bytes('last')).then(() => {
      acknowledged = true;
    });
    const end = storage[Symbol.asyncDispose]().then(() => expect(acknowledged).toBe(true));
    const calls = [
      () => records.read('vote'),
      () => records.write('vote', bytes('x')),
      () => records.remove('vote'),
      () => records.names(),
      () => storage.open(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'CLOSED' });
    await Promise.all([write, end, storage[Symbol.asyncDispose]()]);
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'CLOSED' });
    const next = await opened(disk);
    expect(text(await next.records.read('vote'))).toBe('last');
  });

  it('may come before the beginning, and during it', async () => {
    const disk = new FaultDisk();
    await storageOn(disk)[Symbol.asyncDispose]();
    const storage = storageOn(disk);
    const unopened = await storage.records.names().catch((error: unknown) => error);
    expect(isClusterError(unopened, 'CLOSED')).toBe(true);
    const opening = expect(storage.open()).rejects.toMatchObject({ code: 'CLOSED' });
    await storage[Symbol.asyncDispose]();
    await opening;
    await (await opened(disk))[Symbol.asyncDispose]();
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { nodeSystem } from '../src/node/index.ts';

const root = mkdtempSync(join(tmpdir(), 'quorate-disk-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const disk = nodeSystem().disk;
let directory = '';
let next = 0;
beforeEach(async () => {
  next += 1;
  directory = join(root, String(next));
  await disk.makeDirectory(directory);
});

const at = (name: string) => `${directory}/${name}`;

describe('files', () => {
  it('are made only when asked for, and for this user alone', async () => {
    await expect(disk.open(at('f'))).rejects.toMatchObject({ code: 'NOT_FOUND', cause: { code: 'ENOENT' } });
    const file = await disk.open(at('f'), { create: true });
    await file.write([new Uint8Array([1])], 0);
    await file.close();
    const again = await disk.open(at('f'), { create: true });
    expect(await again.size()).toBe(1);
    await again.close();
    if (process.platform !== 'win32') expect(statSync(at('f')).mode & 0o777).toBe(0o600);
  });

  it('can be read by who may not write them, and are then not to be changed', async () => {
    writeFileSync(at('f'), 'content', { mode: 0o400 });
    const file = await disk.open(at('f'), { readOnly: true });
    const buffer = new Uint8Array(20);
    expect(await file.read(buffer, 3)).toBe(4);
    await expect(file.write([new Uint8Array(1)], 0)).rejects.toMatchObject({ code: 'IO' });
    await expect(disk.open(at('none'), { readOnly: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await file.close();
    expect(String(readFileSync(at('f')))).toBe('content');
  });

  it('hold what is written where it is written', async () => {
    const file = await disk.open(at('f'), { create: true });
    await file.write([new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array([3])], 2);
    await file.write([], 100);
    await file.write([new Uint8Array([9])], 3);
    await file.sync();
    expect(await file.size()).toBe(5);
    const buffer = new Uint8Array(10).fill(255);
    expect(await file.read(buffer, 1)).toBe(4);
    expect([...buffer]).toEqual([0, 1, 9, 3, 255, 255, 255, 255, 255, 255]);
    expect(await file.read(buffer, 50)).toBe(0);
    await file.truncate(3);
    await file.truncate(4);
    expect([...readFileSync(at('f'))]).toEqual([0, 0, 1, 0]);
    await file.close();
  });

  it('take more chunks at once than a system call does', async () => {
    const file = await disk.open(at('f'), { create: true });
    const chunks = Array.from({ length: 5000 }, (_, index) => new Uint8Array([index, index >> 8]));
    await file.write(chunks, 7);
    const buffer = new Uint8Array(10_000);
    expect(await file.read(buffer, 7)).toBe(10_000);
    expect(buffer).toEqual(new Uint8Array(chunks.flatMap((chunk) => [...chunk])));
    await file.close();
  });

  it('close after the calls under way, once, and take none afterwards', async () => {
    const file = await disk.open(at('f'), { create: true });
    const big = new Uint8Array(4 << 20).fill(7);
    const write = file.write([big], 0);
    const sync = file.sync();
    const closed = file.close();
    expect(file.close()).toBe(closed);
    await Promise.all([write, sync, closed]);
    expect(readFileSync(at('f')).equals(big)).toBe(true);
    const late = [file.read(big, 0), file.write([big], 0), file.sync(), file.truncate(0), file.size()];
    for (const call of late) await expect(call).rejects.toMatchObject({ code: 'IO' });
    await file.close();
  });

  it('reject with IO and the cause', async () => {
    await expect(disk.open(directory, { create: true })).rejects.toMatchObject({
      code: 'IO',
      cause: { code: 'EISDIR' },
    });
    const file = await disk.open(at('f'), { create: true });
    await expect(file.read(new Uint8Array(1), 0.5)).rejects.toMatchObject({ code: 'IO' });
    await expect(file.truncate(0.5)).rejects.toMatchObject({ code: 'IO' });
    await file.close();
  });
});

describe('directories', () => {
  it('are made with those above, and again', async () => {
    await Promise.all([disk.makeDirectory(at('a/b/c')), disk.makeDirectory(at('a/b/c'))]);
    await disk.makeDirectory(at('a/b/c'));
    await disk.syncDirectory(at('a/b'));
    writeFileSync(at('file'), '');
    await expect(disk.makeDirectory(at('file'))).rejects.toMatchObject({ code: 'IO' });
    await expect(disk.makeDirectory(at('file/below'))).rejects.toMatchObject({ code: 'IO' });
    await expect(disk.syncDirectory(at('missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.runIf(existsSync('/proc/self'))('are refused where there can be none', async () => {
    await expect(disk.makeDirectory('/proc/none/of/these')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('list their names in order', async () => {
    for (const name of ['b', 'a', 'B', '10', '9']) writeFileSync(at(name), '');
    expect(await disk.list(directory)).toEqual(['10', '9', 'B', 'a', 'b']);
    await expect(disk.list(at('missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('have names replaced and removed', async () => {
    writeFileSync(at('a'), 'new');
    writeFileSync(at('b'), 'old');
    await disk.rename(at('a'), at('b'));
    expect(readdirSync(directory)).toEqual(['b']);
    expect(readFileSync(at('b'), 'utf8')).toBe('new');
    await expect(disk.rename(at('a'), at('b'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await disk.remove(at('b'));
    await disk.remove(at('b'));
    expect(readdirSync(directory)).toEqual([]);
    await expect(disk.remove(directory)).rejects.toMatchObject({ code: 'IO' });
  });
});

describe('nodeSystem', () => {
  it('refuses what is no logger', () => {
    const broken = { logger: { info: () => undefined } } as never;
    expect(() => nodeSystem(broken)).toThrowError(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => nodeSystem({ loger: console } as never)).toThrowError(/there is no option loger/u);
  });

  it('shows the wall clock', () => {
    expect(Math.abs(nodeSystem({ logger: console }).clock.wallTime() - Date.now())).toBeLessThan(1000);
  });
});

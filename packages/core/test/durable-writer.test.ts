import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeSystem } from '../src/node/index.ts';

const root = fs.mkdtempSync(join(tmpdir(), 'quorate-durable-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));
const { disk } = nodeSystem();

/** Threads that calls of node:fs and name lookups share, unless UV_THREADPOOL_SIZE says otherwise. */
const SHARED_THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

describe('a durable write', () => {
  it('writes its chunks in order, several calls one after the other', async () => {
    const file = await disk.open(join(root, 'ordered'), { create: true });
    const chunks = (fill: number) => [
      new Uint8Array(3).fill(fill),
      new Uint8Array(0),
      new Uint8Array(2).fill(fill + 1),
    ];
    await Promise.all([
      file.writeDurably?.(chunks(1), 0),
      file.writeDurably?.(chunks(5), 5),
      file.writeDurably?.([], 9),
    ]);
    await file.writeDurably?.([Uint8Array.of(9)], 4);
    expect([...fs.readFileSync(join(root, 'ordered'))]).toEqual([1, 1, 1, 2, 9, 5, 5, 5, 6, 6]);
    await file.close();
  });

  it('may be larger than what is handed over at one time', async () => {
    const file = await disk.open(join(root, 'large'), { create: true });
    const chunks = [5_000_001, 1, 17_000_000].map((length, at) => new Uint8Array(length).fill(at + 1));
    await file.writeDurably?.(chunks, 10);
    const expected = Buffer.concat([new Uint8Array(10), ...chunks]);
    expect(fs.readFileSync(join(root, 'large')).equals(expected)).toBe(true);
    await file.close();
  });

  it.skipIf(!fs.existsSync('/dev/full'))(
    'that fails is IO, with the reason, and those behind it are made',
    async () => {
      const [full, file] = [await disk.open('/dev/full'), await disk.open(join(root, 'behind'), { create: true })];
      const failing = expect(full.writeDurably?.([Uint8Array.of(1)], 0)).rejects.toMatchObject({
        code: 'IO',
        message: expect.stringMatching(/\/dev\/full.*ENOSPC/u),
      });
      await file.writeDurably?.([Uint8Array.of(1)], 0);
      await failing;
      expect([...fs.readFileSync(join(root, 'behind'))]).toEqual([1]);
      for (const each of [full, file]) {
        await each.close();
        await expect(each.writeDurably?.([Uint8Array.of(1)], 0)).rejects.toMatchObject({ code: 'IO' });
      }
    },
  );

  it('is not held up when all threads that others share hang', async () => {
    const file = await disk.open(join(root, 'unhindered'), { create: true });
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // To open a pipe for reading waits for somebody who writes.
    const hanging = Array.from({ length: SHARED_THREADS }, () => fs.promises.open(pipe, 'r'));
    let shared = false;
    const stat = fs.promises.stat(pipe).then(() => (shared = true));
    for (let count = 1; count <= 20; count += 1) await file.writeDurably?.([new Uint8Array(count)], 0);
    expect(fs.readFileSync(join(root, 'unhindered'))).toHaveLength(20);
    expect(shared).toBe(false);
    const writer = fs.openSync(pipe, 'r+');
    for (const opened of hanging) await (await opened).close();
    fs.closeSync(writer);
    await stat;
    await file.close();
  });
});

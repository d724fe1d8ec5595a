import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { nodeSystem } from '@quorate/core/node';
import { chances, opened, text } from './fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'quorate-storage-'));
const program = new URL('children/count-up.ts', import.meta.url).pathname;
let running: ChildProcess | undefined;
afterEach(() => running?.kill('SIGKILL'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** How often the writer is killed; `KILLS` asks for more. */
const KILLS = Number(process.env['KILLS'] ?? 20);

function start(...args: string[]): { child: ChildProcess; lines: AsyncIterableIterator<string> } {
  const child = spawn(process.execPath, ['--conditions=@quorate/source', '--no-warnings', program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running = child;
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

/** Lets the writer acknowledge so many more numbers, kills it, and gives the last number it acknowledged. */
async function writeAndDie(directory: string, numbers: number): Promise<number> {
  const { child, lines } = start(directory);
  const exit = once(child, 'exit');
  let last = -1;
  let seen = -1;
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    last = Number(line);
    seen += 1;
    if (seen === numbers) child.kill('SIGKILL');
  }
  await exit;
  expect(child.signalCode).toBe('SIGKILL');
  return last;
}

describe('SIGKILL', () => {
  it(`of a writer, ${KILLS} times: what was acknowledged is there, and the directory is free at once`, async () => {
    const directory = join(root, 'counter');
    const choose = chances(1);
    let acknowledged = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const last = await writeAndDie(directory, choose(25));
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      const storage = await opened(nodeSystem().disk, directory);
      acknowledged = Number(text(await storage.records.read('counter')) ?? 0);
      await storage[Symbol.asyncDispose]();
      expect([last, last + 1]).toContain(acknowledged);
    }
    expect(acknowledged).toBeGreaterThan(KILLS);
  }, 120_000);
});

describe('a second process', () => {
  it('is told LOCKED while the first lives', async () => {
    const directory = join(root, 'held');
    const { child, lines } = start(directory, 'hold');
    expect((await lines.next()).value).toBe('0');
    await expect(opened(nodeSystem().disk, directory)).rejects.toMatchObject({ code: 'LOCKED' });
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    await (await opened(nodeSystem().disk, directory))[Symbol.asyncDispose]();
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeSystem } from '../src/node/index.ts';

const root = mkdtempSync(join(tmpdir(), 'quorate-lock-'));
const holder = new URL('children/hold-lock.ts', import.meta.url).pathname;
const children: ChildProcess[] = [];
let path = '';
let next = 0;
beforeEach(() => {
  next += 1;
  path = join(root, String(next));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Another process that tries to take the lock, and what became of that. */
async function other(): Promise<{ child: ChildProcess; outcome: string }> {
  const child = spawn(process.execPath, ['--conditions=@quorate/source', '--no-warnings', holder, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, outcome: line };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const LOCKED = { code: 'LOCKED' };

describe('the lock of a real machine', () => {
  it('has one holder in a process, also across two systems, until it is released', async () => {
    const [one, two] = [nodeSystem().disk, nodeSystem().disk];
    const lock = await one.lock(path);
    await expect(one.lock(path)).rejects.toMatchObject(LOCKED);
    await expect(two.lock(path)).rejects.toMatchObject(LOCKED);
    await lock.release();
    await lock.release();
    const second = await two.lock(path);
    await lock.release();
    await expect(one.lock(path)).rejects.toMatchObject(LOCKED);
    await second.release();
  });

  it('keeps other processes out, and is theirs once it is released', async () => {
    const lock = await nodeSystem().disk.lock(path);
    expect((await other()).outcome).toBe('LOCKED');
    await lock.release();
    expect((await other()).outcome).toBe('locked');
    expect((await other()).outcome).toBe('LOCKED');
    await expect(nodeSystem().disk.lock(path)).rejects.toMatchObject(LOCKED);
  });

  it('is free at once when its holder is killed', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { child, outcome } = await other();
      expect(outcome).toBe('locked');
      await kill(child);
      await (await nodeSystem().disk.lock(path)).release();
    }
  });

  it('is not lost when its owner forgets it', async () => {
    const disk = nodeSystem().disk;
    await disk.lock(path);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let round = 0; round < 3; round += 1) {
      collect();
      await new Promise((resolve) => void setImmediate(resolve));
    }
    expect((await other()).outcome).toBe('LOCKED');
    expect(disk).toBeDefined();
  });

  it('leaves one empty file', async () => {
    const { child } = await other();
    await kill(child);
    const directory = readdirSync(root).filter((name) => name.startsWith(String(next)));
    expect(directory).toEqual([String(next)]);
  });

  it('is IO where it cannot be taken for another reason', async () => {
    await expect(nodeSystem().disk.lock(join(root, 'missing', 'lock'))).rejects.toMatchObject({ code: 'IO' });
    writeFileSync(path, 'somebody else keeps this file'.repeat(100));
    await expect(nodeSystem().disk.lock(path)).rejects.toMatchObject({ code: 'IO' });
  });
});

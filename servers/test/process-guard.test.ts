import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('orphan.ts', import.meta.url));
let folder = '';
let orphan: number | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-guard-'));
});
afterEach(() => {
  // A test that fails leaves none behind.
  if (orphan !== undefined && isAlive(orphan)) process.kill(orphan, 'SIGKILL');
  orphan = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a server', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('ends with the program that started it, by %s', async (signal) => {
    const pidFile = path.join(folder, 'pid');
    const parent = spawn(process.execPath, ['--conditions=@quorate/source', '--no-warnings', program, pidFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    orphan = pid;
    expect(isAlive(pid)).toBe(true);
    parent.kill(signal);
    await once(parent, 'exit');
    await expect.poll(() => isAlive(pid), { timeout: 10_000, interval: 10 }).toBe(false);
  });
});

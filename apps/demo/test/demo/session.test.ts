import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readDemoOptions } from '../../src/demo/demo-options.ts';
import { openSession } from '../../src/demo/session.ts';

describe('a folder that cannot be had', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'quorate-session-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = (data: string) => openSession(readDemoOptions(['--data', data]));

  it('is refused by name where a file stands in its way', async () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    await expect(open(file)).rejects.toThrow(`--data ${file}: `);
    await expect(open(path.join(file, 'a/b'))).rejects.toThrow('ENOTDIR');
  });

  it('is refused where other nodes have theirs', async () => {
    for (const name of ['a', 'b', 'c', 'notes']) mkdirSync(path.join(folder, name));
    const more = openSession(readDemoOptions(['--data', folder, '--nodes', '5']));
    await expect(more).rejects.toThrow(`--data ${folder} is that of 3 nodes: give --nodes 3`);
  });

  it.runIf(existsSync('/proc/self'))('is refused at once where the kernel makes none', async () => {
    await expect(open('/proc/quorate/a')).rejects.toThrow('--data /proc/quorate/a: ENOENT');
  });
});

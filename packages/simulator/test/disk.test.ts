import { type System } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { createWorld, type Host, type World } from '../src/index.ts';

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));
const bytesOf = (content: string) => [new TextEncoder().encode(content)];

/** Runs a program to its end, or to the crash that it meets. */
async function perform(world: World, host: Host, program: (system: System) => Promise<void>): Promise<void> {
  let isDone = false;
  host.start(async (system) => {
    await program(system);
    isDone = true;
  });
  await world.runUntil(() => isDone || !host.running, 10_000);
}

function machine(seed: number): { world: World; host: Host } {
  const world = createWorld({ seed });
  return { world, host: world.host('a') };
}

async function replace({ disk }: System, content: string, steps: { sync: boolean; syncDirectory: boolean }) {
  await disk.makeDirectory('/d');
  await disk.syncDirectory('/');
  const file = await disk.open('/d/new', { create: true });
  await file.write(bytesOf(content), 0);
  if (steps.sync) await file.sync();
  await file.close();
  await disk.rename('/d/new', '/d/file');
  if (steps.syncDirectory) await disk.syncDirectory('/d');
}

/** What is found in /d/file after a crash right behind the program, over many seeds. */
async function outcomes(program: (system: System) => Promise<void>, seeds = 60): Promise<Set<string | undefined>> {
  const found = new Set<string | undefined>();
  for (let seed = 0; seed < seeds; seed += 1) {
    const { world, host } = machine(seed);
    await perform(world, host, program);
    host.crash();
    found.add(text(host.disk.read('/d/file')));
  }
  return found;
}

describe('a disk', () => {
  it('gives back what was written, to the next process too', async () => {
    const { world, host } = machine(1);
    await perform(world, host, (system) => replace(system, 'content', { sync: true, syncDirectory: true }));
    host.crash();
    let found = '';
    await perform(world, host, async ({ disk }) => {
      const file = await disk.open('/d/file');
      const buffer = new Uint8Array(20);
      found = text(buffer.subarray(0, await file.read(buffer, 3))) ?? '';
      expect(await file.size()).toBe(7);
      expect(await disk.list('/d')).toEqual(['file']);
      const readOnly = await disk.open('/d/file', { readOnly: true });
      expect(await readOnly.read(buffer, 0)).toBe(7);
      await expect(readOnly.write([buffer], 0)).rejects.toMatchObject({ code: 'IO' });
      await expect(disk.open('/d/none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(disk.open('/none/file', { create: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
    expect(found).toBe('tent');
  });

  it('keeps all that was synced', async () => {
    expect(await outcomes((system) => replace(system, 'content', { sync: true, syncDirectory: true }))).toEqual(
      new Set(['content']),
    );
  });

  it('may undo a rename whose directory was not synced', async () => {
    expect(await outcomes((system) => replace(system, 'content', { sync: true, syncDirectory: false }))).toEqual(
      new Set(['content', undefined]),
    );
  });

  it('keeps, loses or tears what was not synced', async () => {
    const found = await outcomes((system) => replace(system, 'content', { sync: false, syncDirectory: true }));
    expect(found).toContain('content');
    expect(found).toContain('');
    expect(found.size).toBeGreaterThan(4);
    for (const each of found) expect('content'.startsWith(each ?? '-')).toBe(true);
  });

  it('has each write of an unsynced file fare on its own', async () => {
    const found = await outcomes(async ({ disk }) => {
      await disk.makeDirectory('/d');
      await disk.syncDirectory('/');
      const file = await disk.open('/d/file', { create: true });
      await disk.syncDirectory('/d');
      await file.write(bytesOf('aaaa'), 0);
      await file.sync();
      await file.write(bytesOf('b'), 0);
      await file.write(bytesOf('c'), 3);
    });
    expect(found).toEqual(new Set(['aaaa', 'baaa', 'aaac', 'baac']));
  });

  it('crashes in the middle of every operation, and leaves a state between before and after', async () => {
    const found = new Set<string | undefined>();
    let steps = 0;
    for (let step = 1; ; step += 1) {
      const { world, host } = machine(step);
      await perform(world, host, (system) => replace(system, 'old', { sync: true, syncDirectory: true }));
      host.crash();
      host.crashAtDiskOperation(step);
      await perform(world, host, (system) => replace(system, 'new', { sync: true, syncDirectory: true }));
      if (host.running) break;
      found.add(text(host.disk.read('/d/file')));
      steps += 1;
    }
    expect(steps).toBe(7);
    expect(found).toEqual(new Set(['old', 'new']));
  });

  it('fails a sync once told to, and what it covered is not made durable by the next', async () => {
    const found = new Set<string | undefined>();
    for (let seed = 0; seed < 40; seed += 1) {
      const { world, host } = machine(seed);
      await perform(world, host, async ({ disk }) => {
        await disk.makeDirectory('/d');
        await disk.syncDirectory('/');
        const file = await disk.open('/d/file', { create: true });
        await disk.syncDirectory('/d');
        await file.write(bytesOf('lost?'), 0);
        host.disk.fail({ sync: true });
        await expect(file.sync()).rejects.toMatchObject({ code: 'IO' });
        host.disk.recover();
        await file.sync();
      });
      host.crash();
      found.add(text(host.disk.read('/d/file')));
    }
    expect(found).toContain('lost?');
    expect(found).toContain('');
  });

  it('is full, stalls and rots once told to', async () => {
    const { world, host } = machine(3);
    await perform(world, host, async (system) => {
      await replace(system, 'content', { sync: true, syncDirectory: true });
      const file = await system.disk.open('/d/file');
      host.disk.fail({ full: true });
      await expect(file.write(bytesOf('more'), 7)).rejects.toMatchObject({ code: 'IO' });
      await expect(system.disk.open('/d/other', { create: true })).rejects.toMatchObject({ code: 'IO' });
      host.disk.recover();
      host.disk.fail({ stallMs: 500 });
      const began = world.now;
      await file.sync();
      expect(world.now - began).toBeGreaterThan(500);
      host.disk.flipBit('/d/file', 0, 1);
    });
    expect(text(host.disk.read('/d/file'))).toBe('aontent');
    expect(text(host.disk.readDurable('/d/file'))).toBe('aontent');
  });

  it('holds a lock as long as the process lives', async () => {
    const { world, host } = machine(4);
    await perform(world, host, async ({ disk }) => {
      await disk.lock('/lock');
      await expect(disk.lock('/lock')).rejects.toMatchObject({ code: 'LOCKED' });
    });
    host.crash();
    await perform(world, host, async ({ disk }) => {
      const lock = await disk.lock('/lock');
      await lock.release();
      await disk.lock('/lock');
    });
    expect(host.running).toBe(true);
  });
});

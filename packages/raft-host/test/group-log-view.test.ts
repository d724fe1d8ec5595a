import { crc32, type GroupLog } from '@quorate/core';
import { memoryStorage } from '@quorate/memory';
import type { Entry } from '@quorate/raft';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { EntryBatches } from '../src/entry-batches.ts';
import { GroupLogView } from '../src/group-log-view.ts';

function entry(index: number, term: number): Entry {
  return { index, term, type: 'normal', data: new Uint8Array([index, term]) };
}

async function openLog(world: World): Promise<GroupLog> {
  const host = world.host('a');
  host.start(() => undefined);
  const storage = memoryStorage().create({ ...host.system, nodeId: 'a' });
  await storage.open();
  if (storage.log === undefined) throw new Error('no log');
  await storage.log.open();
  return storage.log.group(1);
}

describe('the log as the core reads it', () => {
  it('has nothing that was read while what replaces it was being written', async () => {
    const world = createWorld({ seed: 1 });
    const log = await openLog(world);
    const batches = new EntryBatches(crc32);
    const failures: unknown[] = [];
    const view = new GroupLogView(log, {
      batches,
      hardState: { term: 1, vote: 0, commit: 0 },
      cacheBytes: 1_000_000,
      reader: { entriesLoaded: () => undefined, unreadable: async (error) => void failures.push(error) },
    });
    const old = [entry(1, 1), entry(2, 1), entry(3, 1)];
    await world.settled(log.append(old.map(batches.of)), 1_000);

    const replacing = [entry(3, 2)];
    view.appending(replacing);
    const written = log.append(replacing.map(batches.of));
    expect(view.entries(1, 2, 1_000)).toBe('later');
    await world.settled(written, 1_000);
    await world.run(1);

    expect(view.entries(2, 4, 1_000)).toBe('later');
    await world.run(1);
    expect(view.entries(2, 4, 1_000)?.slice()).toEqual([entry(2, 1), entry(3, 2)]);
    expect(failures).toEqual([]);
  });

  it('keeps what was read while others were appended behind it', async () => {
    const world = createWorld({ seed: 1 });
    const log = await openLog(world);
    const batches = new EntryBatches(crc32);
    const view = new GroupLogView(log, {
      batches,
      hardState: { term: 1, vote: 0, commit: 0 },
      cacheBytes: 1,
      reader: { entriesLoaded: () => undefined, unreadable: () => expect.unreachable() },
    });
    await world.settled(log.append([entry(1, 1), entry(2, 1)].map(batches.of)), 1_000);

    expect(view.entries(1, 3, 1_000)).toBe('later');
    view.appending([entry(3, 1)]);
    await world.settled(log.append([batches.of(entry(3, 1))]), 1_000);

    expect(view.entries(1, 3, 1_000)?.slice()).toEqual([entry(1, 1), entry(2, 1)]);
  });
});

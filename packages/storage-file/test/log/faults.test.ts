import { describe, expect, it } from 'vitest';
import { ClusterError, type Disk, type DiskFile, silentLogger, type System } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { batchOf, entriesOf, LOG_DIRECTORY, openLog, readAll } from './log-fixture.ts';

/** Runs a program on a simulated machine to its end. */
async function perform(program: (system: System, host: Host, world: World) => Promise<void>): Promise<void> {
  const world = createWorld({ seed: 'faults of a log' });
  const host = world.host('a');
  let done = false;
  host.start(async (system) => {
    await program(system, host, world);
    done = true;
  });
  await world.runUntil(() => done, 600_000);
}

/** Counts the writes and syncs of segments that are in use. */
function counting(system: System): { readonly system: System; readonly counts: { write: number; sync: number } } {
  const counts = { write: 0, sync: 0 };
  const wrap = (file: DiskFile): DiskFile => ({
    read: (buffer, position) => file.read(buffer, position),
    write: (chunks, position) => {
      counts.write += 1;
      return file.write(chunks, position);
    },
    sync: () => {
      counts.sync += 1;
      return file.sync();
    },
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    close: () => file.close(),
  });
  const { disk } = system;
  const open = async (path: string, options?: { create?: boolean }) => wrap(await disk.open(path, options));
  const wrapped: Disk = {
    open,
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    list: (path) => disk.list(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    lock: (path) => disk.lock(path),
  };
  return { system: { ...system, disk: wrapped }, counts };
}

describe('appends of one go', () => {
  it('of many groups are one write and one sync, and so are those that wait for it', () =>
    perform(async (simulated) => {
      const { system, counts } = counting(simulated);
      const { log } = await openLog(system);
      await log.group(0).append([batchOf(1, 1, 1)]);
      Object.assign(counts, { write: 0, sync: 0 });
      await Promise.all(Array.from({ length: 40 }, (_, id) => log.group(id + 1).append([batchOf(1, 2, 1)])));
      expect(counts).toEqual({ write: 1, sync: 1 });
      const first = log.group(1).append([batchOf(3, 1, 1)]);
      await Promise.resolve();
      await Promise.resolve();
      const rest = Array.from({ length: 39 }, (_, id) => log.group(id + 2).append([batchOf(3, 1, 1)]));
      await Promise.all([first, ...rest]);
      expect(counts).toEqual({ write: 3, sync: 3 });
    }));

  it('with a state are two, so that a later frame vouches for it', () =>
    perform(async (simulated) => {
      const { system, counts } = counting(simulated);
      const { log } = await openLog(system);
      await log.group(1).append([batchOf(1, 1, 1)]);
      Object.assign(counts, { write: 0, sync: 0 });
      const state = Uint8Array.of(1);
      await Promise.all([log.group(1).append([batchOf(2, 1, 1)], { state }), log.group(2).append([], { state })]);
      expect(counts).toEqual({ write: 2, sync: 2 });
    }));
});

describe('a sync that fails', () => {
  it('is the last one: changes are refused from then on, and reading goes on', () =>
    perform(async (simulated, host) => {
      const { system, counts } = counting(simulated);
      const { log, storage } = await openLog(system);
      const group = log.group(1);
      await group.append([batchOf(1, 3, 1)]);
      host.disk.fail({ sync: true });
      const failing = [group.append([batchOf(4, 1, 1)]), log.group(2).append([batchOf(1, 1, 1)])];
      for (const each of failing) await expect(each).rejects.toMatchObject({ code: 'IO', outcome: 'unknown' });
      host.disk.recover();
      const syncs = counts.sync;
      const changes = [group.append([batchOf(4, 1, 1)]), group.truncatePrefix(1, 1), group.remove()];
      for (const each of changes) await expect(each).rejects.toMatchObject({ code: 'IO', outcome: 'not-applied' });
      expect(await readAll(group)).toEqual(entriesOf(1, 3, 1));
      await storage[Symbol.asyncDispose]();
      expect(counts.sync).toBe(syncs);
    }));

  it('in what waits behind it refuses that as not applied', () =>
    perform(async (system, host) => {
      const { log } = await openLog(system);
      const group = log.group(1);
      await group.append([batchOf(1, 3, 1)]);
      host.disk.fail({ sync: true });
      const failing = expect(group.append([batchOf(4, 1, 1)])).rejects.toMatchObject({ outcome: 'unknown' });
      await Promise.resolve();
      await Promise.resolve();
      const behind = expect(group.append([batchOf(5, 1, 1)])).rejects.toMatchObject({ outcome: 'not-applied' });
      await Promise.all([failing, behind]);
    }));
});

describe('a full disk', () => {
  it('refuses what needs another segment, keeps all readable, and takes it when there is room', () =>
    perform(async (simulated) => {
      let isFull = false;
      const { disk } = simulated;
      const open = (path: string, options?: { create?: boolean }) =>
        isFull && options?.create === true
          ? Promise.reject(new ClusterError('IO', `open ${path}: no space left on device`))
          : disk.open(path, options);
      const system = { ...counting(simulated).system, logger: silentLogger };
      const { log, storage } = await openLog({ ...system, disk: { ...system.disk, open } });
      const group = log.group(1);
      let next = 1;
      await group.append([batchOf(next, 1, 1, 1000)]);
      isFull = true;
      const error = await (async () => {
        for (;;) {
          next += 1;
          await group.append([batchOf(next, 1, 1, 1000)]);
        }
      })().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'IO', outcome: 'not-applied' });
      expect((error as ClusterError).message).toContain('no space left');
      expect(next).toBeGreaterThan(10);
      expect(await readAll(group)).toEqual(entriesOf(1, next - 1, 1, 1000));
      isFull = false;
      await group.append([batchOf(next, 1, 1, 1000)]);
      await storage[Symbol.asyncDispose]();
      const again = await openLog(simulated);
      expect(await readAll(again.log.group(1))).toEqual(entriesOf(1, next, 1, 1000));
    }));

  it('on which a write fails leaves the log readable', () =>
    perform(async (system, host) => {
      const { log } = await openLog(system);
      await log.group(1).append([batchOf(1, 3, 1)]);
      host.disk.fail({ full: true });
      const append = log.group(1).append([batchOf(4, 1, 1)]);
      await expect(append).rejects.toMatchObject({ code: 'IO', outcome: 'unknown' });
      expect(await readAll(log.group(1))).toEqual(entriesOf(1, 3, 1));
    }));
});

describe('room', () => {
  it('is given back: traffic without end through a log that is truncated stays bounded', () =>
    perform(async (system, host) => {
      const { log, storage } = await openLog(system);
      const idle = log.group(2);
      await idle.append([batchOf(1, 3, 1)], { state: Uint8Array.of(5) });
      for (let round = 0; round < 100; round += 1) {
        await log.group(1).append([batchOf(round * 10 + 1, 10, 1, 2000)]);
        await log.group(1).truncatePrefix(round * 10 + 8, 1);
      }
      const segments = host.disk.files.filter((path) => path.startsWith(LOG_DIRECTORY));
      expect(segments.length).toBeLessThan(9);
      await storage[Symbol.asyncDispose]();
      const again = await openLog(system);
      expect(await readAll(again.log.group(2))).toEqual(entriesOf(1, 3, 1));
      expect(again.log.group(2).state).toEqual(Uint8Array.of(5));
      expect(await readAll(again.log.group(1))).toEqual(entriesOf(999, 2, 1, 2000));
    }));

  it('for what waits is bounded', () =>
    perform(async (system) => {
      const { log } = await openLog(system);
      const large = batchOf(1, 1, 1, 15 * 1024 * 1024);
      const appends = Array.from({ length: 6 }, (_, id) => log.group(id).append([large]));
      const outcomes = await Promise.allSettled(appends);
      expect(outcomes.map(({ status }) => status).filter((status) => status === 'fulfilled')).toHaveLength(4);
      expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'OVERLOADED', outcome: 'not-applied' } });
    }));
});

import { beforeAll, describe, expect, it } from 'vitest';
import { type ClusterError, encodeBatch, isClusterError, silentLogger, type System } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { FaultDisk } from '../fault-disk.ts';
import { batchOf, entriesOf, LOG_DIRECTORY, openLog, readAll } from './log-fixture.ts';

type Files = ReadonlyMap<string, Uint8Array>;

const systemOn = (disk: FaultDisk): System => ({ ...nodeSystem({ logger: silentLogger }), disk });
/** What each step of the program leaves, as text. The last is what there is at the end. */
const contents: string[] = [];
let sealed: Files;
let unsealed: Files;

async function contentOn(disk: FaultDisk): Promise<string> {
  const { storage, log } = await openLog(systemOn(disk));
  const content = await contentOf(log);
  await storage[Symbol.asyncDispose]();
  return content;
}

async function contentOf(log: Awaited<ReturnType<typeof openLog>>['log']): Promise<string> {
  const groups = [];
  for (const id of log.groups()) {
    const group = log.group(id);
    const { state, commit, firstIndex } = group;
    groups.push({ id, state, commit, base: group.term(firstIndex - 1), entries: await readAll(group) });
  }
  return JSON.stringify(groups, (_, value) => (value instanceof Uint8Array ? [...value] : value));
}

async function filesOf(disk: FaultDisk): Promise<Files> {
  const names = await disk.list(LOG_DIRECTORY);
  return new Map(names.map((name) => [name, disk.bytesOf(`${LOG_DIRECTORY}/${name}`).slice()]));
}

async function diskWith(files: Files): Promise<FaultDisk> {
  const disk = new FaultDisk();
  await disk.makeDirectory(LOG_DIRECTORY);
  for (const [name, bytes] of files) {
    await disk.open(`${LOG_DIRECTORY}/${name}`, { create: true });
    disk.setBytes(`${LOG_DIRECTORY}/${name}`, bytes);
  }
  return disk;
}

beforeAll(async () => {
  const disk = new FaultDisk();
  const { storage, log } = await openLog(systemOn(disk));
  const [one, two] = [log.group(1), log.group(2)];
  const note = async () => void contents.push(await contentOf(log));
  await note();
  await one.append([batchOf(1, 3, 1)], { state: Uint8Array.of(1) });
  await note();
  await Promise.all([one.append([batchOf(4, 1, 1, 5000)]), two.append([batchOf(1, 1, 1, 3)])]);
  await note();
  await one.append([batchOf(3, 2, 2)], { commit: 2 });
  await note();
  await one.truncatePrefix(1, 1);
  await note();
  await one.append([batchOf(5, 1, 2, 100)]);
  await note();
  unsealed = await filesOf(disk);
  await storage[Symbol.asyncDispose]();
  sealed = await filesOf(disk);
});

/** Places where there is something, and some where there is nothing. */
function placesIn(bytes: Uint8Array): number[] {
  return [...bytes.keys()].filter((at) => bytes[at] !== 0 || at % 1009 === 0);
}

/** Where the pages are that begin with a frame. */
function pagesIn(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4096 }, (_, page) => page * 4096).filter(
    (offset) => view.getUint32(offset) === 0x5146524d,
  );
}

async function outcome(files: Files, name: string, bytes: Uint8Array): Promise<string | ClusterError> {
  const disk = await diskWith(new Map([...files, [name, bytes]]));
  return contentOn(disk).catch((error: unknown) => {
    if (isClusterError(error, 'CORRUPT') || isClusterError(error, 'UNSUPPORTED')) return error;
    throw error;
  });
}

/** Damages each place in turn, and gives what came of it, with how often. */
async function damageAll(files: Files, damage: (bytes: Uint8Array, at: number) => Uint8Array) {
  const seen = new Map<string, number>();
  for (const [name, bytes] of files) {
    for (const at of placesIn(bytes)) {
      const found = await outcome(files, name, damage(bytes, at));
      if (typeof found !== 'string')
        expect(found.message).toMatch(/\/data\/node-a\/log\/\d+\.segment.*offset \d+|format/u);
      const what = typeof found === 'string' ? `step ${contents.indexOf(found)}` : found.code;
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
  }
  return seen;
}

const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 8)));
const cut = (bytes: Uint8Array, at: number): Uint8Array => bytes.subarray(0, at);

describe('damage of a small log', () => {
  it('a flipped bit anywhere is CORRUPT or harmless, once the log was closed', async () => {
    const seen = await damageAll(sealed, flip);
    expect([...seen.keys()].sort()).toEqual(['CORRUPT', 'step 5']);
    expect(seen.get('CORRUPT')).toBeGreaterThan(500);
  });

  it('in the last frame of a log that was not closed it counts as unfinished, and nothing else is lost', async () => {
    const seen = await damageAll(unsealed, flip);
    expect([...seen.keys()].sort()).toEqual(['CORRUPT', 'step 4', 'step 5']);
  });

  it('a file that was cut off anywhere is CORRUPT', async () => {
    expect([...(await damageAll(sealed, cut)).keys()]).toEqual(['CORRUPT']);
  });

  it('a torn last write leaves what was before it, whichever of its pages are there', async () => {
    const [name = '', bytes = new Uint8Array(0)] = [...unsealed][0] ?? [];
    let pages = 0;
    for (let end = bytes.length; end > 4096; end -= 4096) {
      if (bytes.subarray(end - 4096, end).every((byte) => byte === 0)) continue;
      pages += 1;
      const torn = bytes.slice();
      torn.fill(0, end - 4096, end);
      const found = await outcome(unsealed, name, torn);
      if (pages === 1) expect(found).toBe(contents[4]);
      else expect(found).toMatchObject({ code: 'CORRUPT' });
    }
    expect(pages).toBeGreaterThan(6);
  });

  it('the last frame, written again at the opening, is not missed where it was before', async () => {
    const [name = '', bytes = new Uint8Array(0)] = [...unsealed][0] ?? [];
    const path = `${LOG_DIRECTORY}/${name}`;
    const last = pagesIn(bytes).at(-1) ?? 0;
    const disk = await diskWith(unsealed);
    await openLog(systemOn(disk));
    const again = pagesIn(disk.bytesOf(path)).at(-1) ?? 0;
    expect(again).toBeGreaterThan(last);
    disk.setBytes(
      path,
      disk
        .bytesOf(path)
        .slice()
        .fill(0, last, last + 4096),
    );
    // The lock of the process before ended with it.
    const next = disk.after({ keepsCache: true, choose: () => 0 });
    expect(await contentOn(next)).toBe(contents[5]);
    expect(await contentOn(next)).toBe(contents[5]);
  });

  it('when both are bad, it was never acknowledged, and the log goes on behind them', async () => {
    const [name = '', bytes = new Uint8Array(0)] = [...unsealed][0] ?? [];
    const path = `${LOG_DIRECTORY}/${name}`;
    const last = pagesIn(bytes).at(-1) ?? 0;
    const disk = await diskWith(unsealed);
    await openLog(systemOn(disk));
    const again = pagesIn(disk.bytesOf(path)).at(-1) ?? 0;
    const damaged = disk
      .bytesOf(path)
      .slice()
      .fill(0, last, last + 4096);
    disk.setBytes(path, flip(damaged, again + 150));
    let next = disk;
    for (let opening = 0; opening < 3; opening += 1) {
      next = next.after({ keepsCache: true, choose: () => 0 });
      const { log } = await openLog(systemOn(next));
      expect(await contentOf(log)).toBe(contents[4]);
    }
    next = next.after({ keepsCache: true, choose: () => 0 });
    const { log } = await openLog(systemOn(next));
    await log.group(1).append([batchOf(5, 1, 2, 100)]);
    next = next.after({ keepsCache: true, choose: () => 0 });
    expect(await contentOn(next)).toBe(contents[5]);
  });

  it('a checkpoint that was said again is not missed, though the segments before it are gone', async () => {
    const program = async (disk: FaultDisk): Promise<void> => {
      const { log } = await openLog(systemOn(disk));
      for (let index = 1; index <= 40; index += 1) await log.group(1).append([batchOf(index, 1, 1)]);
    };
    const trial = new FaultDisk();
    await program(trial);
    const second = `${LOG_DIRECTORY}/0000000002.segment`;
    // Behind the sync of the first frame there.
    const disk = new FaultDisk();
    disk.crashAt = trial.log.indexOf(`write ${second}.draft 4096`) + 3;
    await program(disk).catch(() => undefined);
    expect(disk.log.slice(-2)).toEqual([`sync ${second}.draft`, expect.stringMatching(/^write/u)]);
    let next = disk.after({ keepsCache: true, choose: () => 0 });
    next.setBytes(second, next.bytesOf(second).slice().fill(0, 8192));
    const { log, storage } = await openLog(systemOn(next));
    const { lastIndex } = log.group(1);
    await log.group(1).truncatePrefix(lastIndex, 1);
    await log.group(1).append([batchOf(lastIndex + 1, 1, 1)]);
    await storage[Symbol.asyncDispose]();
    expect(await next.list(LOG_DIRECTORY)).not.toContain('0000000001.segment');
    next.setBytes(second, next.bytesOf(second).slice().fill(0, 4096, 8192));
    next = next.after({ keepsCache: true, choose: () => 0 });
    expect(JSON.parse(await contentOn(next))).toMatchObject([{ id: 1, base: 1, entries: [{ index: lastIndex + 1 }] }]);
  });

  it('a missing segment is CORRUPT', async () => {
    const disk = new FaultDisk();
    const { storage, log } = await openLog(systemOn(disk));
    for (let index = 1; index <= 60; index += 1) await log.group(1).append([batchOf(index, 1, 1)]);
    await storage[Symbol.asyncDispose]();
    const files = [...(await filesOf(disk))].filter(([name]) => name.endsWith('.segment'));
    expect(files.length).toBeGreaterThan(3);
    for (const missing of files.slice(0, -2)) {
      const left = await diskWith(new Map(files.filter((file) => file !== missing)));
      await expect(contentOn(left)).rejects.toMatchObject({ code: 'CORRUPT' });
    }
    expect(JSON.parse(await contentOn(disk))[0].entries).toHaveLength(60);
  });

  it('a log of a later release is UNSUPPORTED', async () => {
    const [name = '', bytes = new Uint8Array(0)] = [...sealed][0] ?? [];
    const later = bytes.with(7, 2);
    new DataView(later.buffer).setUint32(36, nodeSystem({ logger: silentLogger }).crc32?.(later.subarray(0, 36)) ?? 0);
    expect(await outcome(sealed, name, later)).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('entries that look like frames are only entries', async () => {
    const frames = [...unsealed.values()][0] ?? new Uint8Array(0);
    const disk = new FaultDisk();
    const { storage, log } = await openLog(systemOn(disk));
    const [entry] = entriesOf(1, 1, 1);
    await log.group(1).append([encodeBatch([{ ...entry!, data: frames.subarray(0, 40_000) }])]);
    await log.group(1).append([batchOf(2, 1, 1)]);
    const name = `${LOG_DIRECTORY}/${(await disk.list(LOG_DIRECTORY)).at(-1)}`;
    disk.setBytes(name, disk.bytesOf(name));
    await storage[Symbol.asyncDispose]();
    expect(JSON.parse(await contentOn(disk))[0].entries).toHaveLength(2);
  });
});

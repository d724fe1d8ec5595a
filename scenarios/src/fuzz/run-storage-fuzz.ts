import { isClusterError, type Storage, type System } from '@quorate/core';
import { createWorld, type Host, type Seed, seededRandom, type World } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { damageFiles } from './disk-damage.ts';
import { contentOf, StoredHistory } from './stored-history.ts';
import { withoutUnhandled } from './watched-rejections.ts';

export interface StorageFuzzResult {
  readonly hash: string;
  readonly trace: string;
  /** What became of the log: as it was, without its last steps, or which error was told. */
  readonly log: string;
  readonly wasClosed: boolean;
}

const DIRECTORY = '/data';
const STEPS = 25;
const WITHIN_MS = 60_000;
/** What a process that died may have left unfinished, as far as anybody can tell from what is on the disk. */
const LAST_STEPS = 3;

/**
 * One storage, written, damaged at random places, and opened again by two processes: whatever is read from it was written,
 * and is the last that was, or the damage is told.
 * @throws Error with seed and trace when a promise was broken
 */
export function runStorageFuzz(seed: Seed): Promise<StorageFuzzResult> {
  return withoutUnhandled(() => live(seed));
}

async function live(seed: Seed): Promise<StorageFuzzResult> {
  const world = createWorld({ seed });
  const host = world.host('a');
  const wasClosed = world.chance(0.5);
  const history = await inProcess(world, host, (system) => written(system, wasClosed, seed));
  const paths = host.disk.files.filter((path) => path.startsWith(DIRECTORY));
  const damaged = await inProcess(world, host, ({ disk }) => damageFiles(disk, paths, world.random));
  world.note(`damaged: ${damaged.join(', ')}`);
  const first = await inProcess(world, host, (system) => read(system, history));
  const second = await inProcess(world, host, (system) => read(system, history));
  if (second !== first) throw failure(world, `opened once more it is ${second}, and was ${first}`);
  const lost = first.startsWith('-') ? Number(first.slice(1)) : 0;
  if (lost > (wasClosed ? 0 : LAST_STEPS)) throw failure(world, `the last ${lost} steps are lost, and nothing is told`);
  return { hash: world.trace.hash, trace: world.trace.text(), log: first, wasClosed };
}

/** Runs it as a process, which then dies. */
async function inProcess<T>(world: World, host: Host, run: (system: System) => Promise<T>): Promise<T> {
  const promise = new Promise<T>((resolve) => {
    host.start(async (system) => resolve(await run(system)));
  });
  const result = await world.settled(promise, WITHIN_MS);
  host.crash();
  return result;
}

function storageOn(system: System): Storage {
  const log = { segmentBytes: 64 * 1024, cacheBytes: 4096 };
  return fileStorage({ directory: DIRECTORY, log }).create({ ...system, nodeId: 'a' });
}

async function written(system: System, closes: boolean, seed: Seed): Promise<StoredHistory> {
  const storage = storageOn(system);
  const { log } = storage;
  if (log === undefined) throw new Error('a storage without a log');
  await storage.open();
  await log.open();
  const history = new StoredHistory(seededRandom(seed, 'history'), storage, log);
  await history.write(STEPS);
  if (closes) await storage[Symbol.asyncDispose]();
  return history;
}

/** What became of the log, after all was read. @throws Error when anything was read that was not written last */
async function read(system: System, history: StoredHistory): Promise<string> {
  const storage = storageOn(system);
  try {
    await storage.open();
    for (const [name, value] of history.records) await readRecord(storage, name, value);
    return await readLog(storage, history);
  } catch (error) {
    return toldOf(error);
  } finally {
    await storage[Symbol.asyncDispose]();
  }
}

async function readRecord({ records }: Storage, name: string, value: string): Promise<void> {
  try {
    const bytes = await records.read(name);
    if (bytes === undefined) throw new Error(`the record ${name} is gone, and nothing is told`);
    const found = new TextDecoder().decode(bytes);
    if (found !== value) throw new Error(`the record ${name} is ${found.slice(0, 30)}, not ${value.slice(0, 30)}`);
  } catch (error) {
    toldOf(error);
  }
}

async function readLog({ log }: Storage, { contents }: StoredHistory): Promise<string> {
  await log?.open();
  const content = log === undefined ? '' : await contentOf(log);
  const step = contents.lastIndexOf(content);
  if (step < 0) throw new Error(`a log that never was: ${content.slice(0, 300)}`);
  const lost = contents.length - 1 - step;
  return lost === 0 ? 'whole' : `-${lost}`;
}

/** The code of what tells damage; anything else is passed on. */
function toldOf(error: unknown): string {
  if (isClusterError(error, 'CORRUPT') || isClusterError(error, 'UNSUPPORTED')) return error.code;
  throw error;
}

function failure(world: World, message: string): Error {
  return new Error(`${message}\n  seed ${JSON.stringify(world.seed)}, hash ${world.trace.hash}\n${world.trace.text()}`);
}

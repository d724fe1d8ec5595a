import { describe, expect, it } from 'vitest';
import type { Storage } from '@quorate/core';
import { Crashed, FaultDisk } from './fault-disk.ts';
import { bytes, chances, opened, text } from './fixture.ts';

type Value = string | undefined;
/** What a record may hold: the last value acknowledged, and one that was under way. */
type Possible = Map<string, Value[]>;

const SCRIPT: readonly (readonly [name: string, value: Value])[] = [
  ['vote', 'term 1 for a'],
  ['incarnation', '1'],
  ['vote', `term 2 for ${'b'.repeat(300)}`],
  ['vote', 'term 3'],
  ['incarnation', undefined],
  ['vote', ''],
  ['incarnation', '2'],
  ['vote', 'term 4 for c'],
];
const NAMES = ['vote', 'incarnation'];

/** Runs the script until it ends or the disk stops it. */
async function run(disk: FaultDisk, possible: Possible): Promise<boolean> {
  return survives(async () => {
    const { records } = await opened(disk);
    for (const [name, value] of SCRIPT) {
      possible.set(name, [possible.get(name)?.at(-1), value]);
      await (value === undefined ? records.remove(name) : records.write(name, bytes(value)));
      possible.set(name, [value]);
    }
  });
}

/** Opens what a crash left and reads everything; what was read is what it must be from then on. Then it goes on. */
async function inspect(disk: FaultDisk, possible: Possible): Promise<boolean> {
  return survives(async () => {
    const { records } = await opened(disk);
    for (const name of NAMES) {
      const value = text(await records.read(name));
      expect(possible.get(name) ?? [undefined]).toContain(value);
      possible.set(name, [value]);
    }
    const next = `after ${disk.steps}`;
    possible.set('vote', [...(possible.get('vote') ?? []), next]);
    await records.write('vote', bytes(next));
    possible.set('vote', [next]);
  });
}

async function survives(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Crashed || (error as { cause?: { cause?: unknown } }).cause?.cause instanceof Crashed)
      return false;
    throw error;
  }
}

async function stepsOf(work: (disk: FaultDisk) => Promise<unknown>, disk: FaultDisk): Promise<number> {
  await work(disk);
  return disk.steps;
}

describe('a crash at every step', () => {
  it('leaves the last acknowledged value or the one under way, and what was read once stays', async () => {
    const total = await stepsOf((disk) => run(disk, new Map()), new FaultDisk());
    expect(total).toBeGreaterThan(40);
    let outcomes = 0;
    for (let crashAt = 1; crashAt <= total; crashAt += 1) {
      for (let seed = 0; seed < 3; seed += 1) outcomes += await crashTwice(crashAt, seed);
    }
    expect(outcomes).toBeGreaterThan(1500);
  });
});

/** Crashes the script, then the recovery at each of its steps, then looks at what is left. */
async function crashTwice(crashAt: number, seed: number): Promise<number> {
  for (let recoveryCrashAt = 1; ; recoveryCrashAt += 1) {
    const choose = chances(seed * 1000 + crashAt);
    const possible: Possible = new Map();
    const disk = new FaultDisk();
    disk.crashAt = crashAt;
    expect(await run(disk, possible)).toBe(false);
    const second = disk.after({ keepsCache: seed % 3 === 0, choose });
    second.crashAt = recoveryCrashAt;
    const recovered = await inspect(second, possible);
    const third = second.after({ keepsCache: false, choose });
    expect(await inspect(third, possible)).toBe(true);
    if (recovered) return recoveryCrashAt;
  }
}

describe('a failure at every step', () => {
  it('rejects with IO, and nothing is written afterwards', async () => {
    const total = await stepsOf((disk) => run(disk, new Map()), new FaultDisk());
    const opening = await stepsOf((disk) => opened(disk), new FaultDisk());
    for (let failAt = opening + 1; failAt <= total; failAt += 1) {
      for (let seed = 0; seed < 2; seed += 1) await failThenCrash(failAt, seed);
    }
  });

  it('while opening rejects, and the next try is free', async () => {
    const disk = new FaultDisk();
    disk.failAt = 4;
    await expect(opened(disk)).rejects.toMatchObject({ code: 'IO' });
    const storage = await opened(disk);
    await storage.records.write('vote', bytes('x'));
  });
});

async function failOnce(failAt: number, seed: number, possible: Possible): Promise<FaultDisk> {
  const disk = new FaultDisk();
  disk.failAt = failAt;
  disk.choose = chances(seed * 1000 + failAt);
  const { records } = await opened(disk);
  const failed = await failingName(records, possible);
  const acknowledged = new Map([...possible].map(([name, values]) => [name, values[0]]));
  const steps = disk.steps;
  for (const name of NAMES) {
    await expect(records.write(name, bytes('more'))).rejects.toMatchObject({ code: 'IO', outcome: 'not-applied' });
    expect(text(await records.read(name))).toBe(acknowledged.get(name));
  }
  expect(disk.steps).toBe(steps);
  expect(failed).toBeDefined();
  return disk;
}

/** The next process sees the page cache, which may hold what the disk doesn't. It dies too; what it read must stay. */
async function failThenCrash(failAt: number, seed: number): Promise<void> {
  for (let crashAt = 1; ; crashAt += 1) {
    const possible: Possible = new Map();
    const disk = await failOnce(failAt, seed, possible);
    const restarted = disk.after({ keepsCache: true, choose: disk.choose });
    restarted.crashAt = crashAt;
    const recovered = await inspect(restarted, possible);
    const rebooted = restarted.after({ keepsCache: false, choose: disk.choose });
    expect(await inspect(rebooted, possible)).toBe(true);
    if (recovered) return;
  }
}

/** Runs the script on records until one fails, and says which. */
async function failingName(records: Storage['records'], possible: Possible): Promise<string | undefined> {
  for (const [name, value] of SCRIPT) {
    possible.set(name, [possible.get(name)?.at(-1), value]);
    try {
      await (value === undefined ? records.remove(name) : records.write(name, bytes(value)));
      possible.set(name, [value]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'IO', outcome: 'unknown' });
      return name;
    }
  }
  return undefined;
}

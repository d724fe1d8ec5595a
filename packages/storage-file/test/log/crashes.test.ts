import { describe, expect, it } from 'vitest';
import { isClusterError, type System } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { type Choose, GroupModel } from './log-model.ts';
import { openLog } from './log-fixture.ts';
import { pageDisk } from './page-disk.ts';

const SECONDS = 1000;
/** How many times as many worlds as usual; `CRASHES` asks for more. */
const TIMES = Number(process.env['CRASHES'] ?? 1);

/** Groups of one machine, and what they may hold. */
class Witness {
  readonly models: readonly GroupModel[] = [1, 2, 4_000_000_000].map((id) => new GroupModel(id));
  /** Set when a process has done all it wanted. */
  finished = false;
  openings = 0;

  /** A program that checks what it finds, and makes changes of all groups at the same time. */
  main(changes: number, choose: Choose, mayFail = false): (system: System) => Promise<void> {
    this.finished = false;
    return async (system) => {
      try {
        const { storage, log } = await openLog({ ...system, disk: pageDisk(system.disk) });
        for (const model of this.models) await model.check(log);
        this.openings += 1;
        const settled = await Promise.allSettled(this.models.map((model) => model.change(log, changes, choose)));
        for (const each of settled) if (each.status === 'rejected') throw each.reason;
        await storage[Symbol.asyncDispose]();
      } catch (error) {
        // The disk was told to fail; whatever else happens ends the run.
        if (!mayFail || !isClusterError(error, 'IO')) throw error;
      }
      this.finished = true;
    };
  }
}

async function runOut(world: World, host: Host, witness: Witness): Promise<boolean> {
  await world.runUntil(() => !host.running || witness.finished, 600 * SECONDS);
  return witness.finished;
}

const chooser =
  (world: World): Choose =>
  (bound) =>
    world.random.int(bound);

describe('on a simulated machine', () => {
  it('a crash at every operation, and others in the recovery, leave of each group what they may', async () => {
    let crashes = 0;
    for (let first = 1; ; first += 1) {
      const world = createWorld({ seed: `log ${first}` });
      const [host, witness] = [world.host('a'), new Witness()];
      host.crashAtDiskOperation(first);
      host.start(witness.main(12, chooser(world)));
      if (await runOut(world, host, witness)) break;
      for (let again = 0; again < 4; again += 1) {
        crashes += 1;
        host.crashAtDiskOperation(1 + world.random.int(40));
        host.start(witness.main(4, chooser(world)));
        await runOut(world, host, witness);
        host.crash();
      }
      host.start(witness.main(2, chooser(world)));
      expect(await runOut(world, host, witness)).toBe(true);
    }
    expect(crashes).toBeGreaterThan(300);
  });

  it('long lives with crashes at any time keep it through many segments', async () => {
    for (let seed = 0; seed < 12 * TIMES; seed += 1) {
      const world = createWorld({ seed: `long log ${seed}` });
      const [host, witness] = [world.host('a'), new Witness()];
      for (let life = 0; life < 8; life += 1) {
        host.start(witness.main(150, chooser(world)));
        await world.run(world.random.next() * 400);
        host.crash();
      }
      host.start(witness.main(1, chooser(world)));
      expect(await runOut(world, host, witness)).toBe(true);
    }
  });

  it('syncs that fail, and crashes whenever, leave what they may', async () => {
    let failures = 0;
    for (let seed = 0; seed < 60 * TIMES; seed += 1) {
      const world = createWorld({ seed: `failing syncs of a log ${seed}` });
      const [host, witness] = [world.host('a'), new Witness()];
      for (let life = 0; life < 6; life += 1) {
        host.start(witness.main(40, chooser(world), true));
        await world.run(world.random.next() * 60);
        if (world.chance(0.5)) {
          host.disk.fail({ sync: true });
          await world.run(world.random.next() * 20);
          failures += witness.finished ? 1 : 0;
        }
        host.crash({ powerLoss: world.chance(0.5) });
        host.disk.recover();
      }
      host.start(witness.main(1, chooser(world)));
      expect(await runOut(world, host, witness)).toBe(true);
    }
    expect(failures).toBeGreaterThan(60);
  });
});

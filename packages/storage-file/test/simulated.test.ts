import { describe, expect, it } from 'vitest';
import { isClusterError, silentLogger, type System } from '@quorate/core';
import { createWorld, type Host, type World } from '@quorate/simulator';
import { fileStorage } from '../src/index.ts';
import { bytes, DIRECTORY, text } from './fixture.ts';

const SECONDS = 1000;
const RECORD = `${DIRECTORY}/records/vote.record`;

/** What one record of one machine may hold, across all the processes that lived there. */
class Witness {
  /** The last value acknowledged or read, then those whose writes have been under way since. */
  #possible: (string | undefined)[] = [undefined];
  #next = 0;
  /** Set when a process has done all it wanted. */
  finished = false;

  /** A program that reads the record, checks it, and writes new values. */
  main(writes: number): (system: System) => Promise<void> {
    this.finished = false;
    return async (system) => {
      const plugin = fileStorage({ directory: DIRECTORY });
      const storage = plugin.create({ ...system, logger: silentLogger, nodeId: 'a' });
      try {
        await storage.open();
        this.#settle(text(await storage.records.read('vote')));
        for (let count = 0; count < writes; count += 1) await this.#write(storage.records);
      } catch (error) {
        // The disk was told to fail; whatever else happens ends the run.
        if (!isClusterError(error, 'IO')) throw error;
      }
      this.finished = true;
    };
  }

  async #write(records: { write(name: string, value: Uint8Array): Promise<void> }): Promise<void> {
    this.#next += 1;
    const value = `vote ${this.#next} ${'x'.repeat((this.#next * 37) % 200)}`;
    this.#possible.push(value);
    await records.write('vote', bytes(value));
    this.#settle(value);
  }

  #settle(value: string | undefined): void {
    expect(this.#possible).toContain(value);
    this.#possible = [value];
  }
}

/** Runs until the process has crashed or is done. Whether it is done. */
async function runOut(world: World, host: Host, witness: Witness): Promise<boolean> {
  await world.runUntil(() => !host.running || witness.finished, 60 * SECONDS);
  return witness.finished;
}

describe('on a simulated machine', () => {
  it('a crash at every operation, and another at each of the recovery, leaves what it may', async () => {
    let [crashes, recoveries] = [0, 0];
    for (let first = 1; ; first += 1) {
      let done = false;
      for (let second = 1; second <= 14; second += 3) {
        const world = createWorld({ seed: `records ${first} ${second}` });
        const [host, witness] = [world.host('a'), new Witness()];
        host.crashAtDiskOperation(first);
        host.start(witness.main(4));
        done = await runOut(world, host, witness);
        if (done) break;
        crashes += 1;
        host.crashAtDiskOperation(second);
        host.start(witness.main(2));
        if (!(await runOut(world, host, witness))) {
          recoveries += 1;
          host.start(witness.main(1));
          expect(await runOut(world, host, witness)).toBe(true);
        }
      }
      if (done) break;
    }
    expect(crashes).toBeGreaterThan(120);
    expect(recoveries).toBeGreaterThan(100);
  });

  it('syncs that fail, and crashes whenever, leave what they may', async () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const world = createWorld({ seed: `failing syncs ${seed}` });
      const [host, witness] = [world.host('a'), new Witness()];
      for (let life = 0; life < 6; life += 1) {
        host.start(witness.main(1000));
        await world.run(world.random.next() * 60);
        if (world.chance(0.5)) {
          host.disk.fail({ sync: true });
          await world.run(world.random.next() * 20);
        }
        host.crash({ powerLoss: world.chance(0.5) });
        host.disk.recover();
      }
      host.start(witness.main(1));
      expect(await runOut(world, host, witness)).toBe(true);
    }
  });

  it('a flipped bit in either copy is healed, in both it is CORRUPT', async () => {
    const world = createWorld({ seed: 'rot' });
    const host = world.host('a');
    const witness = new Witness();
    const life = async () => {
      host.start(witness.main(1));
      expect(await runOut(world, host, witness)).toBe(true);
      host.crash();
    };
    await life();
    for (const offset of [5, 17 * 4096 + 22]) {
      host.disk.flipBit(RECORD, offset);
      await life();
    }
    for (const offset of [5, 17 * 4096 + 22]) host.disk.flipBit(RECORD, offset);
    host.start(witness.main(1));
    await expect(world.run(SECONDS)).rejects.toThrowError(/is damaged: at offset 0: .* at offset 69632: /u);
  });
});

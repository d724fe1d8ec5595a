import type { System } from '@quorate/core';

import type { Runner } from './runner.ts';
import { openTestBed, type TestBed } from './test-bed.ts';

/** What every harness says. */
export interface Harness {
  /** The adapter's name, for the title of the suite: `discovery-static`. */
  readonly name: string;
  /**
   * The machine to run on, as from `nodeSystem()`: for adapters of engines, which live outside any simulation. Cases
   * that crash or cut off machines are then skipped.
   * @default a simulated world, made anew for each case from a fixed seed
   */
  readonly system?: System;
  /**
   * The longest that one case may take on a real machine.
   * @default 25000
   */
  readonly caseLimitMs?: number;
}

/** Why a case can't be asked of this adapter; undefined when it can. */
export type SkipReason = string | undefined;

/** Cases about one fixture, made anew for each of them. */
export class Suite<F extends AsyncDisposable> {
  readonly #runner: Runner;
  readonly #harness: Harness;
  readonly #makeFixture: (bed: TestBed) => F | Promise<F>;

  constructor(runner: Runner, harness: Harness, makeFixture: (bed: TestBed) => F | Promise<F>) {
    this.#runner = runner;
    this.#harness = harness;
    this.#makeFixture = makeFixture;
  }

  /** Why a case that needs machines to fail can't run. */
  get withoutFaults(): SkipReason {
    return this.#harness.system === undefined ? undefined : 'a real machine is not crashed';
  }

  group(name: string, define: () => void): void {
    this.#runner.describe(name, define);
  }

  test(name: string, body: (fixture: F, bed: TestBed) => Promise<void>, skipped?: SkipReason): void {
    if (skipped === undefined) this.#runner.it(name, () => this.#run(name, body));
    else this.#runner.it.skip(`${name} (${skipped})`, () => Promise.resolve());
  }

  #run(name: string, body: (fixture: F, bed: TestBed) => Promise<void>): Promise<void> {
    const { name: adapter, system, caseLimitMs } = this.#harness;
    const bed = openTestBed(`${adapter}: ${name}`, system, caseLimitMs);
    return bed.play(async () => {
      const fixture = await this.#makeFixture(bed);
      try {
        await body(fixture, bed);
      } catch (error) {
        // What failed first is what counts.
        await Promise.resolve(fixture[Symbol.asyncDispose]()).catch(() => undefined);
        throw error;
      }
      await fixture[Symbol.asyncDispose]();
    });
  }
}

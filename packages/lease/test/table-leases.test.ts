import { type CallOptions, throwIfAborted } from '@quorate/core';
import { leasedElection, leasedLocks, leaseTimings } from '@quorate/lease';
import { electionContract, lockContract, type Runner } from '@quorate/testkit';
import type { World } from '@quorate/simulator';
import { describe, it } from 'vitest';
import { type Row, type Table, tableLeases } from './table-leases.ts';

/** A table in memory that takes its time. */
class MemoryTable implements Table {
  readonly #world: World | undefined;
  readonly #rows = new Map<string, Row>();
  #sequence = 0n;

  constructor(world: World | undefined) {
    this.#world = world;
  }

  async next(options: CallOptions): Promise<bigint> {
    await this.#travel(options);
    return (this.#sequence += 1n);
  }

  async read(name: string, options: CallOptions): Promise<Row | undefined> {
    await this.#travel(options);
    return this.#rows.get(name);
  }

  async write(
    name: string,
    row: Omit<Row, 'version'>,
    version: bigint | undefined,
    options: CallOptions,
  ): Promise<Row | undefined> {
    await this.#travel(options);
    if (this.#rows.get(name)?.version !== version) return undefined;
    const written = { ...row, version: (this.#sequence += 1n) };
    this.#rows.set(name, written);
    return written;
  }

  async #travel({ signal }: CallOptions): Promise<void> {
    throwIfAborted(signal, 'the call');
    const world = this.#world;
    if (world === undefined) return;
    await new Promise<void>((resolve) => void world.after(2, resolve));
    throwIfAborted(signal, 'the call');
  }
}

/** The table is no machine: nobody can be cut off from it. */
const isAboutTheWay = (name: string): boolean => /cut off|after any of these|network/u.test(name);
const runner: Runner = {
  describe,
  it: Object.assign(
    (name: string, ...rest: [() => Promise<void>]) => (isAboutTheWay(name) ? it.skip : it)(name, ...rest),
    { skip: it.skip },
  ),
};

electionContract(runner, {
  name: 'an election over rows of a table',
  supports: { transfer: false },
  decidedElsewhere: true,
  create: ({ world }) => {
    const table = new MemoryTable(world);
    return leasedElection('election-table', {
      open: (context) => tableLeases(context, table),
      leaseName: ({ cluster }) => `${cluster.name}/leader`,
      timings: leaseTimings('election', { ttlMs: 5_000 }),
    });
  },
});

lockContract(runner, {
  name: 'locks over rows of a table',
  supports: { fair: false, shared: false, semaphore: false },
  create: ({ world }) => {
    const table = new MemoryTable(world);
    return leasedLocks('lock-table', {
      open: (context) => tableLeases(context, table),
      leaseName: ({ cluster }, lock) => `${cluster.name}/locks/${lock}`,
      minTtlMs: 500,
      maxLocks: 100,
    });
  },
});

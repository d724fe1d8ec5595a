import { nodeSystem } from '@quorate/core/node';
import { describe, expect, it } from 'vitest';

import { discoveryContract, electionContract, type Runner, storageContract } from '../src/index.ts';
import { Suite } from '../src/suite.ts';
import { listHarness } from './list-discovery.ts';

/** The titles of a suite: those that run, and those that are skipped. */
function titlesOf(define: (runner: Runner) => void): {
  readonly run: readonly string[];
  readonly skipped: readonly string[];
} {
  const run: string[] = [];
  const skipped: string[] = [];
  const it = Object.assign((name: string) => run.push(name), { skip: (name: string) => skipped.push(name) });
  define({ describe: (_, body) => body(), it });
  return { run, skipped };
}

class Fixture implements AsyncDisposable {
  disposed = 0;
  readonly #failure: Error | undefined;

  constructor(failure?: Error) {
    this.#failure = failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed += 1;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

async function runCase(fixture: Fixture, body: () => Promise<void>): Promise<void> {
  let registered: (() => Promise<void>) | undefined;
  const it = Object.assign((_: string, run: () => Promise<void>) => void (registered = run), { skip: () => undefined });
  const suite = new Suite<Fixture>({ describe: (_, define) => define(), it }, { name: 'test' }, () => fixture);
  suite.test('case', body);
  await registered?.();
}

describe('what is skipped', () => {
  const create = () => {
    throw new Error('not created here');
  };
  it('says why: supports', () => {
    const { skipped } = titlesOf((runner) =>
      electionContract(runner, { name: 'e', supports: { transfer: false }, create }),
    );
    expect(skipped).toContain('only the leader can transfer (supports.transfer is false)');
  });
  it('says why: a hook that is missing', () => {
    const { breakSource: _, ...harness } = listHarness;
    const { skipped } = titlesOf((runner) => discoveryContract(runner, harness));
    expect(skipped).toContain(
      'discoverNodes rejects while the source fails, and answers when it is back (the harness has no breakSource)',
    );
  });
  it('says why: a real machine', () => {
    const { skipped } = titlesOf((runner) =>
      storageContract(runner, { name: 's', supports: { durable: true }, system: nodeSystem(), create }),
    );
    expect(skipped).toContain('a crash takes nothing that was acknowledged (a real machine is not crashed)');
  });
  it('is nothing where a harness can do everything', () => {
    const able = { ...listHarness, supports: { ...listHarness.supports, registration: true, createIfAbsent: true } };
    const { skipped } = titlesOf((runner) => discoveryContract(runner, able));
    expect(skipped).toEqual(['registration rejects with UNSUPPORTED (supports.registration is true)']);
  });
});

describe('a case', () => {
  it('disposes of its fixture, whatever becomes of the body', async () => {
    const [good, bad] = [new Fixture(), new Fixture()];
    await runCase(good, () => Promise.resolve());
    await expect(runCase(bad, () => Promise.reject(new Error('the body failed')))).rejects.toThrow('the body failed');
    expect([good.disposed, bad.disposed]).toEqual([1, 1]);
  });
  it('tells what failed first', async () => {
    const fixture = new Fixture(new Error('dispose failed'));
    await expect(runCase(fixture, () => Promise.reject(new Error('the body failed')))).rejects.toThrow(
      'the body failed',
    );
    await expect(runCase(fixture, () => Promise.resolve())).rejects.toThrow('dispose failed');
  });
  it('that waits for ever ends', async () => {
    await expect(runCase(new Fixture(), () => new Promise(() => undefined))).rejects.toThrow();
  });
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { measured } from '../src/bench/measured.ts';
import { verdictOf } from '../src/bench/shown.ts';
import { quorate } from './operated-cluster.ts';

describe('quorate bench', () => {
  it('measures a disk with three processes, and leaves nothing behind', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-bench-test-'));
    const { code, out, err } = await quorate(['bench', '--data', folder, '--seconds', '0.2']);
    expect(err).toBe('');
    const { syncs, commits, verdict } = JSON.parse(out) as {
      readonly syncs: { readonly count: number; readonly p99Ms: number };
      readonly commits: readonly { readonly inFlight: number; readonly perSecond: number; readonly p50Ms: number }[];
      readonly verdict: { readonly fitness: string };
    };
    expect([code, commits.map(({ inFlight }) => inFlight)]).toEqual([0, [1, 64]]);
    expect(syncs.count > 0 && syncs.p99Ms > 0).toBe(true);
    for (const { perSecond, p50Ms } of commits) expect(perSecond > 0 && p50Ms > 0).toBe(true);
    expect(['fit', 'slow', 'unfit']).toContain(verdict.fitness);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('leaves no process and no folder behind when it is interrupted', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-bench-test-'));
    const interrupt = new AbortController();
    const ran = quorate(['bench', '--data', folder, '--seconds', '60'], { signal: interrupt.signal });
    // Its own folder is there, and it writes to it.
    await expect.poll(() => readdir(folder), { timeout: 60_000 }).toHaveLength(1);
    interrupt.abort();
    const { code, err } = await ran;
    expect([code, err]).toEqual([130, 'quorate: bench: interrupted\n']);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('ends its processes when it is interrupted while they run', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'quorate-bench-test-'));
    const interrupt = new AbortController();
    const ran = quorate(['bench', '--data', folder, '--seconds', '1'], { signal: interrupt.signal });
    const nodes = async () => (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('/c'));
    await expect.poll(nodes, { timeout: 60_000, interval: 10 }).toHaveLength(1);
    interrupt.abort();
    expect((await ran).code).toBe(130);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('tells percentiles, and what they mean for elections', () => {
    const times = Array.from({ length: 1000 }, (_, at) => (at * 7919) % 1000);
    expect(measured(times)).toEqual({ count: 1000, p50Ms: 500, p95Ms: 950, p99Ms: 990, maxMs: 999 });
    expect(measured([3])).toEqual({ count: 1, p50Ms: 3, p95Ms: 3, p99Ms: 3, maxMs: 3 });
    expect([5, 20, 21, 100, 101].map((p99Ms) => verdictOf(p99Ms, 200, 'a sync').fitness)).toEqual([
      'fit',
      'fit',
      'slow',
      'slow',
      'unfit',
    ]);
  });
});

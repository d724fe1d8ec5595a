import { createCluster, type Plugin, type Locks } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { singletonTask } from '../src/index.ts';
import { untilAborted } from './until-aborted.ts';

/** A cluster of one has locks of its own where any were chosen. */
const chosen: Plugin<Locks, 'locks'> = {
  name: 'chosen',
  kind: 'locks',
  requires: [],
  create: () => {
    throw new Error('a cluster of one makes its own');
  },
};

describe('a task that runs under a lock', () => {
  it('runs where the lock is held, whoever leads, and gives it back', async () => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, locks: chosen, logLevel: 'error' });
    await cluster.start();
    const other = await cluster.locks.lock('report');
    const tokens: bigint[] = [];
    let begun = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const work = async ({ token, signal }: { readonly token: bigint; readonly signal: AbortSignal }): Promise<void> => {
      tokens.push(token);
      begun();
      await untilAborted(signal);
    };
    const task = singletonTask(cluster, 'report', work, { locks: cluster.locks, stopWithinMs: 0 });
    const free = singletonTask(cluster, 'other', work, { locks: cluster.locks, stopWithinMs: 0 });
    await hasBegun;
    expect(task.status.state).toBe('waiting');
    expect(tokens).toHaveLength(1);
    await free[Symbol.asyncDispose]();
    const began = new Promise<void>((resolve) => void task.on('started', () => resolve()));
    await other.release();
    await began;
    expect(tokens.at(-1)).toBeGreaterThan(other.token);
    expect(await cluster.locks.tryLock('report')).toBeUndefined();
    await task[Symbol.asyncDispose]();
    expect(task.status.state).toBe('closed');
    expect(await cluster.locks.tryLock('report')).toBeDefined();
    await cluster.stop();
  });
});

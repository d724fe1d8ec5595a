import { createCluster } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { type SingletonOptions, type SingletonRun, type SingletonTask, singletonTask } from '../src/index.ts';
import { byMajority, Nodes } from './nodes.ts';
import { untilAborted } from './until-aborted.ts';

/** Three nodes with one task, and who runs it at every moment. */
class Stage {
  readonly nodes: Nodes;
  readonly tasks = new Map<string, SingletonTask>();
  readonly log: string[] = [];
  readonly tokens: bigint[] = [];

  constructor(seed: string, run: (run: SingletonRun, name: string) => unknown, options: SingletonOptions = {}) {
    this.nodes = new Nodes(seed, byMajority, (cluster, name) => {
      const task = singletonTask(cluster, 'report', async (each) => await run(each, name), options);
      this.tasks.set(name, task);
      task.on('started', ({ token, attempt }) => {
        this.tokens.push(token);
        this.log.push(`${name} started ${attempt}`);
      });
      for (const event of ['finished', 'failed', 'stopped', 'overran', 'ceased'] as const) {
        task.on(event, () => this.log.push(`${name} ${event}`));
      }
    });
    this.nodes.startAll();
  }

  task(name: string): SingletonTask {
    return this.tasks.get(name) as SingletonTask;
  }
}

describe('a singleton task', () => {
  it('runs on the leader, and after its death on the next one, with a higher token', async () => {
    const stage = new Stage('failover', ({ signal }) => untilAborted(signal), {
      stopWithinMs: 200,
      startAfterMs: 300,
    });
    const { nodes } = stage;
    const first = await nodes.elected();
    expect(stage.log).toEqual([]);
    await nodes.until(() => stage.log.length === 1, 301);
    expect(stage.task(first).status).toMatchObject({ state: 'running', token: nodes.get(first).leadership?.token });
    expect(stage.task(nodes.follower).status).toMatchObject({ state: 'waiting', token: undefined });
    nodes.crash(first);
    await nodes.until(() => stage.log.length === 2);
    expect(stage.log[1]).toBe(`${nodes.leader} started 1`);
    expect(stage.tokens[1]).toBeGreaterThan(stage.tokens[0] as bigint);
  });

  it('is told when leadership goes, and has stopped before the next one starts', async () => {
    const stage = new Stage('hand-over', async ({ signal, isValid }) => {
      await untilAborted(signal);
      expect(isValid()).toBe(false);
      throw signal.reason;
    });
    const { nodes } = stage;
    const first = await nodes.elected();
    await nodes.until(() => stage.log.length === 1);
    const next = nodes.follower;
    await nodes.soon(nodes.get(first).election.transfer(next));
    await nodes.until(() => stage.log.length === 3);
    expect(stage.log).toEqual([`${first} started 1`, `${first} stopped`, `${next} started 1`]);
    expect(stage.task(first).status).toMatchObject({ state: 'waiting', isOverrunning: false });
  });

  it('is told by the clock of a leader that was cut off', async () => {
    const stage = new Stage('cut off', ({ signal }) => untilAborted(signal), { stopWithinMs: 500 });
    const { nodes } = stage;
    const first = await nodes.elected();
    await nodes.until(() => stage.log.length === 1);
    nodes.world.partition(
      nodes.host(first),
      nodes.world.hosts.filter(({ name }) => name !== first),
    );
    await nodes.until(() => stage.log.length === 3);
    expect(stage.log[1]).toBe(`${first} finished`);
    expect(stage.log[2]).toMatch(/started 1$/u);
  });

  it('is begun again after a failure, after longer and longer pauses, until it lasts', async () => {
    let runs = 0;
    const times: number[] = [];
    const restart = { baseMs: 100, maxMs: 400, resetAfterMs: 5000 };
    const stage = new Stage(
      'failures',
      async ({ signal, attempt }) => {
        times.push(stage.nodes.world.now);
        runs += 1;
        if (runs === 7) await untilAborted(signal);
        if (runs === 5) {
          const { clock } = stage.nodes.get(stage.nodes.leader as string).system;
          await new Promise<void>((resolve) => void clock.setTimer(6000, resolve));
        }
        throw new Error(`attempt ${attempt}`);
      },
      { restart },
    );
    await stage.nodes.until(() => runs === 7);
    const pauses = times.slice(1).map((time, index) => time - (times[index] as number));
    const bounds = [
      [50, 100],
      [100, 200],
      [200, 400],
      [200, 400],
      [6050, 6100],
      [100, 200],
    ] as const;
    for (const [index, [low, high]] of bounds.entries()) {
      expect(pauses[index], `pause ${index}`).toBeGreaterThanOrEqual(low);
      expect(pauses[index], `pause ${index}`).toBeLessThanOrEqual(high + 1);
    }
    const attempts = stage.log.filter((line) => line.includes('started')).map((line) => Number(line.split(' ')[2]));
    expect(attempts).toEqual([1, 2, 3, 4, 5, 1, 2]);
    expect(stage.task(stage.nodes.leader as string).status.lastError).toMatchObject({ message: 'attempt 1' });
  });

  it('gives up after so many attempts, until another leader tries', async () => {
    const restart = { baseMs: 10, maxMs: 10, maxAttempts: 2 };
    const stage = new Stage('gives up', () => Promise.reject(new Error('no')), { restart });
    const first = await stage.nodes.elected();
    await stage.nodes.world.run(20_000);
    const attempts = [`${first} started 1`, `${first} failed`, `${first} started 2`, `${first} failed`];
    expect(stage.log).toEqual(attempts);
    expect(stage.task(first).status).toMatchObject({ state: 'done', outcome: 'failed' });
  });

  it('that is through has nothing more to do as long as its node leads', async () => {
    const stage = new Stage('through', () => 'done');
    const first = await stage.nodes.elected();
    await stage.nodes.world.run(20_000);
    expect(stage.log).toEqual([`${first} started 1`, `${first} finished`]);
    expect(stage.task(first).status).toMatchObject({ state: 'done', outcome: 'completed' });
    await stage.nodes.soon(stage.nodes.get(first).election.transfer(stage.nodes.follower));
    await stage.nodes.until(() => stage.log.length === 4);
  });

  it('that does not stop is named, and nothing else is begun on its node before it has ended', async () => {
    const ends: (() => void)[] = [];
    const stage = new Stage('overruns', () => new Promise<void>((resolve) => void ends.push(resolve)), {
      stopWithinMs: 200,
    });
    const { nodes } = stage;
    const first = await nodes.elected();
    await nodes.until(() => stage.log.length === 1);
    const next = nodes.follower;
    await nodes.soon(nodes.get(first).election.transfer(next));
    await nodes.until(() => stage.log.includes(`${first} overran`) && stage.log.includes(`${next} started 1`));
    expect(stage.task(first).status.isOverrunning).toBe(true);
    await nodes.soon(nodes.get(next).election.transfer(first));
    await nodes.world.run(5000);
    expect(stage.log.filter((line) => line === `${first} started 1`)).toHaveLength(1);
    ends[0]?.();
    await nodes.until(() => stage.log.filter((line) => line === `${first} started 1`).length === 2);
    expect(stage.log.at(-2)).toBe(`${first} ceased`);
    expect(stage.task(first).status.isOverrunning).toBe(false);
  });

  it('is disposed of: it stops, is waited for, and leaves the name free', async () => {
    const stage = new Stage('disposed', ({ signal }) => untilAborted(signal));
    const first = await stage.nodes.elected();
    await stage.nodes.until(() => stage.log.length === 1);
    const cluster = stage.nodes.get(first);
    const again = (): SingletonTask => singletonTask(cluster, 'report', () => 'done', { stopWithinMs: 0 });
    expect(again).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    const task = stage.task(first);
    await stage.nodes.soon(Promise.all([task[Symbol.asyncDispose](), task[Symbol.asyncDispose]()]));
    expect(stage.log.at(-1)).toBe(`${first} finished`);
    expect(task.status).toMatchObject({ state: 'closed', token: undefined });
    const other = again();
    await stage.nodes.until(() => other.status.state === 'done');
    await stage.nodes.soon(cluster.stop());
    await stage.nodes.until(() => other.status.state === 'closed');
  });

  it('keeps its name for as long as a run of it goes on, though it was disposed of', async () => {
    const ends: (() => void)[] = [];
    const work = (): Promise<void> => new Promise<void>((resolve) => void ends.push(resolve));
    const stage = new Stage('disposed, runs', work, { stopWithinMs: 200 });
    const first = await stage.nodes.elected();
    await stage.nodes.until(() => ends.length === 1);
    await stage.nodes.soon(stage.task(first)[Symbol.asyncDispose]());
    expect(stage.log.at(-1)).toBe(`${first} overran`);
    const again = (): SingletonTask => singletonTask(stage.nodes.get(first), 'report', () => 'done');
    expect(again).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    ends[0]?.();
    await stage.nodes.until(() => stage.log.at(-1) === `${first} ceased`);
    expect(again().name).toBe('report');
  });

  it('is not hurt by listeners that throw', async () => {
    const stage = new Stage('listeners', () => 'done');
    await stage.nodes.elected();
    for (const task of stage.tasks.values()) {
      task.on('started', () => {
        throw new Error('a listener');
      });
    }
    await stage.nodes.until(() => stage.log.length === 2);
  });

  const slots = { schedule: { everyMs: 1000 } };
  const claims = Object.fromEntries(['open', 'claim', 'reclaim', 'settle'].map((name) => [name, () => undefined]));

  it.each([
    ['no name', '', {}, 'name'],
    ['a name that is none', 'a b', {}, 'name'],
    ['claims without a schedule', 'x', { claims }, 'claims'],
    ['a way to catch up without a schedule', 'x', { catchUp: 'all' }, 'catchUp'],
    ['what to do with interrupted claims without claims', 'x', { ...slots, onInterrupted: 'rerun' }, 'onInterrupted'],
    ['how often to begin without beginning again', 'x', { ...slots, claims, maxStarts: 2 }, 'maxStarts'],
    ['how often to begin what is skipped', 'x', { ...slots, claims, onInterrupted: 'skip', maxStarts: 2 }, 'maxStarts'],
    ['how many to make up for, of one', 'x', { ...slots, maxCatchUp: 5 }, 'maxCatchUp'],
    ['how many to make up for, of none', 'x', { ...slots, catchUp: 'none', maxCatchUp: 5 }, 'maxCatchUp'],
    ['how late what is made up for may be', 'x', { ...slots, lateMs: 5 }, 'lateMs'],
    ['how late may be all', 'x', { ...slots, catchUp: 'all', lateMs: 5 }, 'lateMs'],
    ['to begin before the last one has stopped', 'x', { startAfterMs: 1999 }, 'startAfterMs'],
    ['the same by name', 'x', { stopWithinMs: 5000, startAfterMs: 0 }, 'startAfterMs'],
    ['an unknown option', 'x', { every: 7 }, 'every'],
    ['a schedule that is none', 'x', { schedule: { cron: '* * *' } }, 'cron'],
    ['a negative time', 'x', { stopWithinMs: -1 }, 'stopWithinMs'],
  ])('refuses %s', async (_, name, options, blamed) => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'error' });
    await cluster.start();
    const make = (): unknown => singletonTask(cluster, name, () => undefined, options as SingletonOptions);
    const message: unknown = expect.stringMatching(
      new RegExp(`: .*\\b${blamed}\\b (must|means)|option ${blamed}`, 'u'),
    );
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS', message }));
    await cluster.stop();
  });

  it.each([
    [{ ...slots, catchUp: 'all', maxCatchUp: 5 }],
    [{ ...slots, catchUp: 'none', lateMs: 5 }],
    [{ ...slots, claims, onInterrupted: 'rerun', maxStarts: 2 }],
    [{ stopWithinMs: 10, startAfterMs: 10 }],
  ])('takes what means something: %j', async (options) => {
    const cluster = createCluster({ nodeId: 'a', enabled: false, logLevel: 'silent' });
    await cluster.start();
    const task = singletonTask(cluster, 'x', () => undefined, options as unknown as SingletonOptions);
    await task[Symbol.asyncDispose]();
    await cluster.stop();
  });
});

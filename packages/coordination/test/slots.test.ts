import { describe, expect, it } from 'vitest';
import {
  recordClaims,
  slotClaims,
  type SingletonOptions,
  type SingletonRun,
  type SingletonTask,
  singletonTask,
  type SlotClaims,
  type SlotTime,
} from '../src/index.ts';
import { LossyRecords, MemoryRecords } from './memory-records.ts';
import { byMajority, byRaft, type CoordinatedCluster, Nodes } from './nodes.ts';
import { untilAborted } from './until-aborted.ts';

const QUICK: SingletonOptions = { stopWithinMs: 100, restart: { baseMs: 20, maxMs: 20 } };

interface Work {
  readonly name: string;
  readonly time: SlotTime;
  readonly starts: number;
}

/** Who keeps the claims. */
interface Keeper {
  readonly parts: () => object;
  claims(cluster: CoordinatedCluster): SlotClaims | undefined;
  /** What is kept of the task. */
  kept(cluster: CoordinatedCluster): Promise<unknown>;
}

const byReplicator = (): Keeper => ({
  parts: byRaft,
  claims: ({ replicator }) => slotClaims(replicator),
  kept: ({ replicator }) => replicator.read('tick', { consistency: 'linearizable' }),
});

/** A store that every node reaches, by a way that loses much; nothing is replicated. */
function byRecords(): Keeper {
  const records = new MemoryRecords();
  return {
    parts: byMajority,
    claims: ({ system }) => recordClaims(new LossyRecords(records, system)),
    kept: async () => records.json('tick'),
  };
}

const byNobody = (): Keeper => ({
  parts: byMajority,
  claims: () => undefined,
  kept: async () => undefined,
});

/** Three nodes with one task every second, what was done, and what was told. */
class Stage {
  readonly nodes: Nodes;
  readonly keeper: Keeper;
  readonly tasks = new Map<string, SingletonTask>();
  readonly begun: Work[] = [];
  readonly finished: SlotTime[] = [];
  readonly skipped: { readonly from: SlotTime; readonly to: SlotTime; readonly reason: string }[] = [];
  readonly held: string[] = [];

  constructor(
    seed: string,
    keeper: Keeper,
    options: SingletonOptions,
    run: (run: SingletonRun, name: string) => unknown = () => undefined,
  ) {
    this.keeper = keeper;
    this.nodes = new Nodes(seed, keeper.parts, (cluster, name) => {
      const claims = keeper.claims(cluster);
      const all = { schedule: { everyMs: 1000 }, ...QUICK, ...(claims && { claims }), ...options };
      const task = singletonTask(cluster, 'tick', async (each) => await this.#work(each, name, run), all);
      this.tasks.set(name, task);
      task.on('finished', ({ slot }) => void this.finished.push(slot?.time ?? 0));
      task.on('skipped', ({ from, to, reason }) => void this.skipped.push({ from, to, reason }));
      task.on('held', () => void this.held.push(name));
    });
    this.nodes.startAll();
  }

  get times(): readonly SlotTime[] {
    return this.begun.map(({ time }) => time);
  }

  get cluster(): CoordinatedCluster {
    return this.nodes.get(this.nodes.leader as string);
  }

  async forget(): Promise<void> {
    const claims = this.keeper.claims(this.cluster) as SlotClaims;
    const attempt = () =>
      claims.forget('tick').then(
        () => true,
        () => false,
      );
    while (!(await this.nodes.soon(attempt())));
  }

  async kill(): Promise<string> {
    const leader = await this.nodes.elected();
    this.nodes.crash(leader);
    return leader;
  }

  async #work(run: SingletonRun, name: string, work: (run: SingletonRun, name: string) => unknown): Promise<void> {
    const { time = 0, starts = 0 } = run.slot ?? {};
    this.begun.push({ name, time, starts });
    await work(run, name);
  }
}

/** Every second from the first to the last. */
function everySecond([first = 0, ...rest]: readonly SlotTime[]): readonly SlotTime[] {
  return Array.from({ length: rest.length + 1 }, (_, index) => first + index * 1000);
}

describe.each([
  ['a replicator', byReplicator],
  ['versioned records', byRecords],
])('slots that are claimed, kept by %s', (_, by) => {
  it('are each begun once, and none is lost while leaders die', async () => {
    const stage = new Stage('leaders die', by(), { catchUp: 'all', onInterrupted: 'rerun' });
    const { nodes } = stage;
    for (let round = 0; round < 4; round += 1) {
      const so = stage.begun.length;
      await nodes.until(() => stage.begun.length > so + 3);
      const dead = await stage.kill();
      await nodes.until(() => nodes.leader !== undefined);
      nodes.start(dead);
    }
    await nodes.until(() => stage.begun.length > 30);
    await nodes.world.run(300);
    expect(new Set(stage.begun.map(({ name }) => name)).size).toBeGreaterThan(1);
    // Who died between the beginning and the end of a slot has left it to the next one.
    const claimed = stage.begun.filter(({ starts }) => starts === 1).map(({ time }) => time);
    expect(claimed).toEqual(everySecond(claimed));
    expect(stage.skipped).toEqual([]);
    const { task, state } = (stage.tasks.get(nodes.leader as string) as SingletonTask).status;
    expect({ task, state }).toEqual({ task: 'tick', state: 'scheduled' });
    const kept = await nodes.soon(stage.keeper.kept(stage.cluster));
    expect(kept).toMatchObject({ last: stage.times.at(-1), outcome: 'completed', starts: 1 });
  });

  it.each(['skip', 'rerun'] as const)('that a holder has died over: %s', async (onInterrupted) => {
    const stage = new Stage('interrupted', by(), { catchUp: 'all', onInterrupted }, ({ signal, slot }) =>
      slot?.starts === 1 && stage.begun.length === 3
        ? untilAborted(signal).then(() => Promise.reject(signal.reason as Error))
        : 0,
    );
    const { nodes } = stage;
    await nodes.until(() => stage.begun.length === 3);
    await nodes.world.run(500);
    const interrupted = stage.times[2] as SlotTime;
    const dead = await stage.kill();
    await nodes.until(() => stage.begun.length === 6);
    const again = stage.begun.filter(({ time }) => time === interrupted);
    if (onInterrupted === 'rerun') {
      expect(again.map(({ starts, name }) => [starts, name === dead])).toEqual([
        [1, true],
        [2, false],
      ]);
      expect(stage.skipped).toEqual([]);
    } else {
      expect(again).toHaveLength(1);
      expect(stage.skipped).toEqual([{ from: interrupted, to: interrupted, reason: 'interrupted' }]);
    }
    const once = [...new Set(stage.times)];
    expect(once).toEqual(everySecond(once));
  });

  it('that take down whoever begins them are begun so often, and no more', async () => {
    let poisoned: SlotTime | undefined;
    const deaths: string[] = [];
    const stage = new Stage(
      'poison',
      by(),
      { onInterrupted: 'rerun', maxStarts: 2 },
      async ({ slot, signal }, name) => {
        if (stage.begun.length === 3) poisoned = slot?.time;
        if (slot?.time !== poisoned) return;
        deaths.push(name);
        await untilAborted(signal);
        throw signal.reason;
      },
    );
    const { nodes } = stage;
    for (let death = 1; death <= 2; death += 1) {
      await nodes.until(() => deaths.length === death);
      await nodes.world.run(50);
      const name = deaths.at(-1) as string;
      nodes.crash(name);
      await nodes.until(() => nodes.leader !== undefined);
      nodes.start(name);
    }
    await nodes.until(() => stage.skipped.some(({ reason }) => reason === 'interrupted'));
    expect(stage.begun.filter(({ time }) => time === poisoned).map(({ starts }) => starts)).toEqual([1, 2]);
  });

  it('go on where they were when a whole cluster was away: the last of them, or all', async () => {
    for (const catchUp of ['none', 'last', 'all'] as const) {
      const stage = new Stage(`away ${catchUp}`, by(), { catchUp, ...(catchUp === 'none' ? { lateMs: 0 } : {}) });
      const { nodes } = stage;
      await nodes.until(() => stage.begun.length === 3);
      await nodes.world.run(500);
      for (const name of ['a', 'b', 'c']) nodes.crash(name);
      await nodes.world.run(10_000);
      nodes.startAll();
      await nodes.until(() => stage.begun.length >= 6);
      const [, , third = 0, fourth = 0] = stage.times;
      if (catchUp === 'all') {
        expect(stage.times).toEqual(everySecond(stage.times));
        expect(stage.skipped).toEqual([]);
        continue;
      }
      expect(fourth - third).toBeGreaterThan(9000);
      expect(stage.skipped[0]).toMatchObject({ from: third + 1000, reason: 'missed' });
      // With `none` slots may be skipped twice: those before the first look, and what passed meanwhile.
      expect(stage.skipped.at(-1)?.to).toBe(fourth - 1000);
    }
  });

  it('wait while nobody keeps claims, and are made up for', async () => {
    const stage = new Stage('no quorum', by(), { catchUp: 'all' });
    const { nodes } = stage;
    await nodes.until(() => stage.begun.length === 3);
    const leader = await nodes.elected();
    const others = ['a', 'b', 'c'].filter((name) => name !== leader);
    for (const name of others) nodes.crash(name);
    const so = stage.begun.length;
    await nodes.world.run(10_000);
    expect(stage.begun.length).toBeLessThanOrEqual(so + 1);
    for (const name of others) nodes.start(name);
    await nodes.until(() => stage.begun.length > so + 12);
    expect(stage.times).toEqual(everySecond(stage.times));
  });

  it('that have ended when their node is told to stop are said to have ended', async () => {
    const stage = new Stage('ended', by(), { catchUp: 'all' });
    const { nodes } = stage;
    await nodes.until(() => stage.finished.length === 2);
    const leader = nodes.leader as string;
    const task = stage.tasks.get(leader) as SingletonTask;
    const { promise: ended, resolve: end } = Promise.withResolvers<SlotTime | undefined>();
    const { clock } = nodes.get(leader).system;
    task.on('finished', ({ slot }) => {
      // While it is on its way to who keeps it.
      clock.setTimer(1, () => void task[Symbol.asyncDispose]().then(() => end(slot?.time)));
    });
    const last = await nodes.soon(ended);
    expect(await nodes.soon(stage.keeper.kept(nodes.get(leader)))).toMatchObject({ last, outcome: 'completed' });
  });

  it('come by a cron expression', async () => {
    const stage = new Stage('cron', by(), {
      schedule: { cron: '*/2 * * * * *', timeZone: 'Asia/Tokyo' },
      catchUp: 'all',
    });
    await stage.nodes.until(() => stage.begun.length === 3);
    await stage.kill();
    await stage.nodes.until(() => stage.begun.length === 6);
    const [first = 0] = stage.times;
    expect(first % 2000).toBe(0);
    expect(stage.times).toEqual([0, 1, 2, 3, 4, 5].map((index) => first + index * 2000));
  });

  it('that fail are tried again, and then left', async () => {
    const attempts: number[] = [];
    const stage = new Stage('fails', by(), { catchUp: 'all' }, ({ attempt, slot }) => {
      if (stage.times.indexOf(slot?.time ?? 0) !== 1 && stage.times[1] !== slot?.time) return;
      attempts.push(attempt);
      throw new Error('no');
    });
    await stage.nodes.until(() => stage.finished.length === 4);
    expect(attempts).toEqual([1, 2, 3]);
    const once = [...new Set(stage.times)];
    expect(once).toEqual(everySecond(once));
    expect(stage.finished).not.toContain(once[1]);
  });

  it('that take longer than until the next do not overlap', async () => {
    let running = 0;
    const stage = new Stage('slow', by(), { catchUp: 'last' }, async ({ isValid }) => {
      running += 1;
      expect(running).toBe(1);
      const { clock } = stage.cluster.system;
      await new Promise<void>((resolve) => void clock.setTimer(2500, resolve));
      expect(isValid()).toBe(true);
      running -= 1;
    });
    await stage.nodes.until(() => stage.finished.length === 5);
    const gaps = stage.times.slice(1).map((time, index) => time - (stage.times[index] as number));
    expect(gaps.every((gap) => gap >= 2000 && gap <= 3000)).toBe(true);
    expect(stage.skipped.length).toBeGreaterThan(2);
  });

  it('are not repeated when the wall clock goes back, nor lost silently when it goes forward', async () => {
    const stage = new Stage('wall clock', by(), { catchUp: 'last' });
    const { nodes } = stage;
    await nodes.until(() => stage.begun.length === 3);
    const leader = nodes.leader as string;
    nodes.wallOffset.set(leader, -5000);
    await nodes.until(() => stage.held.length === 1);
    await nodes.until(() => stage.begun.length === 6);
    nodes.wallOffset.set(leader, 60_000);
    await nodes.until(() => stage.begun.length === 9);
    const sorted = stage.times.toSorted((x, y) => x - y);
    expect(stage.times).toEqual([...new Set(sorted)]);
    expect(stage.held).toEqual([leader]);
    const lost = stage.skipped.reduce((sum, { from, to }) => sum + (to - from) / 1000 + 1, 0);
    expect(stage.begun.length + lost).toBe(((stage.times.at(-1) as number) - (stage.times[0] as number)) / 1000 + 1);
    expect(lost).toBeGreaterThan(55);
  });

  it('begin anew with the present once a task was forgotten', async () => {
    const stage = new Stage('forgotten', by(), { catchUp: 'last' });
    const { nodes } = stage;
    await nodes.until(() => stage.begun.length === 2);
    const leader = nodes.leader as string;
    nodes.wallOffset.set(leader, 3_600_000);
    await nodes.until(() => stage.begun.length === 4);
    nodes.wallOffset.set(leader, 0);
    await nodes.until(() => stage.held.length === 1);
    const so = stage.begun.length;
    await nodes.world.run(10_000);
    expect(stage.begun.length).toBe(so);
    await stage.forget();
    const [task] = [...stage.tasks.values()].filter(({ status }) => status.token !== undefined);
    await nodes.soon((task as SingletonTask)[Symbol.asyncDispose]());
    singletonTask(
      stage.cluster,
      'tick',
      ({ slot }) => stage.begun.push({ name: 'new', time: slot?.time ?? 0, starts: 1 }),
      {
        schedule: { everyMs: 1000 },
        claims: stage.keeper.claims(stage.cluster) as SlotClaims,
        ...QUICK,
      },
    );
    await nodes.until(() => stage.begun.length === so + 2);
    expect(stage.times.at(-1)).toBeLessThan((stage.times[so - 1] as number) - 3_000_000);
  });
});

describe('slots that nobody keeps', () => {
  it('come once where wall clocks agree, and not while nobody leads', async () => {
    const stage = new Stage('unclaimed', byNobody(), {});
    const { nodes } = stage;
    await nodes.until(() => stage.begun.length === 5);
    await nodes.world.run(500);
    for (const name of ['a', 'b', 'c']) nodes.crash(name);
    await nodes.world.run(5000);
    nodes.startAll();
    await nodes.until(() => stage.begun.length === 8);
    nodes.start(await stage.kill());
    await nodes.until(() => stage.begun.length === 12);
    const sorted = stage.times.toSorted((x, y) => x - y);
    expect(stage.times).toEqual([...new Set(sorted)]);
    expect((sorted[5] as number) - (sorted[4] as number)).toBeGreaterThan(5000);
    expect(stage.skipped).toEqual([]);
  });
});

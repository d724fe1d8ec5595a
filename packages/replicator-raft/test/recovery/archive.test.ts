import { describe, expect, it } from 'vitest';
import {
  type ArchivePiece,
  type HistoryEnd,
  type RestoredGroup,
  raftMembers,
  raftOperations,
  restoreGroup,
} from '../../src/index.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';
import { add, backupOf, expectGrows, freshCluster, state, stored } from './recovered.ts';

/** What a group was, at an entry and a time of its log. */
interface Moment {
  readonly index: number;
  readonly timeMs: number;
  readonly state: ReturnType<typeof state>;
}

/** An archive that is written while the group goes on. */
class Recording {
  readonly pieces: ArchivePiece[] = [];
  readonly done: Promise<unknown>;
  readonly #ending = new AbortController();

  constructor(cluster: SimulatedCluster, name: string, from?: number) {
    const { signal } = this.#ending;
    const archive = raftOperations(cluster.node(name)).archive({ signal, gatherMs: 20, ...(from && { from }) });
    this.done = this.#record(archive).catch((error: unknown) => error);
  }

  get last(): number {
    return this.pieces.at(-1)?.lastIndex ?? 0;
  }

  end(): Promise<unknown> {
    this.#ending.abort();
    return this.done;
  }

  async #record(archive: AsyncIterable<ArchivePiece>): Promise<void> {
    for await (const piece of archive) this.pieces.push(piece);
  }
}

function bytesOf(pieces: readonly ArchivePiece[]): AsyncIterable<Uint8Array> {
  return stored(pieces.map(({ bytes }) => bytes));
}

function moment(cluster: SimulatedCluster, name: string): Moment {
  const { appliedIndex: index, timeMs } = raftOperations(cluster.node(name)).status();
  return { index, timeMs, state: state(cluster, name) };
}

interface Recorded {
  readonly cluster: SimulatedCluster;
  readonly backup: readonly Uint8Array[];
  readonly pieces: readonly ArchivePiece[];
  readonly moments: readonly Moment[];
  /** Of the backup. */
  readonly first: Moment;
}

/** A group that has lived on behind its backup: with sessions, another leader, and another member. */
async function recorded(): Promise<Recorded> {
  const cluster = new SimulatedCluster('archive', ['a', 'b', 'c', 'd'], {}, { founders: ['a', 'b', 'c'] });
  cluster.startAll();
  const leader = await cluster.elected();
  const archiver = ['a', 'b', 'c'].find((name) => name !== leader) as string;
  const recording = new Recording(cluster, archiver);
  await add(cluster, leader, 'n', 5);
  const backup = await backupOf(cluster, leader);
  const first = moment(cluster, leader);
  const moments: Moment[] = [];
  for (let n = 0; n < 8; n += 1) {
    await add(cluster, leader, 'n');
    await cluster.soon(cluster.node(leader).replicate({ type: 'put', key: `key ${n}`, value: `value ${n}` }));
    moments.push(moment(cluster, leader));
    if (n === 3) await cluster.soon(raftMembers(cluster.node(leader)).addNode('d'), 60_000);
    await cluster.world.run(50);
  }
  cluster.crash(leader);
  const next = await cluster.elected();
  const session = await cluster.soon(cluster.node(next).openSession());
  await cluster.soon(session.replicate({ type: 'add', key: 'in session', by: 1 }));
  await cluster.world.run(50);
  moments.push(moment(cluster, next));
  await cluster.world.runUntil(() => recording.last >= (moments.at(-1)?.index ?? 0), 10_000);
  expect(await recording.end()).toMatchObject({ code: 'ABORTED' });
  return { cluster, backup, pieces: recording.pieces, moments, first };
}

async function restored(
  { backup, pieces }: Pick<Recorded, 'backup' | 'pieces'>,
  until?: HistoryEnd,
): Promise<{ readonly fresh: SimulatedCluster; readonly result: RestoredGroup }> {
  const fresh = freshCluster('fresh');
  const result = await fresh.offline('x', (node) =>
    restoreGroup(node, { backup: stored(backup), archive: bytesOf(pieces), ...(until && { until }) }),
  );
  fresh.start('x');
  await fresh.elected();
  await fresh.soon(fresh.node('x').read('n', { consistency: 'linearizable' }));
  return { fresh, result };
}

describe('an archive', () => {
  it('takes a backup on to any entry, and to any time of the log', async () => {
    const all = await recorded();
    expect(all.pieces.length).toBeGreaterThan(5);
    for (const { index, timeMs, state: then } of [all.first, ...all.moments]) {
      const byIndex = await restored(all, { index });
      expect(byIndex.result.index).toBe(index);
      expect(state(byIndex.fresh, 'x')).toEqual(then);
      if (timeMs === all.moments.at(-1)?.timeMs) continue;
      const byTime = await restored(all, { timeMs });
      expect(state(byTime.fresh, 'x')).toEqual(then);
    }
  });

  it('takes it to its own end, where nothing else is asked for, and others can be added then', async () => {
    const all = await recorded();
    const { fresh, result } = await restored(all);
    expect(result.index).toBe(all.pieces.at(-1)?.lastIndex);
    expect(state(fresh, 'x')).toEqual(all.moments.at(-1)?.state);
    await expectGrows(fresh, 'x', ['y', 'z']);
  });

  it('may overlap, and begin before the backup', async () => {
    const all = await recorded();
    const { pieces } = all;
    const twice = pieces.flatMap((piece, at) => [...pieces.slice(Math.max(0, at - 2), at), piece]);
    const { fresh } = await restored({ ...all, pieces: twice });
    expect(state(fresh, 'x')).toEqual(all.moments.at(-1)?.state);
  });

  it('is refused where something is missing, in between or at the end, and leaves nothing behind', async () => {
    const all = await recorded();
    const { pieces, first, moments } = all;
    const behind = pieces.findIndex(({ firstIndex }) => firstIndex > first.index);
    const last = moments.at(-1) as Moment;
    const missing = [
      [pieces.toSpliced(behind + 1, 1), undefined],
      [pieces.slice(behind + 1), undefined],
      [pieces.slice(0, -1), { index: last.index }],
      [pieces, { index: last.index + 100 }],
      [pieces, { timeMs: last.timeMs + 60_000 }],
      [[], { index: last.index }],
    ] as const;
    for (const [rest, until] of missing)
      await expect(restored({ ...all, pieces: rest }, until)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const before = { index: first.index - 1 };
    await expect(restored(all, before)).rejects.toMatchObject({ code: 'REFUSED' });
    await expect(restored(all, { timeMs: first.timeMs - 1 })).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('of another group is refused, and so is one of another history', async () => {
    const all = await recorded();
    const other = new SimulatedCluster('other');
    other.startAll();
    const leader = await other.elected();
    const recording = new Recording(other, leader, 1);
    await add(other, leader, 'n', 20);
    await other.world.runUntil(() => recording.last > 20, 10_000);
    await recording.end();
    await expect(restored({ ...all, pieces: recording.pieces })).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('keeps the log from being cut while it is read, within the bound', async () => {
    const policy = { everyEntries: 5, keepEntries: 1, everyBytes: 1_000_000, keepBytes: 1_000_000 };
    for (const isBounded of [false, true]) {
      const keepBytes = isBounded ? 200 : policy.keepBytes;
      const cluster = new SimulatedCluster('kept', ['a'], { ...policy, keepBytes });
      cluster.startAll();
      await cluster.elected();
      const archive = raftOperations(cluster.node('a')).archive({ gatherMs: 0 });
      const pieces = archive[Symbol.asyncIterator]();
      await add(cluster, 'a', 'n');
      const first = await cluster.soon(pieces.next());
      // The operator's store is slow: the group goes on meanwhile.
      await add(cluster, 'a', 'n', 60);
      const second = cluster.soon(pieces.next());
      if (isBounded) await expect(second).rejects.toMatchObject({ code: 'NOT_FOUND' });
      else expect((await second).value?.firstIndex).toBe((first.value?.lastIndex ?? 0) + 1);
      await pieces.return?.();
    }
  });

  it('has only what is committed', async () => {
    const cluster = new SimulatedCluster('uncommitted');
    cluster.startAll();
    const leader = await cluster.elected();
    await add(cluster, leader, 'n', 5);
    const { commitIndex } = cluster.node(leader).status();
    const recording = new Recording(cluster, leader, 1);
    for (const name of cluster.names) if (name !== leader) cluster.crash(name);
    cluster
      .node(leader)
      .replicate({ type: 'put', key: 'x', value: 'lost' }, { timeoutMs: 100 })
      .catch(() => undefined);
    await cluster.world.run(300);
    await recording.end();
    expect(recording.last).toBe(Number(commitIndex));
  });

  it('says that there is a gap where it is to begin with what is gone', async () => {
    const cluster = new SimulatedCluster('gap', ['a'], { everyEntries: 5, keepEntries: 1 });
    cluster.startAll();
    await cluster.elected();
    await add(cluster, 'a', 'n', 30);
    const recording = new Recording(cluster, 'a', 2);
    expect(await cluster.soon(recording.done)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('ends with the cluster', async () => {
    const cluster = new SimulatedCluster('ends', ['a']);
    cluster.startAll();
    await cluster.elected();
    const recording = new Recording(cluster, 'a');
    await cluster.world.run(100);
    void cluster.node('a')[Symbol.asyncDispose]();
    expect(await cluster.soon(recording.done)).toMatchObject({ code: 'CLOSED' });
  });

  it.each([{ from: 0 }, { gatherMs: -1 }, { every: 1 }])(
    'is asked for with options that are checked: %o',
    async (options) => {
      const cluster = new SimulatedCluster('options', ['a']);
      cluster.startAll();
      await cluster.elected();
      const archive = raftOperations(cluster.node('a')).archive(options);
      const first = archive[Symbol.asyncIterator]().next();
      await expect(cluster.soon(first)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );
});

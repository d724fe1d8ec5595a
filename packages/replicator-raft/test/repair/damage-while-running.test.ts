import { type CommittedCommand, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { raftOperations } from '../../src/index.ts';
import { type KeyValueCommand, KeyValues } from '../key-values.ts';
import { Stage } from '../membership/stage.ts';
import { logFiles, rotEntry, rotSnapshot } from './rot.ts';

const ALL = ['a', 'b', 'c'];

async function other(stage: Stage, than: string): Promise<string> {
  const name = ALL.find((each) => each !== than) as string;
  expect(stage.phase(name)).toBe('running');
  return name;
}

/** More than is kept in memory: older entries have to be read from the disk. */
async function writeMuch(stage: Stage, via: string): Promise<void> {
  for (let n = 0; n < 130; n += 1) {
    const put = { type: 'put', key: `much${n}`, value: 'x'.repeat(40_000) } as const;
    await stage.cluster.soon(stage.cluster.node(via).replicate(put));
  }
}

describe('damage that is found while the group runs', () => {
  it('of an old entry that a follower needs: it gets a snapshot instead, and nobody stops', async () => {
    const stage = new Stage('entry', ALL, [], { real: true });
    const leader = await stage.begin();
    await stage.write(leader, 5);
    const away = await other(stage, leader);
    stage.cluster.crash(away);
    const writer = await stage.cluster.elected();
    await writeMuch(stage, writer);
    const host = stage.cluster.host(writer);
    rotEntry(host);
    const phases = new Set<string | undefined>();
    stage.cluster.world.onStep(() => phases.add(stage.phase(writer)));
    stage.cluster.start(away);
    await stage.settled(...ALL);
    expect(stage.cluster.machines.get(away)?.values.get('much7')).toHaveLength(40_000);
    expect(stage.cluster.machines.get(away)?.applied).toBeLessThan(50);
    expect([...phases]).toEqual(['running']);
    expect(logFiles(host, '.damaged')).toEqual([]);
  });

  it.each([0, 3])('of the snapshot that a follower needs, %i entries behind it: another is taken', async (behind) => {
    const stage = new Stage(`sent-${behind}`, ALL, [], {
      real: true,
      snapshots: { everyEntries: 20, keepEntries: 0, keepBytes: 0 },
    });
    const leader = await stage.begin();
    const away = await other(stage, leader);
    stage.cluster.crash(away);
    const writer = await stage.cluster.elected();
    await stage.write(writer, 50);
    await stage.cluster.soon(raftOperations(stage.cluster.node(writer)).snapshotNow());
    await stage.write(writer, behind);
    const host = stage.cluster.host(writer);
    const damaged = rotSnapshot(host);
    stage.cluster.start(away);
    await stage.settled(...ALL);
    expect(logFiles(host, '.snapshot')).not.toContain(damaged);
    expect(logFiles(host, '.damaged')).toEqual([]);
  });

  it('of the snapshot that its own machine needs: the node is repaired, and shows nothing older meanwhile', async () => {
    const broken = new Set<string>();
    const stage = new Stage('needed', ALL, [], {
      real: true,
      snapshots: { everyEntries: 5, keepEntries: 2 },
      machine: (name) => new FailingOnce(() => broken.delete(name)),
    });
    const leader = await stage.begin();
    await stage.write(leader, 23);
    const victim = await other(stage, leader);
    await stage.cluster.world.runUntil(() => stage.history(victim).length === 23, 5000);
    rotSnapshot(stage.cluster.host(victim));
    broken.add(victim);
    const phases = new Set<string | undefined>();
    stage.cluster.world.onStep(() => phases.add(stage.phase(victim)));
    const seen = new Set<string | undefined>();
    const watching = watchLocally(stage, victim, seen);
    await stage.write(leader);
    await stage.comesTo(victim, 'repairing');
    await stage.comesTo(victim, 'running');
    await stage.settled(...ALL);
    await stage.cluster.soon(watching);
    expect([...phases]).toEqual(['running', 'repairing']);
    expect([...seen]).toEqual([leader, 'refused']);
    expect(logFiles(stage.cluster.host(victim), '.damaged')).not.toEqual([]);
  });
});

/** Reads what this node has of an early write, again and again. */
async function watchLocally(stage: Stage, name: string, seen: Set<string | undefined>): Promise<void> {
  const { clock } = stage.cluster.host(name).system;
  for (let reads = 0; reads < 400; reads += 1) {
    const read = stage.cluster.node(name).read('k1', { consistency: 'local' });
    seen.add(await read.catch((error: unknown) => (isClusterError(error, 'QUORUM_LOST') ? 'refused' : String(error))));
    await new Promise<void>((resolve) => void clock.setTimer(2, resolve));
  }
}

/** Fails at one command when it is told to, and then no more. */
class FailingOnce extends KeyValues {
  readonly #fails: () => boolean;

  constructor(fails: () => boolean) {
    super();
    this.#fails = fails;
  }

  override apply(batch: readonly CommittedCommand<KeyValueCommand>[]): readonly string[] {
    if (this.#fails()) throw new Error('only once');
    return super.apply(batch);
  }
}

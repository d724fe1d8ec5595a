import { type ClusterError, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import type { RaftMembers } from '../../src/index.ts';
import { failureOf, Stage } from './stage.ts';

const FOUNDERS = ['a', 'b', 'c'];
const MOMENTS_MS = [0, 0.4, 0.8, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 5, 60, 200, 250, 300, 350, 400, 401, 402, 403];

type Change = (members: RaftMembers, leader: string) => Promise<void>;

const CHANGES: Readonly<
  Record<string, { readonly ask: Change; readonly result: (leader: string) => readonly string[] }>
> = {
  'adding a node': { ask: (members) => members.addNode('d'), result: () => [...FOUNDERS, 'd'] },
  'removing the other node': {
    ask: (members, leader) => members.removeNode(other(leader)),
    result: (leader) => FOUNDERS.filter((name) => name !== other(leader)),
  },
  'removing the leader': {
    ask: (members, leader) => members.removeNode(leader),
    result: (leader) => FOUNDERS.filter((name) => name !== leader),
  },
};

describe.each(Object.entries(CHANGES))('a leader that is cut off while it is %s', (_name, { ask, result }) => {
  it('says what it knows of the change, and it is made in the end', async () => {
    let failures = 0;
    for (const momentMs of MOMENTS_MS) {
      const stage = new Stage(`${_name}, cut off at ${momentMs}`, FOUNDERS, ['d']);
      const { world } = stage.cluster;
      const leader = await stage.begin();
      const before = stage.shown(leader);
      let outcome: 'made' | ClusterError | undefined;
      ask(stage.members(leader), leader).then(
        () => (outcome = 'made'),
        (error: unknown) => (outcome = isClusterError(error) ? error : undefined),
      );
      await world.run(momentMs);
      const rest = [...FOUNDERS.filter((name) => name !== leader), 'd'].map((name) => stage.cluster.host(name));
      world.partition(stage.cluster.host(leader), rest);
      await world.run(500 + world.random.int(2000));
      // Who leads now has made entries of its own.
      const next = FOUNDERS.find((name) => name !== leader && stage.cluster.node(name).status().role === 'leader');
      if (next !== undefined) await stage.write(next, 2);
      world.heal();
      await world.runUntil(() => outcome !== undefined, 120_000);
      if (outcome !== 'made') failures += 1;
      if (outcome === 'made') await stage.settled(...result(leader));
      else if (outcome?.outcome === 'not-applied') {
        await world.run(3000);
        for (const name of FOUNDERS) if (stage.phase(name) === 'running') expect(stage.shown(name)).toBe(before);
      } else expect(outcome?.outcome).toBe('unknown');
      const isDone = () => result(leader).some((name) => stage.shown(name) === [...result(leader)].sort().join(' '));
      await stage.insist(FOUNDERS, (members) => ask(members, leader), isDone);
      await stage.settled(...result(leader));
    }
    expect(failures).toBeLessThan(MOMENTS_MS.length);
  });
});

describe('a learner', () => {
  it('that never catches up makes its call give up, and gets no vote until it does', async () => {
    const stage = new Stage('never', FOUNDERS, ['d'], { snapshots: { everyEntries: 10, keepEntries: 0 } });
    const { world } = stage.cluster;
    const leader = await stage.begin();
    await stage.write(leader, 20);
    const adding = stage.members(leader).addNode('d', { timeoutMs: 5000 });
    adding.catch(() => undefined);
    await world.runUntil(() => stage.members(leader).all.length === 4, 10_000);
    world.partition(
      stage.cluster.host('d'),
      FOUNDERS.map((name) => stage.cluster.host(name)),
    );
    const error = await failureOf(stage, adding);
    expect([error.code, error.outcome]).toEqual(['TIMEOUT', 'unknown']);
    expect(stage.shown(leader)).toBe('a b c d?');
    // It is in nobody's way: of the three voters, two are enough.
    const gone = FOUNDERS.find((name) => name !== leader) as string;
    stage.cluster.crash(gone);
    await stage.write(leader, 5);
    // Other changes go on meanwhile.
    stage.cluster.start(gone);
    await stage.change(stage.members(leader).removeNode(gone));
    world.heal();
    await stage.settled(...FOUNDERS.filter((name) => name !== gone), 'd');
  });

  it('is given its vote by another leader when the one that added it is gone', async () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const stage = new Stage(`another-${seed}`, FOUNDERS, ['d']);
      const { world } = stage.cluster;
      const leader = await stage.begin();
      stage
        .members(leader)
        .addNode('d')
        .catch(() => undefined);
      await world.runUntil(() => stage.members(leader).all.length === 4, 10_000);
      await world.run(world.random.int(200));
      stage.cluster.crash(leader);
      const [next] = FOUNDERS.filter((name) => name !== leader) as [string];
      await world.runUntil(() => stage.shown(next) === 'a b c d', 30_000);
      stage.cluster.start(leader);
      await stage.settled(...FOUNDERS, 'd');
    }
  });

  it('is not listened to as a voter before', async () => {
    const stage = new Stage('no-vote', FOUNDERS, ['d']);
    const leader = await stage.begin();
    await stage.change(stage.members(leader).addNode('d', { as: 'learner' }));
    const gone = FOUNDERS.filter((name) => name !== leader);
    for (const name of gone) stage.cluster.crash(name);
    const write = stage.cluster.node(leader).replicate({ type: 'put', key: 'x', value: 'x' }, { timeoutMs: 3000 });
    const { outcome } = await failureOf(stage, write);
    expect(outcome).toBe('unknown');
  });
});

describe('a node that waits to be invited', () => {
  it('lets its callers wait, and tells them when their time is over', async () => {
    const stage = new Stage('waiting', FOUNDERS, ['d']);
    const leader = await stage.begin();
    expect(stage.phase('d')).toBe('waiting');
    expect(stage.members('d').all).toEqual([]);
    const node = stage.cluster.node('d');
    const write = await failureOf(stage, node.replicate({ type: 'put', key: 'x', value: 'x' }, { timeoutMs: 300 }));
    expect([write.code, write.outcome]).toEqual(['QUORUM_LOST', 'not-applied']);
    const read = await failureOf(stage, node.read('x', { consistency: 'linearizable', timeoutMs: 300 }));
    expect(read.code).toBe('QUORUM_LOST');
    expect((await failureOf(stage, stage.members('d').addNode('d'))).code).toBe('QUORUM_LOST');
    const late = node.replicate({ type: 'put', key: 'y', value: 'y' });
    const fresh = node.read('y', { consistency: 'linearizable' });
    await stage.change(stage.members(leader).addNode('d'));
    expect(await stage.cluster.soon(late)).toBe('y');
    await stage.cluster.soon(fresh);
  });
});

function other(leader: string): string {
  return FOUNDERS.find((name) => name !== leader) as string;
}

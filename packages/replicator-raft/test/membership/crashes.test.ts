import { type ClusterError, isClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import type { RaftMembers } from '../../src/index.ts';
import { Stage } from './stage.ts';

const FOUNDERS = ['a', 'b', 'c'];

interface Operation {
  readonly name: string;
  ask(members: RaftMembers, leader: string): Promise<void>;
  /** Who is a member in the end. */
  result(leader: string): readonly string[];
}

const OPERATIONS: readonly Operation[] = [
  { name: 'adding a node', ask: (members) => members.addNode('d'), result: () => [...FOUNDERS, 'd'] },
  {
    name: 'removing the leader',
    ask: (members, leader) => members.removeNode(leader),
    result: (leader) => FOUNDERS.filter((name) => name !== leader),
  },
  {
    name: 'removing a follower',
    ask: (members, leader) => members.removeNode(next(leader)),
    result: (leader) => FOUNDERS.filter((name) => name !== next(leader)),
  },
  {
    name: 'replacing the leader',
    ask: (members, leader) => members.replaceNode(leader, 'd'),
    result: (leader) => [...FOUNDERS.filter((name) => name !== leader), 'd'],
  },
  {
    name: 'replacing a follower',
    ask: (members, leader) => members.replaceNode(next(leader), 'd'),
    result: (leader) => [...FOUNDERS.filter((name) => name !== next(leader)), 'd'],
  },
];

const VICTIMS: Readonly<Record<string, (leader: string) => string>> = {
  'the leader': (leader) => leader,
  'the follower that comes next': (leader) => next(leader),
  'the other follower': (leader) => next(next(leader)),
  'the new node': () => 'd',
};

const MOMENTS_MS = [0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 30, 90, 150, 200, 250, 300, 350, 400, 401, 402, 403, 404, 500];

describe.each(OPERATIONS)('$name', (operation) => {
  it.each(Object.keys(VICTIMS))('comes to an end, whenever %s crashes', async (victim) => {
    for (const [at, momentMs] of MOMENTS_MS.entries()) {
      const stage = new Stage(`${operation.name}, ${victim}, ${momentMs}`, FOUNDERS, ['d']);
      await crashDuring(stage, operation, VICTIMS[victim] as (leader: string) => string, momentMs + at / 10);
    }
  });
});

async function crashDuring(
  stage: Stage,
  operation: Operation,
  victimOf: (leader: string) => string,
  momentMs: number,
): Promise<void> {
  const { cluster } = stage;
  const leader = await stage.begin();
  const victim = victimOf(leader);
  await stage.write(leader, 3);
  const before = stage.shown(leader);
  const asked = cluster.world.random.int(2) === 0 ? leader : next(leader);
  let outcome: 'made' | ClusterError | undefined;
  operation.ask(stage.members(asked), leader).then(
    () => (outcome = 'made'),
    (error: unknown) => (outcome = isClusterError(error) ? error : undefined),
  );
  await cluster.world.run(momentMs);
  cluster.crash(victim);
  await cluster.world.run(cluster.world.random.int(1500));
  cluster.start(victim);
  const result = operation.result(leader);
  if (asked !== victim) {
    await cluster.world.runUntil(() => outcome !== undefined, 120_000);
    await checkHonest(stage, { outcome, before, result });
  }
  const isDone = () =>
    result.some((name) => cluster.live.includes(name) && stage.shown(name) === [...result].sort().join(' '));
  await stage.insist(
    result.filter((name) => name !== 'd'),
    (members) => operation.ask(members, leader),
    isDone,
  );
  await stage.settled(...result);
}

async function checkHonest(
  stage: Stage,
  {
    outcome,
    before,
    result,
  }: { outcome: 'made' | ClusterError | undefined; before: string; result: readonly string[] },
): Promise<void> {
  if (outcome === 'made') {
    await stage.settled(...result);
    return;
  }
  if (outcome?.outcome === 'not-applied') {
    await stage.cluster.world.run(3000);
    for (const name of stage.cluster.live) if (stage.phase(name) === 'running') expect(stage.shown(name)).toBe(before);
  } else expect(outcome?.outcome).toBe('unknown');
}

function next(name: string): string {
  return FOUNDERS[(FOUNDERS.indexOf(name) + 1) % FOUNDERS.length] as string;
}

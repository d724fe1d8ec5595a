import type { Leadership } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { leaderOnly, runIfLeader, waitForLeader, waitForLeadership } from '../src/index.ts';
import { byMajority, Nodes } from './nodes.ts';

async function threeNodes(seed: string): Promise<Nodes> {
  const nodes = new Nodes(seed, byMajority);
  nodes.startAll();
  await nodes.elected();
  return nodes;
}

describe('leaderOnly', () => {
  it('works on the leader, with its token, and names the leader elsewhere', async () => {
    const nodes = await threeNodes('leader only');
    const leader = nodes.leader as string;
    const done: bigint[] = [];
    const write = async (leadership: Leadership, text: string): Promise<string> => {
      done.push(leadership.token);
      return `written ${text}`;
    };
    const here = leaderOnly(nodes.get(leader), write);
    expect(await nodes.soon(here('x'))).toBe('written x');
    expect(done).toEqual([nodes.get(leader).leadership?.token]);

    await nodes.until(() => nodes.get(nodes.follower).leader !== undefined);
    const there = leaderOnly(nodes.get(nodes.follower), write);
    const refusal = await nodes.soon(there('y').catch((error: unknown) => error));
    const address = `${nodes.host(leader).address}:7000`;
    expect(refusal).toMatchObject({ code: 'NOT_LEADER', outcome: 'not-applied', leader: { nodeId: leader, address } });
    expect(String(refusal)).toContain('write');
    expect(done).toHaveLength(1);
  });

  it('asks the clock: a leader that was away too long is none, though nobody has told it', async () => {
    const nodes = await threeNodes('leader away');
    const leader = nodes.leader as string;
    const cluster = nodes.get(leader);
    const { leadership } = cluster;
    nodes.host(leader).pause();
    await nodes.world.run(30_000);
    expect(leadership?.signal.aborted).toBe(false);
    const refused = leaderOnly(cluster, () => 'done')().catch((error: unknown) => error);
    expect(await runIfLeader(cluster, () => 'done')).toBeUndefined();
    expect(await refused).toMatchObject({ code: 'NOT_LEADER' });
  });
});

describe('runIfLeader', () => {
  it('does nothing elsewhere', async () => {
    const nodes = await threeNodes('if leader');
    expect(await nodes.soon(runIfLeader(nodes.get(nodes.leader as string), ({ token }) => token > 0n))).toBe(true);
    expect(await nodes.soon(runIfLeader(nodes.get(nodes.follower), () => true))).toBeUndefined();
  });
});

describe('waiting', () => {
  it('ends when a leader is seen, and for leadership when this node has it', async () => {
    const nodes = new Nodes('waiting', byMajority);
    nodes.startAll();
    await nodes.until(() => nodes.running.length === 3);
    const seen = await nodes.soon(Promise.all(nodes.running.map((name) => waitForLeader(nodes.get(name)))));
    expect(new Set(seen.map(({ nodeId }) => nodeId)).size).toBe(1);
    const [leader, follower] = [nodes.leader as string, nodes.follower];
    expect((await nodes.soon(waitForLeadership(nodes.get(leader)))).isValid()).toBe(true);
    const waiting = waitForLeadership(nodes.get(follower));
    for (const name of nodes.running) if (name !== follower) void nodes.get(name).election.resign();
    await nodes.soon(
      nodes
        .get(leader)
        .election.transfer(follower)
        .catch(() => undefined),
    );
    const leadership = await nodes.soon(waiting);
    expect(leadership.nodeId).toBe(follower);
  });

  it('ends with its time, its signal, and the election', async () => {
    const nodes = await threeNodes('waiting ends');
    const cluster = nodes.get(nodes.follower);
    const late = waitForLeadership(cluster, { timeoutMs: 200 }).catch((error: unknown) => error);
    expect(await nodes.soon(late)).toMatchObject({ code: 'TIMEOUT' });
    const controller = new AbortController();
    const given = waitForLeadership(cluster, { signal: controller.signal }).catch((error: unknown) => error);
    controller.abort();
    expect(await nodes.soon(given)).toMatchObject({ code: 'ABORTED' });
    const closed = waitForLeadership(cluster).catch((error: unknown) => error);
    await nodes.soon(cluster.stop());
    expect(await nodes.soon(closed)).toMatchObject({ code: 'CLOSED' });
    await expect(waitForLeader(cluster, { timeoutMs: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

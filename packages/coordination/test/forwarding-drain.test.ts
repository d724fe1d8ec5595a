import { describe, expect, it } from 'vitest';
import { rememberedRequests, type RequestMemory } from '../src/index.ts';
import { Stage } from './forwarding-stage.ts';
import { byRaft, type CoordinatedCluster } from './nodes.ts';

function bound(memory: RequestMemory): RequestMemory {
  return {
    begin: (mark, options) => memory.begin(mark, options),
    answer: (mark, answer, options) => memory.answer(mark, answer, options),
    withdraw: async (mark, options) => await memory.withdraw?.(mark, options),
  };
}

describe('forwarding that is disposed of', () => {
  it('is disposed of once what is under way is answered, and takes nothing more meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    const memory = (cluster: CoordinatedCluster) => ({ memory: rememberedRequests(cluster.replicator) });
    const { nodes, ask, asks, done } = new Stage('drains', (input) => gate.promise.then(() => input), memory, byRaft);
    const leader = await nodes.elected();
    const [one, two] = nodes.running.filter((name) => name !== leader) as [string, string];
    const asked = Promise.all([ask(one, 1, { requestId: 'x' }), ask(leader, 2)]);
    await nodes.until(() => done.length === 2);
    let isDrained = false;
    const dispose = async (): Promise<void> => {
      await asks.get(leader)?.[Symbol.asyncDispose]();
      isDrained = true;
    };
    const draining = dispose();
    expect(await nodes.soon(ask(leader, 3))).toMatchObject({ code: 'CLOSED', outcome: 'not-applied' });
    const again = ask(two, 1, { requestId: 'x' });
    expect(await nodes.soon(ask(two, 4, { timeoutMs: 500 }))).toMatchObject({
      code: 'NOT_LEADER',
      outcome: 'not-applied',
    });
    expect([done.length, isDrained]).toEqual([2, false]);
    gate.resolve();
    expect(await nodes.soon(asked)).toEqual([1, 2]);
    await nodes.soon(draining);
    await nodes.soon(nodes.get(leader).stop());
    expect(await nodes.soon(again)).toBe(1);
    expect(await nodes.soon(ask(two, 5))).toBe(5);
    expect(done.map(({ input }) => input).toSorted((a, b) => a - b)).toEqual([1, 2, 5]);
  });

  it('withdraws what a leader has begun whose time is over before it could do it', async () => {
    let stall: (() => Promise<void>) | undefined;
    const memory = (cluster: CoordinatedCluster) => {
      const inner = rememberedRequests(cluster.replicator);
      const begin: RequestMemory['begin'] = async (mark, options) => {
        const remembered = await inner.begin(mark, options);
        await stall?.();
        return remembered;
      };
      return { memory: { ...bound(inner), begin } };
    };
    const { nodes, ask, done } = new Stage('withdraws', (input) => input, memory, byRaft);
    const leader = await nodes.elected();
    const { follower } = nodes;
    stall = async () => {
      stall = undefined;
      await nodes.get(leader).election.transfer(follower);
    };
    expect(await nodes.soon(ask(follower, 1, { requestId: 'x' }))).toBe(1);
    expect(done.map(({ name }) => name)).toEqual([follower]);
  });

  it('keeps the answer of a leader whose time is over', async () => {
    const gate = Promise.withResolvers<void>();
    const memory = (cluster: CoordinatedCluster) => ({ memory: rememberedRequests(cluster.replicator) });
    const { nodes, ask, done } = new Stage('answers late', (input) => gate.promise.then(() => input), memory, byRaft);
    const leader = await nodes.elected();
    const asked = ask(leader, 1, { requestId: 'x' });
    await nodes.until(() => done.length === 1);
    await nodes.soon(nodes.get(leader).election.transfer(nodes.follower));
    // It waits for the answer of who has begun it.
    const again = ask(nodes.follower, 1, { requestId: 'x' });
    await nodes.world.run(300);
    gate.resolve();
    expect(await nodes.soon(Promise.all([asked, again]))).toEqual([1, 1]);
    expect(await nodes.soon(ask(nodes.follower, 1, { requestId: 'x' }))).toBe(1);
    expect(done).toHaveLength(1);
  });
});

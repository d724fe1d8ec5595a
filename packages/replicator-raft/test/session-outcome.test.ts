import { expect, it } from 'vitest';
import { SimulatedCluster } from './simulated-cluster.ts';

it('a session that gives up says unknown, if any of its attempts may have had an effect', async () => {
  const cluster = new SimulatedCluster('session outcome', ['a', 'b', 'c'], {}, { real: true });
  cluster.startAll();
  const leader = await cluster.elected();
  const [asked = '', other = ''] = cluster.names.filter((name) => name !== leader);
  const session = await cluster.soon(cluster.node(asked).openSession());
  // The command goes to the leader, and word of what became of it doesn't come back.
  cluster.world.block(cluster.host(leader), cluster.host(asked));
  const error = session
    .replicate({ type: 'add', key: 'n', by: 1 }, { timeoutMs: 10_000 })
    .catch((reason: unknown) => reason);
  await cluster.world.runUntil(() => cluster.machines.get(other)?.values.get('n') === '1', 5000);
  // The attempts that follow the loss of the connection have certainly no effect: there is nobody left to lead.
  cluster.crash(leader);
  cluster.crash(other);
  expect(await cluster.soon(error, 15_000)).toMatchObject({ outcome: 'unknown' });
});

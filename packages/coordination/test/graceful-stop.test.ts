import { isClusterError } from '@quorate/core';
import { expect, it } from 'vitest';
import type { CoordinationCommand } from '../src/index.ts';
import { byRaft, Nodes } from './nodes.ts';

const SEEDS = 12;
const WRITES = 120;

/** What became of writes through a follower, one a millisecond, while the leader is stopped in order. */
async function writesAmidStop(seed: number): Promise<readonly string[]> {
  const nodes = new Nodes(seed, byRaft);
  nodes.startAll();
  const leader = await nodes.elected();
  const { replicator } = nodes.get(nodes.follower);
  const told: Promise<string>[] = [];
  let stopping: Promise<void> | undefined;
  for (let at = 0; at < WRITES; at += 1) {
    const command: CoordinationCommand = { do: 'begin', id: `request-${at}`, token: '1' };
    const fate = replicator.replicate(command).then(
      () => 'ok',
      (error: unknown) => (isClusterError(error) ? `${error.code} ${error.outcome}: ${error.message}` : String(error)),
    );
    told.push(fate);
    if (at === WRITES / 4) stopping = nodes.get(leader).stop();
    await nodes.world.run(1);
  }
  await nodes.soon(stopping as Promise<void>);
  return await nodes.soon(Promise.all(told));
}

it('what followers were asked for is done though the leader is stopped in order', async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const told = await writesAmidStop(seed);
    expect([seed, ...new Set(told)]).toEqual([seed, 'ok']);
  }
});

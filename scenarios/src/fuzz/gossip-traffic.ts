import type { Cluster } from '@quorate/core';
import { createGossip, type Gossip } from '@quorate/gossip';

const EVERY_MS = 100;
const QUERY_MS = 500;

/** Says and asks a little of everything, all the time. */
export function beginGossip(cluster: Cluster): void {
  const gossip = createGossip(cluster);
  gossip.onBroadcast('news', () => undefined);
  gossip.onQuery('load', () => ({ load: 1 }));
  let turn = 0;
  const say = (): void => {
    if (cluster.status !== 'running') return;
    turn += 1;
    // What is told too fast is refused, which is as it should be.
    said(gossip, turn).catch(() => undefined);
    cluster.system.clock.setTimer(EVERY_MS, say);
  };
  say();
}

async function said(gossip: Gossip, turn: number): Promise<void> {
  switch (turn % 4) {
    case 0:
      gossip.states.set('load', turn);
      return;
    case 1:
      gossip.configuration.set('limit', turn);
      return;
    case 2:
      gossip.broadcast('news', { turn });
      return;
    default:
      for await (const answer of gossip.query('load', null, { timeoutMs: QUERY_MS })) void answer;
  }
}

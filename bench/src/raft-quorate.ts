import type { Load } from './closed-loop.ts';
import { RaftCluster } from './raft-cluster.ts';
import type { LoadPlan, RaftSystem } from './raft-system.ts';
import type { Scratch } from './scratch.ts';

/** Ours: TCP transport, file storage, proposers in the leader's process. */
export const quorateSystem: RaftSystem = { name: 'quorate', unavailable: () => undefined, measure };

async function measure(scratch: Scratch, plan: LoadPlan): Promise<ReadonlyMap<number, Load>> {
  const cluster = await RaftCluster.start(scratch);
  const leader = await cluster.leader();
  const loads = new Map<number, Load>();
  const most = Math.max(...plan.concurrencies);
  await cluster.load(leader, { type: 'commits', inFlight: most, seconds: 2 * plan.warmUpSeconds });
  for (const inFlight of plan.concurrencies) {
    await cluster.load(leader, { type: 'commits', inFlight, seconds: plan.warmUpSeconds });
    // Many in flight are that many in a moment.
    if (inFlight === 1) await cluster.tell(leader, { type: 'commit-count', inFlight, count: plan.warmUpCommits });
    loads.set(inFlight, await cluster.load(leader, { type: 'commits', inFlight, seconds: plan.seconds }));
  }
  return loads;
}

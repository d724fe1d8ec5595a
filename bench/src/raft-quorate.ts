import type { Load } from './closed-loop.ts';
import { RaftCluster } from './raft-cluster.ts';
import type { MeasuringTo } from './raft-node-messages.ts';
import type { LoadPlan, RaftSystem } from './raft-system.ts';
import type { Scratch } from './scratch.ts';

/** Ours: TCP transport, file storage, proposers in the leader's process. */
export const quorateSystem: RaftSystem = systemOf('quorate');

/** The same, measured. */
export const measuredSystems: readonly RaftSystem[] = [
  systemOf('quorate-prometheus', 'prometheus'),
  systemOf('quorate-opentelemetry', 'opentelemetry'),
];

function systemOf(name: RaftSystem['name'], telemetry?: MeasuringTo): RaftSystem {
  return { name, unavailable: () => undefined, measure: (scratch, plan) => measure(scratch, plan, telemetry) };
}

async function measure(
  scratch: Scratch,
  plan: LoadPlan,
  telemetry: MeasuringTo | undefined,
): Promise<ReadonlyMap<number, Load>> {
  const cluster = await RaftCluster.start(scratch, { telemetry });
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

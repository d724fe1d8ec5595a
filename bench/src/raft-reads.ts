import { median, report, rounded } from './benchmark.ts';
import type { Load } from './closed-loop.ts';
import { RAFT_IDS, RaftCluster } from './raft-cluster.ts';
import { Scratch } from './scratch.ts';

const IN_FLIGHT = 1024;
const WARM_UP_SECONDS = 1;

/** Linearizable reads on the leader, and on a follower, which asks the leader how far it has to be. */
export async function measureReads(rounds: number, seconds: number): Promise<void> {
  const loads = { leader: [] as Load[], follower: [] as Load[] };
  for (let round = 1; round <= rounds; round += 1) {
    await using scratch = new Scratch();
    const cluster = await RaftCluster.start(scratch);
    const leader = await cluster.leader();
    const follower = RAFT_IDS.find((id) => id !== leader) ?? '';
    for (const [where, id] of Object.entries({ leader, follower }) as ['leader' | 'follower', string][]) {
      await cluster.load(id, { type: 'reads', inFlight: IN_FLIGHT, seconds: WARM_UP_SECONDS });
      const load = await cluster.load(id, { type: 'reads', inFlight: IN_FLIGHT, seconds });
      console.error(JSON.stringify({ round, ...figures(where, [load]) }));
      loads[where].push(load);
    }
  }
  for (const where of ['leader', 'follower'] as const) report(figures(where, loads[where]));
}

function figures(where: string, loads: readonly Load[]): Record<string, string | number> {
  return {
    benchmark: 'raft',
    measure: 'linearizable-reads',
    on: where,
    concurrency: IN_FLIGHT,
    reads_per_s: rounded(median(loads.map(({ perSecond }) => perSecond))),
    p50_us: rounded(median(loads.map(({ p50 }) => p50 * 1000))),
    p99_us: rounded(median(loads.map(({ p99 }) => p99 * 1000))),
  };
}

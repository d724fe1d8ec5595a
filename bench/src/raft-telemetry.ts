import { median, report, rounded } from './benchmark.ts';
import { RAFT_IDS, RaftCluster } from './raft-cluster.ts';
import type { MeasuringTo } from './raft-node-messages.ts';
import { COMMAND_BYTES } from './raft-system.ts';
import { Scratch } from './scratch.ts';

const WAYS: readonly (MeasuringTo | undefined)[] = [undefined, 'prometheus', 'opentelemetry'];
const IN_FLIGHT = 256;
/** In which what is called often is compiled. */
const WARM_UP = 20_000;

interface Cost {
  readonly perSecond: number;
  /** Of the three processes, in microseconds for each commit. */
  readonly cpuUs: number;
  readonly leaderCpuUs: number;
}

/**
 * What it costs that commits are measured: the ways take turns, each on a cluster started afresh. Beside the time, which has
 * to do with whatever else the machine does, the CPU that it takes.
 */
export async function measureTelemetry(rounds: number, commits: number): Promise<void> {
  const costs = new Map<MeasuringTo | undefined, Cost[]>(WAYS.map((way) => [way, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [way, all] of costs) {
      const cost = await measure(way, commits);
      console.error(JSON.stringify({ round, telemetry: way ?? 'none', ...figures([cost]) }));
      all.push(cost);
    }
  }
  const none = costs.get(undefined) ?? [];
  for (const [way, all] of costs) {
    const ratioOf = (of: (cost: Cost) => number): number =>
      rounded(median(all.map((cost, round) => of(cost) / of(none[round] ?? cost))));
    const ratios = {
      commits_ratio: ratioOf(({ perSecond }) => perSecond),
      cpu_ratio: ratioOf(({ cpuUs }) => cpuUs),
      leader_cpu_ratio: ratioOf(({ leaderCpuUs }) => leaderCpuUs),
    };
    const about = { benchmark: 'raft', measure: 'telemetry', telemetry: way ?? 'none', in_flight: IN_FLIGHT };
    report({ ...about, payload_bytes: COMMAND_BYTES, ...figures(all), ...ratios });
  }
}

function figures(costs: readonly Cost[]): Record<string, number> {
  return {
    commits_per_s: rounded(median(costs.map(({ perSecond }) => perSecond))),
    cpu_us_per_commit: rounded(median(costs.map(({ cpuUs }) => cpuUs))),
    leader_cpu_us_per_commit: rounded(median(costs.map(({ leaderCpuUs }) => leaderCpuUs))),
  };
}

async function measure(telemetry: MeasuringTo | undefined, count: number): Promise<Cost> {
  await using scratch = new Scratch();
  // On a busy machine the leader is to stay the same.
  const cluster = await RaftCluster.start(scratch, { profile: 'wan', telemetry });
  const leader = await cluster.leader();
  await cluster.tell(leader, { type: 'commit-count', inFlight: IN_FLIGHT, count: WARM_UP });
  const before = await cpuOf(cluster);
  const began = performance.now();
  await cluster.tell(leader, { type: 'commit-count', inFlight: IN_FLIGHT, count });
  const ms = performance.now() - began;
  const after = await cpuOf(cluster);
  const spent = RAFT_IDS.map((id) => (after.get(id) ?? 0) - (before.get(id) ?? 0));
  const ofLeader = (after.get(leader) ?? 0) - (before.get(leader) ?? 0);
  const perCommit = (cpuMs: number): number => (cpuMs * 1000) / count;
  return {
    perSecond: (count * 1000) / ms,
    cpuUs: perCommit(spent.reduce((sum, each) => sum + each, 0)),
    leaderCpuUs: perCommit(ofLeader),
  };
}

async function cpuOf(cluster: RaftCluster): Promise<ReadonlyMap<string, number>> {
  const usages = await Promise.all(RAFT_IDS.map(async (id) => [id, (await cluster.usage(id)).cpuMs] as const));
  return new Map(usages);
}

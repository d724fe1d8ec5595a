import { percentile, report, rounded } from './benchmark.ts';
import { RAFT_IDS, RaftCluster } from './raft-cluster.ts';
import { Scratch } from './scratch.ts';

/** How often each node proposes. Shorter than what is measured, and long enough to leave the machine idle. */
const PROBE_MS = 4;

/** From SIGKILL of the leader to the acknowledgement of a command that was proposed after it. */
export async function measureFailover(kills: number): Promise<void> {
  await using scratch = new Scratch();
  const cluster = await RaftCluster.start(scratch, { profile: 'fast' });
  for (const id of RAFT_IDS) await cluster.tell(id, { type: 'probe', everyMs: PROBE_MS });
  const samples: number[] = [];
  for (let round = 1; round <= kills; round += 1) {
    const leader = await cluster.leader();
    const killedAt = Number(process.hrtime.bigint()) / 1e6;
    const committed = nextCommit(cluster, killedAt);
    await cluster.kill(leader);
    samples.push((await committed) - killedAt);
    console.error(JSON.stringify({ round, failover_ms: rounded(samples.at(-1) ?? Number.NaN) }));
    await restart(cluster, leader);
  }
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => rounded(percentile(sorted, share));
  const about = { benchmark: 'raft', measure: 'failover', profile: 'fast', samples: sorted.length };
  report({ ...about, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) });
}

function nextCommit(cluster: RaftCluster, after: number): Promise<number> {
  return cluster.next((_, each) => (each.type === 'committed' && each.proposedAt > after ? each.at : undefined));
}

/** The next round begins when it has applied what the others have. */
async function restart(cluster: RaftCluster, id: string): Promise<void> {
  cluster.start(id);
  await cluster.leader();
  await cluster.tell(id, { type: 'catch-up' });
  await cluster.tell(id, { type: 'probe', everyMs: PROBE_MS });
}

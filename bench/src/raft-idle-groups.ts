import { report, rounded } from './benchmark.ts';
import { RAFT_IDS, RaftCluster } from './raft-cluster.ts';
import { Scratch } from './scratch.ts';

/** Within which all groups have a leader. */
const FORM_MS = 120_000;
/** After that, until they are quiet. */
const SETTLE_MS = 10_000;
const WATCH_MS = 10_000;
const LOOK_MS = 500;

/**
 * What groups cost that do nothing: memory and CPU of each of three processes that have a replica of each, since they formed
 * them, and once they were started again.
 */
export async function measureIdleGroups(groups: number): Promise<void> {
  await using scratch = new Scratch();
  const cluster = await RaftCluster.start(scratch, { groups });
  await watch(cluster, groups, 'formed');
  for (const id of RAFT_IDS) await cluster.kill(id);
  for (const id of RAFT_IDS) cluster.start(id);
  await cluster.leader();
  await watch(cluster, groups, 'restarted');
}

async function watch(cluster: RaftCluster, groups: number, since: 'formed' | 'restarted'): Promise<void> {
  await allLed(cluster, groups);
  await pause(SETTLE_MS);
  const before = await usages(cluster);
  await pause(WATCH_MS);
  const after = await usages(cluster);
  for (const [at, id] of RAFT_IDS.entries()) {
    const cpuMs = (after[at]?.cpuMs ?? Number.NaN) - (before[at]?.cpuMs ?? Number.NaN);
    report({
      benchmark: 'raft',
      measure: 'idle-groups',
      groups,
      since,
      node: id,
      rss_mb: rounded(after[at]?.rssMb ?? Number.NaN),
      cpu_percent: rounded((cpuMs / WATCH_MS) * 100),
    });
  }
}

async function allLed(cluster: RaftCluster, groups: number): Promise<void> {
  const end = performance.now() + FORM_MS;
  for (;;) {
    const led = (await usages(cluster)).map(({ ledGroups }) => ledGroups);
    if (Math.min(...led) === groups) return;
    if (performance.now() > end) throw new Error(`of ${groups} groups, ${led.join(', ')} have a leader on the nodes`);
    await pause(LOOK_MS);
  }
}

function usages(cluster: RaftCluster): ReturnType<typeof Promise.all<ReturnType<RaftCluster['usage']>[]>> {
  return Promise.all(RAFT_IDS.map((id) => cluster.usage(id)));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

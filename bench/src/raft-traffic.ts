import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { report, rounded } from './benchmark.ts';
import { RAFT_IDS, RaftCluster } from './raft-cluster.ts';
import { COMMAND_BYTES } from './raft-system.ts';
import { Scratch } from './scratch.ts';

const IN_FLIGHT = 1024;
const STEPS = 20;

interface Sample {
  /** The most of any of the three. */
  readonly rssMb: number;
  readonly diskMb: number;
}

/** Commits so many gigabytes, and watches whether memory and disk stay bounded. */
export async function measureTraffic(gigabytes: number): Promise<void> {
  await using scratch = new Scratch();
  const cluster = await RaftCluster.start(scratch);
  const samples: Sample[] = [];
  const count = Math.ceil((gigabytes * 1e9) / COMMAND_BYTES / STEPS);
  for (let step = 1; step <= STEPS; step += 1) {
    await cluster.tell(await cluster.leader(), { type: 'commit-count', inFlight: IN_FLIGHT, count });
    const sample = await sampleOf(cluster);
    console.error(JSON.stringify({ committed_gb: rounded((gigabytes * step) / STEPS), ...figures([sample]) }));
    samples.push(sample);
  }
  const about = { benchmark: 'raft', measure: 'traffic', committed_gb: gigabytes };
  report({ ...about, part: 'first half', ...figures(samples.slice(0, STEPS / 2)) });
  report({ ...about, part: 'second half', ...figures(samples.slice(STEPS / 2)) });
}

function figures(samples: readonly Sample[]): Record<string, number> {
  return {
    max_rss_mb: rounded(Math.max(...samples.map(({ rssMb }) => rssMb))),
    max_disk_mb: rounded(Math.max(...samples.map(({ diskMb }) => diskMb))),
  };
}

async function sampleOf(cluster: RaftCluster): Promise<Sample> {
  const usages = await Promise.all(RAFT_IDS.map((id) => cluster.usage(id)));
  return {
    rssMb: Math.max(...usages.map(({ rssMb }) => rssMb)),
    diskMb: Math.max(...RAFT_IDS.map((id) => bytesBelow(cluster.directory(id)) / 1e6)),
  };
}

function bytesBelow(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return files.reduce(
    (sum, file) => sum + (statSync(path.join(directory, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

import { median, report, rounded } from './benchmark.ts';
import { RaftCluster } from './raft-cluster.ts';
import { Scratch } from './scratch.ts';

const IN_FLIGHT = 64;
const LOOKUPS = 64;

/** Commits while lookups hang in the leader's process, beside commits while none do, in turns. */
export async function measureHungLookups(rounds: number, seconds: number): Promise<void> {
  await using scratch = new Scratch();
  const cluster = await RaftCluster.start(scratch);
  const leader = await cluster.leader();
  const commit = async (): Promise<number> => {
    const { perSecond } = await cluster.load(leader, { type: 'commits', inFlight: IN_FLIGHT, seconds });
    return perSecond;
  };
  await commit();
  const rates = { free: [] as number[], hung: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    rates.free.push(await commit());
    await cluster.tell(leader, { type: 'hang-lookups', count: LOOKUPS });
    rates.hung.push(await commit());
    const { answeredLookups } = await cluster.usage(leader);
    if (answeredLookups > 0) throw new Error(`${answeredLookups} lookups did not hang`);
    await cluster.tell(leader, { type: 'release-lookups' });
    console.error(JSON.stringify({ round, free: rates.free.at(-1), hung: rates.hung.at(-1) }));
  }
  report({
    benchmark: 'raft',
    measure: 'hung-lookups',
    lookups: LOOKUPS,
    concurrency: IN_FLIGHT,
    commits_per_s: rounded(median(rates.free)),
    commits_per_s_hung: rounded(median(rates.hung)),
    ratio: rounded(median(rates.hung.map((rate, at) => rate / (rates.free[at] ?? Number.NaN)))),
  });
}

import { median, report, rounded } from './benchmark.ts';
import type { Load } from './closed-loop.ts';
import { COMMAND_BYTES, type LoadPlan, type RaftSystem } from './raft-system.ts';
import { Scratch } from './scratch.ts';
import { takeTurns } from './turns.ts';

type Loads = ReadonlyMap<number, Load>;

/**
 * The systems take turns, each started afresh in each round. Each round is told on stderr; the medians, and those of the
 * ratios within each round, on stdout.
 */
export async function compare(systems: readonly RaftSystem[], rounds: number, plan: LoadPlan): Promise<void> {
  const results = await takeTurns(systems, rounds, async (system, round) => {
    const measured = await measureOnce(system, plan);
    for (const [concurrency, load] of measured) {
      console.error(JSON.stringify({ round, ...figures(system, concurrency, [load]) }));
    }
    return measured;
  });
  for (const concurrency of plan.concurrencies) {
    for (const [system, loads] of results) report(figures(system, concurrency, at(loads, concurrency)));
    reportRatios(results, concurrency);
  }
}

async function measureOnce(system: RaftSystem, plan: LoadPlan): Promise<Loads> {
  await using scratch = new Scratch();
  return await system.measure(scratch, plan);
}

function figures({ name }: RaftSystem, concurrency: number, loads: readonly Load[]): Record<string, string | number> {
  return {
    benchmark: 'raft',
    measure: 'commits',
    system: name,
    concurrency,
    payload_bytes: COMMAND_BYTES,
    commits_per_s: rounded(median(loads.map(({ perSecond }) => perSecond))),
    p50_us: rounded(median(loads.map(({ p50 }) => p50 * 1000))),
    p99_us: rounded(median(loads.map(({ p99 }) => p99 * 1000))),
  };
}

function reportRatios(results: ReadonlyMap<RaftSystem, readonly Loads[]>, concurrency: number): void {
  const entries = [...results].map(([{ name }, loads]) => [name, at(loads, concurrency)] as const);
  const ours = entries.find(([name]) => name === 'quorate')?.[1];
  for (const [name, theirs] of entries) {
    if (ours === undefined || name === 'quorate') continue;
    const ratio = median(ours.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? Number.NaN)));
    const p50Ratio = median(ours.map(({ p50 }, round) => p50 / (theirs[round]?.p50 ?? Number.NaN)));
    const rest = { [`quorate_to_${name}`]: rounded(ratio), p50_ratio: rounded(p50Ratio) };
    report({ benchmark: 'raft', measure: 'ratio', concurrency, ...rest });
  }
}

function at(loads: readonly Loads[], concurrency: number): readonly Load[] {
  return loads.flatMap((each) => each.get(concurrency) ?? []);
}

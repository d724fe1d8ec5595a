import { parseArgs } from 'node:util';

import { type Benchmark, median, report, rounded } from './benchmark.ts';
import { closedLoop } from './closed-loop.ts';
import { startNet, startQuorate, type System } from './transport-systems.ts';

export const transport: Benchmark = {
  name: 'transport',
  description:
    'transport-tcp, plain and secured, beside plain framed net, two processes: [--seconds 1] [--rounds 5] [--payload 128]',
  run,
};

interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  readonly payloadBytes: number;
}

const CHUNK_BYTES = 16 * 1024;
const MIB = 1024 * 1024;

async function run(args: readonly string[]): Promise<void> {
  const settings = settingsFrom(args);
  const systems = [await startNet(), await startQuorate('quorate'), await startQuorate('quorate-tls')];
  for (const inFlight of [1, 64]) await compareTrips(systems, inFlight, settings);
  for (const mode of ['messages', 'stream']) await comparePumps(systems, mode, settings);
  for (const system of systems) await system.close();
}

function settingsFrom(args: readonly string[]): Settings {
  const options = { seconds: { type: 'string' }, rounds: { type: 'string' }, payload: { type: 'string' } } as const;
  const { seconds = '1', rounds = '5', payload = '128' } = parseArgs({ args: [...args], options }).values;
  return { seconds: Number(seconds), rounds: Number(rounds), payloadBytes: Number(payload) };
}

/** The systems take turns, so that what else the machine does hits all; the median of the rounds counts. */
async function inTurns<T>(
  systems: readonly System[],
  rounds: number,
  once: (system: System) => Promise<T>,
): Promise<ReadonlyMap<System, readonly T[]>> {
  const results = new Map<System, T[]>(systems.map((system) => [system, []]));
  for (const system of systems) await once(system);
  for (let round = 0; round < rounds; round += 1) {
    for (const [system, list] of results) list.push(await once(system));
  }
  return results;
}

async function compareTrips(systems: readonly System[], inFlight: number, settings: Settings): Promise<void> {
  const { rounds, seconds, payloadBytes } = settings;
  const payload = new Uint8Array(payloadBytes).fill(7);
  const results = await inTurns(systems, rounds, (system) => {
    const check = (echoed: Uint8Array): void => {
      if (echoed.length !== payload.length) throw new Error(`${system.name} did not echo`);
    };
    return closedLoop(() => system.echo(payload), inFlight, seconds, check);
  });
  const about = { benchmark: 'transport', measure: 'round-trips', in_flight: inFlight, payload_bytes: payloadBytes };
  for (const [{ name }, trips] of results) {
    report({
      ...about,
      system: name,
      per_second: rounded(median(trips.map(({ perSecond }) => perSecond))),
      p50_ms: rounded(median(trips.map(({ p50 }) => p50))),
      p99_ms: rounded(median(trips.map(({ p99 }) => p99))),
    });
  }
  reportRatio(
    about,
    [...results.values()].map((trips) => median(trips.map(({ perSecond }) => perSecond))),
  );
}

async function comparePumps(systems: readonly System[], mode: string, { rounds, seconds }: Settings): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES).fill(7);
  const count = Math.round((seconds * 400 * MIB) / CHUNK_BYTES);
  const results = await inTurns(systems, rounds, async (system) => {
    const begin = performance.now();
    await system.pumps[mode]?.(chunk, count);
    return (CHUNK_BYTES * count) / 1e6 / ((performance.now() - begin) / 1000);
  });
  const about = { benchmark: 'transport', measure: 'throughput', mode, chunk_bytes: CHUNK_BYTES };
  for (const [{ name }, rates] of results) {
    report({ ...about, system: name, mb_per_second: rounded(median(rates)) });
  }
  reportRatio(about, [...results.values()].map(median));
}

function reportRatio(
  about: Record<string, string | number>,
  [net = 0, quorate = 0, secured = 0]: readonly number[],
): void {
  const ratios = { quorate_to_net: rounded(quorate / net), tls_to_plain: rounded(secured / quorate) };
  report({ ...about, measure: 'ratio', of: about['measure'] ?? '', ...ratios });
}

import { parseArgs } from 'node:util';
import { type Benchmark, median, report, rounded } from './benchmark.ts';
import { BODY_BYTES, type BrokerLoadTask } from './broker-client.ts';
import { measureMachine } from './broker-machine.ts';
import { natsBrokerAsItComes, syncedNatsBroker } from './broker-nats.ts';
import { quorateBroker } from './broker-quorate.ts';
import { BrokerClients, type BrokerSystem } from './broker-system.ts';
import type { Load } from './closed-loop.ts';
import { Scratch } from './scratch.ts';

const systems: readonly BrokerSystem[] = [quorateBroker, syncedNatsBroker, natsBrokerAsItComes];

type Kind = Omit<BrokerLoadTask, 'seconds'>;

const kinds: readonly Kind[] = (['publish', 'cycle'] as const).flatMap((measure) => [
  { measure, concurrency: 1, batch: 1 },
  { measure, concurrency: 64, batch: 1 },
  { measure, concurrency: 256, batch: 1 },
  { measure, concurrency: 16, batch: 100 },
]);

/** Three processes on loopback, durable, 256-byte messages, clients in a process of their own. The systems take turns. */
export const broker: Benchmark = {
  name: 'broker',
  description:
    "the demo's broker over HTTP beside NATS JetStream: [--seconds 4] [--rounds 3] [--systems quorate,nats-sync,nats]; or " +
    '--machine <messages>',
  run,
};

const options = {
  seconds: { type: 'string', default: '4' },
  rounds: { type: 'string', default: '3' },
  systems: { type: 'string', default: systems.map(({ name }) => name).join(',') },
  machine: { type: 'string' },
} as const;

async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  if (values.machine !== undefined) return await measureMachine(positive('machine', values.machine));
  const seconds = positive('seconds', values.seconds);
  const rounds = positive('rounds', values.rounds);
  const present = chosen(values.systems.split(',')).filter(isAvailable);
  const results = new Map(present.map((system) => [system, kinds.map((): Load[] => [])]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [system, loads] of results) {
      const measured = await measureOnce(system, seconds);
      measured.forEach((load, at) => loads[at]?.push(load));
      kinds.forEach((kind, at) =>
        console.error(JSON.stringify({ round, ...figures(system, kind, measured.slice(at, at + 1)) })),
      );
    }
  }
  kinds.forEach((kind, at) => {
    for (const [system, loads] of results) report(figures(system, kind, loads[at] ?? []));
  });
}

async function measureOnce(system: BrokerSystem, seconds: number): Promise<readonly Load[]> {
  await using scratch = new Scratch();
  const clients = await BrokerClients.start(scratch, await system.start(scratch));
  const loads: Load[] = [];
  // Cycles, which leave nothing behind, until most of it is compiled.
  await clients.load({ measure: 'cycle', concurrency: 64, batch: 1, seconds });
  for (const kind of kinds) {
    await clients.load({ ...kind, measure: 'cycle', seconds: Math.min(1, seconds) });
    loads.push(await clients.load({ ...kind, seconds }));
  }
  return loads;
}

function figures(
  { name }: BrokerSystem,
  { measure, concurrency, batch }: Kind,
  loads: readonly Load[],
): Record<string, string | number> {
  return {
    benchmark: 'broker',
    measure,
    system: name,
    concurrency,
    batch,
    payload_bytes: BODY_BYTES,
    messages_per_s: rounded(median(loads.map(({ perSecond }) => perSecond))),
    p50_ms: rounded(median(loads.map(({ p50 }) => p50))),
    p99_ms: rounded(median(loads.map(({ p99 }) => p99))),
  };
}

function isAvailable(system: BrokerSystem): boolean {
  const why = system.unavailable();
  if (why !== undefined) console.error(`SKIPPED ${system.name}: ${why}`);
  return why === undefined;
}

function chosen(names: readonly string[]): readonly BrokerSystem[] {
  for (const name of names) if (!systems.some((system) => system.name === name)) throw new Error(`no system ${name}`);
  return systems.filter(({ name }) => names.includes(name));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a positive number, got ${text}`);
  return value;
}

import { parseArgs } from 'node:util';
import { type Benchmark, median, positive, report, rounded } from './benchmark.ts';
import { BODY_BYTES, type BrokerLoadTask } from './broker-client.ts';
import { measureMachine } from './broker-machine.ts';
import { natsBrokerAsItComes, syncedNatsBroker } from './broker-nats.ts';
import { quorateBroker } from './broker-quorate.ts';
import { BrokerClients, type BrokerSystem } from './broker-system.ts';
import type { Load } from './closed-loop.ts';
import { Scratch } from './scratch.ts';
import { chosen, takeTurns } from './turns.ts';

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
  const results = await takeTurns(chosen(systems, values.systems), rounds, async (system, round) => {
    const loads = await measureOnce(system, seconds);
    kinds.forEach((kind, at) =>
      console.error(JSON.stringify({ round, ...figures(system, kind, loads.slice(at, at + 1)) })),
    );
    return loads;
  });
  kinds.forEach((kind, at) => {
    for (const [system, measured] of results) {
      const loads = measured.flatMap((each) => each[at] ?? []);
      report(figures(system, kind, loads));
    }
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

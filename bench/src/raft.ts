import { parseArgs } from 'node:util';

import type { Benchmark } from './benchmark.ts';
import { bareSystem } from './raft-bare.ts';
import { compare } from './raft-compare.ts';
import { etcdSystem } from './raft-etcd.ts';
import type { RaftSystem } from './raft-system.ts';

const systems: readonly RaftSystem[] = [bareSystem, etcdSystem];
/** Commands in flight: those that the bare pipeline measures. */
const CONCURRENCIES = [1, 64, 1024];

/** Three processes on loopback, durable; see `docs/performance.md` for how each measure is taken. */
export const raft: Benchmark = {
  name: 'raft',
  description: 'commits beside a bare pipeline and etcd: [--seconds 4] [--rounds 5] [--systems bare,etcd]',
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const options = {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    systems: { type: 'string', default: systems.map(({ name }) => name).join(',') },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const names = values.systems.split(',');
  for (const name of names) if (!systems.some((system) => system.name === name)) throw new Error(`no system ${name}`);
  const seconds = positive('seconds', values.seconds);
  const plan = {
    concurrencies: CONCURRENCIES,
    seconds,
    warmUpSeconds: Math.min(1, seconds),
  };
  await compare(
    systems.filter(({ name }) => names.includes(name)),
    positive('rounds', values.rounds),
    plan,
  );
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a positive number, got ${text}`);
  return value;
}

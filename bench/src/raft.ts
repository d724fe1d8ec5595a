import { parseArgs } from 'node:util';

import { type Benchmark, positive } from './benchmark.ts';
import { bareSystem } from './raft-bare.ts';
import { compare } from './raft-compare.ts';
import { etcdSystem } from './raft-etcd.ts';
import { measureFailover } from './raft-failover.ts';
import { measureHungLookups } from './raft-hung-lookups.ts';
import { measureIdleGroups } from './raft-idle-groups.ts';
import { quorateSystem } from './raft-quorate.ts';
import { measureReads } from './raft-reads.ts';
import type { RaftSystem } from './raft-system.ts';
import { measureTelemetry } from './raft-telemetry.ts';
import { measureTraffic } from './raft-traffic.ts';
import { chosen } from './turns.ts';

const systems: readonly RaftSystem[] = [quorateSystem, bareSystem, etcdSystem];
/** Commands in flight: those that the bare pipeline measures. */
const CONCURRENCIES = [1, 64, 1024];
/** At one in flight it takes some ten seconds until there is little left to compile. */
const COMMITS_UNTIL_COMPILED = 20_000;

/**
 * Three processes on loopback, durable, 256-byte commands. The systems take turns, each started afresh; ours is driven
 * from within the leader's process, as the bare pipeline is, and etcd by its client in this one.
 */
export const raft: Benchmark = {
  name: 'raft',
  description:
    'commits beside a bare pipeline and etcd: [--seconds 4] [--rounds 5] [--systems quorate,bare,etcd]; or one of ' +
    '--telemetry <commits>, --reads, --failover <kills>, --idle-groups <count>, --traffic <GB>, --hung-dns',
  run,
};

const options = {
  seconds: { type: 'string', default: '4' },
  rounds: { type: 'string', default: '5' },
  systems: { type: 'string', default: systems.map(({ name }) => name).join(',') },
  telemetry: { type: 'string' },
  reads: { type: 'boolean' },
  failover: { type: 'string' },
  'idle-groups': { type: 'string' },
  traffic: { type: 'string' },
  'hung-dns': { type: 'boolean' },
} as const;

async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  const seconds = positive('seconds', values.seconds);
  const rounds = positive('rounds', values.rounds);
  if (values.reads === true) return await measureReads(rounds, seconds);
  if (values.telemetry !== undefined) return await measureTelemetry(rounds, positive('telemetry', values.telemetry));
  if (values['hung-dns'] === true) return await measureHungLookups(rounds, seconds);
  if (values.failover !== undefined) return await measureFailover(positive('failover', values.failover));
  if (values.traffic !== undefined) return await measureTraffic(positive('traffic', values.traffic));
  const { 'idle-groups': groups } = values;
  if (groups !== undefined) return await measureIdleGroups(positive('idle-groups', groups));
  const warmUp = Math.min(1, seconds);
  const warmUpCommits = Math.ceil(warmUp * COMMITS_UNTIL_COMPILED);
  const plan = { concurrencies: CONCURRENCIES, seconds, warmUpSeconds: warmUp, warmUpCommits };
  await compare(chosen(systems, values.systems), rounds, plan);
}

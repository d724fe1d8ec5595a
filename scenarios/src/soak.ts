// Simulated lives of a cluster without end: `npm run soak -- --help`.
import { parseArgs } from 'node:util';
import type { ElectionParts } from './election-run.ts';
import { runElectionSeed } from './election-seeds.ts';
import { runFormation } from './formation/run-formation.ts';
import { runFuzz } from './fuzz/run-fuzz.ts';
import { runStorageFuzz } from './fuzz/run-storage-fuzz.ts';
import { runLeases } from './leases/run-leases.ts';
import { runLocks } from './locks/run-locks.ts';
import { runMembership } from './membership/run-membership.ts';
import { memoryParts, raftParts, sharedRaftParts, volatileParts, wholeNodeParts } from './parts.ts';
import { type ReplicationParts, strainedParts } from './replication/replication-parts.ts';
import { runReplication } from './replication/run-replication.ts';
import { runSingletons } from './singletons/run-singletons.ts';

/** What one life came to. */
interface Life {
  readonly trace: string;
  readonly recoveredAfterMs: number;
  readonly grants?: number;
  readonly commands?: number;
}

/** With limits so low that all of them are met; made when it is first asked for. */
let strained: Promise<ReplicationParts> | undefined;
const REPORT_EVERY_MS = 10_000;
const kinds: Readonly<Record<string, (seed: number) => Promise<Life>>> = {
  messages: electing(memoryParts),
  volatile: electing(volatileParts),
  nodes: electing(wholeNodeParts),
  raft: electing(() => raftParts(memoryParts())),
  shared: electing(() => sharedRaftParts(wholeNodeParts())),
  replication: (seed) => runReplication(seed),
  formation: (seed) => runFormation(seed),
  singletons: (seed) => runSingletons(seed),
  leases: (seed) => runLeases(seed),
  locks: (seed) => runLocks(seed),
  membership: (seed) => runMembership(seed),
  fuzz: (seed) => runFuzz(seed),
  storage: async (seed) => ({ ...(await runStorageFuzz(seed)), recoveredAfterMs: 0 }),
  strained: async (seed) => runReplication(seed, await (strained ??= strainedParts())),
};

const USAGE = `npm run soak -- [--seed N] [--seeds COUNT] [--parts ${Object.keys(kinds).join(',')}]
  --seed N       begin with this seed; without --seeds live just this one, and print its trace
  --seeds COUNT  end after so many; without it, go on until something breaks
  --parts LIST   what lives, separated by commas: nodes that elect, made of this or that, that replicate (strained: with low
                 limits), that form a cluster, that lead and lock by the leases of an engine, that
                 gossip about each other, that are lied to (fuzz), or storages that
                 are damaged`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    parts: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true) {
  console.log(USAGE);
  process.exit();
}
const replay = values.seed !== undefined && values.seeds === undefined;
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = replay ? 1 : Number(values.seeds ?? Infinity);
const chosen = (values.parts?.split(',') ?? Object.keys(kinds)).map((kind) => ({ kind, live: lifeOf(kind) }));
let grants = 0;
let commands = 0;
let lives = 0;
let slowest = 0;
let reported = performance.now();
const started = performance.now();

function report(): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const done = `${grants} grants, ${commands} commands`;
  console.log(`${lives} lives, ${done}, slowest recovery ${slowest.toFixed(0)} ms, ${seconds} s`);
}

function electing(parts: () => ElectionParts): (seed: number) => Promise<Life> {
  return (seed) => runElectionSeed(seed, parts());
}

function lifeOf(kind: string): (seed: number) => Promise<Life> {
  const live = kinds[kind];
  if (live === undefined) throw new Error(`--parts must be of ${Object.keys(kinds).join(', ')}, got ${kind}`);
  return live;
}

for (let seed = first; seed < first + count; seed += 1) {
  for (const { kind, live } of chosen) {
    try {
      const life = await live(seed);
      if (replay) console.log(life.trace);
      grants += life.grants ?? 0;
      commands += life.commands ?? 0;
      slowest = Math.max(slowest, life.recoveredAfterMs);
      lives += 1;
    } catch (error) {
      console.error(error);
      console.error(`replay: npm run soak -- --seed ${seed} --parts ${kind}`);
      process.exit(1);
    }
  }
  if (performance.now() - reported < REPORT_EVERY_MS) continue;
  reported = performance.now();
  report();
}
report();

// Simulated lives of a cluster without end: `npm run soak -- --help`.
import { parseArgs } from 'node:util';
import type { ElectionParts } from './election-run.ts';
import { runElectionSeed } from './election-seeds.ts';
import { memoryParts, volatileParts, wholeNodeParts } from './parts.ts';

const REPORT_EVERY_MS = 10_000;
const kinds: Readonly<Record<string, () => ElectionParts>> = {
  messages: memoryParts,
  volatile: volatileParts,
  nodes: wholeNodeParts,
};

const USAGE = `npm run soak -- [--seed N] [--seeds COUNT] [--parts ${Object.keys(kinds).join(',')}]
  --seed N       begin with this seed; without --seeds live just this one, and print its trace
  --seeds COUNT  end after so many; without it, go on until something breaks
  --parts LIST   what the nodes are made of, separated by commas`;

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
const chosen = values.parts === undefined ? Object.keys(kinds) : values.parts.split(',');
for (const kind of chosen) {
  if (!(kind in kinds)) throw new Error(`--parts must be of ${Object.keys(kinds).join(', ')}, got ${kind}`);
}

let grants = 0;
let lives = 0;
let slowest = 0;
let reported = performance.now();
const started = performance.now();

function report(): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${lives} lives, ${grants} grants, slowest recovery ${slowest.toFixed(0)} ms, ${seconds} s`);
}

for (let seed = first; seed < first + count; seed += 1) {
  for (const kind of chosen) {
    try {
      const result = await runElectionSeed(seed, (kinds[kind] ?? memoryParts)());
      if (replay) console.log(result.trace);
      grants += result.grants;
      slowest = Math.max(slowest, result.recoveredAfterMs);
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

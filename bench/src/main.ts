import type { Benchmark } from './benchmark.ts';
import { broker } from './broker.ts';
import { election } from './election.ts';
import { hostile } from './hostile.ts';
import { imports } from './imports.ts';
import { log } from './log.ts';
import { membership } from './membership.ts';
import { membershipProcesses } from './membership-processes.ts';
import { raft } from './raft.ts';
import { records } from './records.ts';
import { takeover } from './takeover.ts';
import { transport } from './transport.ts';

const benchmarks: readonly Benchmark[] = [
  broker,
  election,
  hostile,
  imports,
  log,
  membership,
  membershipProcesses,
  raft,
  records,
  takeover,
  transport,
];

const [name, ...args] = process.argv.slice(2);
const chosen = benchmarks.find((benchmark) => benchmark.name === name);

if (chosen !== undefined) {
  await chosen.run(args);
} else {
  if (name !== undefined) console.error(`there is no benchmark ${name}`);
  for (const { name: each, description } of benchmarks) console.log(`${each.padEnd(12)} ${description}`);
  process.exitCode = name === undefined ? 0 : 1;
}

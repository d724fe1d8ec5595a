import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Benchmark, median, report, rounded } from './benchmark.ts';
import { build, publishedModules } from './published-modules.ts';

const EMPTY = 'data:text/javascript,';
const DEFAULT_ROUNDS = 15;
const MAX_ROUNDS = 1_000;

/** How long importing each published package takes in a process that has imported nothing yet. */
export const imports: Benchmark = {
  name: 'imports',
  description: 'the first import of each published package, as built: [--rounds N]',
  run(args): Promise<void> {
    const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string' } } });
    const rounds = Number(values.rounds ?? DEFAULT_ROUNDS);
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) throw new Error(`--rounds: 1 to ${MAX_ROUNDS}`);
    build();
    measure(rounds);
    return Promise.resolve();
  },
};

/** What one import took, in milliseconds. */
interface Sample {
  /** On the clock. */
  readonly wall: number;
  /** Of all threads of the process; it doesn't count what else the machine does. */
  readonly cpu: number;
}

/** One after the other, in turn, so that what else the machine does meets all alike. */
function measure(rounds: number): void {
  const modules = [{ specifier: 'nothing', url: EMPTY }, ...publishedModules()];
  const samples = modules.map((): Sample[] => []);
  for (let round = 0; round < rounds; round += 1) {
    modules.forEach(({ url }, at) => samples[at]?.push(importOnce(url)));
  }
  const [nothing = [], ...rest] = samples.map(summarize);
  modules.slice(1).forEach(({ specifier }, at) => {
    const [p50 = 0, min = 0, cpu = 0] = (rest[at] ?? []).map((ms, figure) => rounded(ms - (nothing[figure] ?? 0)));
    const files = countFiles(modules[at + 1]?.url ?? EMPTY);
    report({ benchmark: 'imports', module: specifier, rounds, files, p50_ms: p50, min_ms: min, cpu_p50_ms: cpu });
  });
}

function summarize(samples: readonly Sample[]): readonly number[] {
  const walls = samples.map(({ wall }) => wall);
  return [median(walls), Math.min(...walls), median(samples.map(({ cpu }) => cpu))];
}

const PROGRAM = `const begun = performance.now();
const used = process.cpuUsage();
await import(process.argv[1]);
const wall = performance.now() - begun;
const { user, system } = process.cpuUsage(used);
process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1000 }), () => process.exit());`;

/** In a process that does nothing else. */
function importOnce(url: string): Sample {
  return JSON.parse(runAlone(PROGRAM, url)) as Sample;
}

const COUNTING_PROGRAM = `import { registerHooks } from 'node:module';
let files = 0;
registerHooks({
  load(url, context, next) {
    files += url.startsWith('file:') ? 1 : 0;
    return next(url, context);
  },
});
await import(process.argv[1]);
process.stdout.write(String(files), () => process.exit());`;

/** How many files are loaded: the package's own, and those that these import. */
function countFiles(url: string): number {
  return Number(runAlone(COUNTING_PROGRAM, url));
}

/** What the program prints. */
function runAlone(program: string, url: string): string {
  // Not as this process was started: conditions would lead to the sources.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const options = { encoding: 'utf8', env } as const;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program, url], options);
  if (stdout === '') throw new Error(`${url} cannot be imported: ${stderr}`);
  return stdout;
}

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { type Benchmark, percentile, report, rounded } from './benchmark.ts';
import { Scratch } from './scratch.ts';
import type { TakeoverEngine } from './takeover-engine.ts';
import { takeoverEngines } from './takeover-engines.ts';
import type { TakeoverReport } from './takeover-node-process.ts';

const IDS = ['a', 'b', 'c'];
const nodeProcess = new URL('takeover-node-process.ts', import.meta.url);
/** No takeover may take longer. */
const STEP_TIMEOUT_MS = 120_000;

/** Three processes that stand for one election on a server of its own; how long nobody leads after each way to end. */
export const takeover: Benchmark = {
  name: 'takeover',
  description:
    'time without a leader on engines: after SIGKILL and a graceful stop (--rounds 20 --engine etcd --ttl 5000)',
  async run(args: readonly string[]): Promise<void> {
    const options = {
      rounds: { type: 'string', default: '20' },
      engine: { type: 'string', default: takeoverEngines.map(({ name }) => name).join(',') },
      ttl: { type: 'string', default: '' },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    const rounds = Number(values.rounds);
    if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds must be positive, got ${values.rounds}`);
    for (const name of values.engine.split(',')) {
      const engine = takeoverEngines.find((known) => known.name === name);
      if (engine === undefined) throw new Error(`there is no engine ${name}`);
      const ttls = values.ttl === '' ? engine.ttlsMs : values.ttl.split(',').map(Number);
      for (const ttlMs of ttls) await measureEngine(engine, ttlMs, rounds);
    }
  },
};

async function measureEngine(engine: TakeoverEngine, ttlMs: number, rounds: number): Promise<void> {
  await using server = await engine.start();
  if (server === undefined) {
    console.error(`${engine.name} is not to be had here: nothing of it is measured`);
    return;
  }
  await using scratch = new Scratch();
  const nodes = new Nodes(scratch, [engine.name, server.place, String(ttlMs)]);
  await nodes.startAll();
  const killed: number[] = [];
  const stopped: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Not always in step with renewals.
    await pause((round / rounds) * (ttlMs / 6));
    killed.push(await nodes.takeoverAfter((leader) => nodes.kill(leader)));
    stopped.push(await nodes.takeoverAfter((leader) => nodes.stop(leader)));
  }
  tell({ engine: engine.name, ttl_ms: ttlMs, measure: 'SIGKILL to next grant' }, killed);
  tell({ engine: engine.name, ttl_ms: ttlMs, measure: 'graceful stop to next grant' }, stopped);
}

function tell(about: Readonly<Record<string, string | number>>, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => rounded(percentile(sorted, share));
  report({ benchmark: 'takeover', ...about, samples: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) });
}

/** Processes, and what they report. Times are of the machine's monotonic clock, common to all. */
class Nodes {
  readonly #scratch: Scratch;
  readonly #args: readonly string[];
  readonly #children = new Map<string, ChildProcess>();
  /** Whom each sees lead. */
  readonly #observed = new Map<string, string | undefined>();
  readonly #watchers = new Set<(report: TakeoverReport) => void>();

  constructor(scratch: Scratch, args: readonly string[]) {
    this.#scratch = scratch;
    this.#args = args;
  }

  async startAll(): Promise<void> {
    const granted = this.#next((told) => told.type === 'granted');
    for (const id of IDS) this.#start(id);
    await granted;
  }

  /** From how it ends, as told by that, to the next grant; whoever ended is then started again. */
  async takeoverAfter(end: (leader: string) => Promise<number>): Promise<number> {
    const leader = await this.#settledLeader();
    const granted = this.#next((told) => told.type === 'granted' && told.id !== leader);
    const endedAt = await end(leader);
    const { at } = await granted;
    this.#start(leader);
    return at - endedAt;
  }

  async kill(id: string): Promise<number> {
    const at = Number(process.hrtime.bigint()) / 1e6;
    await this.#end(id, (child) => child.kill('SIGKILL'));
    return at;
  }

  async stop(id: string): Promise<number> {
    const stopping = this.#next((told) => told.type === 'stopping' && told.id === id);
    await this.#end(id, (child) => child.send('stop'));
    return (await stopping).at;
  }

  async #end(id: string, how: (child: ChildProcess) => unknown): Promise<void> {
    const child = this.#children.get(id);
    if (child === undefined) throw new Error(`${id} doesn't run`);
    const exited = once(child, 'exit');
    how(child);
    await exited;
    this.#children.delete(id);
    this.#observed.delete(id);
  }

  #start(id: string): void {
    const child = this.#scratch.fork(nodeProcess, [id, ...this.#args]);
    this.#children.set(id, child);
    child.on('message', (message) => this.#receive(message as TakeoverReport));
  }

  /** The one that all of them see lead: then all of them stand. */
  async #settledLeader(): Promise<string> {
    for (;;) {
      const [first, ...others] = IDS.map((id) => this.#observed.get(id));
      if (first !== undefined && others.every((other) => other === first)) return first;
      await this.#next(({ type }) => type === 'observed');
    }
  }

  #next(matches: (report: TakeoverReport) => boolean): Promise<TakeoverReport> {
    const { promise, resolve, reject } = Promise.withResolvers<TakeoverReport>();
    const late = () => reject(new Error(`nothing happened within ${STEP_TIMEOUT_MS} ms`));
    const timer = setTimeout(late, STEP_TIMEOUT_MS);
    const watcher = (told: TakeoverReport) => {
      if (!matches(told)) return;
      clearTimeout(timer);
      this.#watchers.delete(watcher);
      resolve(told);
    };
    this.#watchers.add(watcher);
    return promise;
  }

  #receive(told: TakeoverReport): void {
    if (told.type === 'observed') this.#observed.set(told.id, told.leader);
    for (const watcher of this.#watchers) watcher(told);
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stablePorts } from '@quorate/test-servers';
import { NodeSupervisor } from '../processes/node-supervisor.ts';
import { OperationLog } from '../processes/operation-log.ts';
import { findFaults } from '../processes/verdict.ts';
import { post } from './post.ts';
import { RollingLoad } from './rolling-load.ts';
import type { LeadershipLine, RollingSettings } from './rolling-protocol.ts';

export interface RollingRunOptions {
  readonly seed: number;
  /** How often each node is restarted. */
  readonly rounds: number;
  readonly secret?: string;
  readonly membership: RollingSettings['membership'];
}

export interface RollingRunResult {
  /** Requests that failed though they were repeated once at another node. */
  readonly failures: readonly string[];
  /** Names of writes that were lost with a connection of a node that was stopping: nobody repeats those. */
  readonly unanswered: readonly string[];
  /** What else is wrong: with the history, or with what the replicas have. */
  readonly wrong: readonly string[];
  readonly done: number;
  /** How long nobody led, each time when leadership was handed over. */
  readonly gapsMs: readonly number[];
  /** For people. */
  readonly told: readonly string[];
}

const IDS = ['a', 'b', 'c', 'd', 'e'];
const PROGRAM = fileURLToPath(new URL('rolling-node-process.ts', import.meta.url));
const CLIENTS = 10;
const START_MS = 60_000;
const STOP_MS = 30_000;
const REST_MS = 300;
const AGREE_MS = 30_000;

/** Five processes that are restarted in turn, whoever leads first, while clients go on. */
export async function runRolling(options: RollingRunOptions): Promise<RollingRunResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'quorate-rolling-'));
  try {
    const all = await stablePorts(2 * IDS.length);
    const ports = Object.fromEntries(IDS.map((id, at) => [id, all[at] ?? 0]));
    const clientPorts = new Map(IDS.map((id, at) => [id, all[IDS.length + at] ?? 0]));
    const { secret, membership } = options;
    const settings = IDS.map((id): RollingSettings => ({
      id,
      directory: path.join(directory, id),
      ports,
      clientPort: clientPorts.get(id) ?? 0,
      membership,
      ...(secret !== undefined && { secret }),
    }));
    await using supervisor = new NodeSupervisor(settings, PROGRAM);
    return await new RollingRun(options, supervisor, clientPorts).live();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class RollingRun {
  readonly #rounds: number;
  readonly #supervisor: NodeSupervisor;
  readonly #clientPorts: ReadonlyMap<string, number>;
  readonly #log = new OperationLog();
  readonly #load: RollingLoad;
  readonly #told: string[] = [];
  #restarting: string | undefined;

  constructor(
    { seed, rounds }: RollingRunOptions,
    supervisor: NodeSupervisor,
    clientPorts: ReadonlyMap<string, number>,
  ) {
    this.#rounds = rounds;
    this.#supervisor = supervisor;
    this.#clientPorts = clientPorts;
    const isRestarting = (id: string): boolean => id === this.#restarting;
    this.#load = new RollingLoad({ seed, clients: CLIENTS, clientPorts, log: this.#log, isRestarting });
  }

  async live(): Promise<RollingRunResult> {
    try {
      for (const id of IDS) this.#supervisor.start(id);
      await Promise.all(IDS.map((id) => this.#supervisor.ready(id, START_MS)));
      const end = new AbortController();
      const load = this.#load.run(end.signal);
      try {
        for (let round = 0; round < this.#rounds; round += 1) await this.#restartAll();
        await rest();
      } finally {
        end.abort();
        await load;
      }
      const journals = await this.#journals();
      const { failures, unanswered, done } = this.#load;
      const wrong = [...findFaults(this.#log, journals), ...doneUnanswered(unanswered, journals)];
      return { failures, unanswered, wrong, done, gapsMs: this.#gaps('handed over'), told: this.#tell() };
    } catch (error) {
      throw new Error([String(error), ...this.#tell()].join('\n'), { cause: error });
    }
  }

  /** Whoever leads is next, if it has not been yet: so leadership moves as often as it can. */
  async #restartAll(): Promise<void> {
    const left = new Set(IDS);
    while (left.size > 0) {
      const leader = this.#leader();
      const id = leader !== undefined && left.has(leader) ? leader : ([...left][0] ?? '');
      left.delete(id);
      await this.#restart(id, id === leader);
      await rest();
    }
  }

  async #restart(id: string, leads: boolean): Promise<void> {
    const since = performance.now();
    this.#restarting = id;
    await this.#supervisor.stop(id, STOP_MS);
    const stopped = performance.now();
    this.#supervisor.start(id);
    await this.#supervisor.ready(id, START_MS);
    this.#restarting = undefined;
    const [stopMs, startMs] = [stopped - since, performance.now() - stopped].map((ms) => ms.toFixed(0));
    this.#told.push(`restarted ${id}${leads ? ', which led' : ''}: stopped in ${stopMs} ms, ready after ${startMs} ms`);
  }

  /** Of all processes, in order. */
  #leaderships(): readonly (LeadershipLine & { readonly id: string })[] {
    const lines = IDS.flatMap((id) => {
      const told = this.#supervisor.output(id).filter((line) => line.startsWith('{"leadership"'));
      return told.map((line) => ({ ...(JSON.parse(line) as LeadershipLine), id }));
    });
    return lines.sort((one, other) => one.atMs - other.atMs);
  }

  #leader(): string | undefined {
    const last = this.#leaderships().at(-1);
    return last?.leadership === 'acquired' ? last.id : undefined;
  }

  /** From each end of a leadership to the next one. */
  #gaps(end: 'lapsed' | 'handed over'): readonly number[] {
    const all = this.#leaderships();
    return all.flatMap(({ leadership, atMs }, at) => {
      const before = all[at - 1];
      return leadership === 'acquired' && before?.leadership === end ? [atMs - before.atMs] : [];
    });
  }

  /** What every replica has done, once all have done the same. */
  async #journals(): Promise<ReadonlyMap<string, readonly string[]>> {
    const agent = new Agent({ keepAlive: true });
    const end = performance.now() + AGREE_MS;
    try {
      for (;;) {
        const journals = new Map<string, readonly string[]>();
        for (const [id, port] of this.#clientPorts) journals.set(id, await journalAt(agent, port));
        const lengths = new Set([...journals.values()].map(({ length }) => length));
        if (lengths.size === 1 && !lengths.has(0)) return journals;
        if (performance.now() > end) throw new Error(`replicas have done ${[...lengths].join(', ')} operations`);
        await rest();
      }
    } finally {
      agent.destroy();
    }
  }

  #tell(): readonly string[] {
    const { longestMs, longestSilenceMs, firstFailures, done, unanswered } = this.#load;
    const gaps = (end: 'lapsed' | 'handed over') => this.#gaps(end).map((ms) => ms.toFixed(0));
    return [
      ...this.#told,
      `${done} requests answered, the slowest after ${longestMs.toFixed(0)} ms; no write for ${longestSilenceMs.toFixed(0)} ms at most`,
      `${unanswered.length} writes were lost with connections of nodes that were stopping`,
      `nobody led for ${gaps('handed over').join(', ')} ms when leadership was handed over`,
      `and for ${gaps('lapsed').join(', ') || 'no'} ms when it could not be renewed in time, since the machine was too busy`,
      ...[...firstFailures].map(([what, count]) => `repeated: ${count} times ${what}`),
      ...IDS.flatMap((id) => this.#supervisor.output(id).map((line) => `${id} | ${line}`)),
    ];
  }
}

async function journalAt(agent: Agent, port: number): Promise<readonly string[]> {
  const journal: string[] = [];
  for (let before = -1; journal.length > before;) {
    before = journal.length;
    const page = await post(agent, port, { type: 'read', query: { type: 'journal', from: before } }, AGREE_MS);
    if (page.outcome === 'ok') journal.push(...(page.result as readonly string[]));
  }
  return journal;
}

/** A node that stops in order answers what it has taken: what is lost with a connection, it has not seen. */
function doneUnanswered(
  unanswered: readonly string[],
  journals: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const done = new Set([...journals.values()].flat());
  return unanswered.filter((op) => done.has(op)).map((op) => `${op} was done, and not answered`);
}

function rest(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, REST_MS));
}

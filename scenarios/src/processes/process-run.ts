import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Faults } from './faults.ts';
import { NodeSupervisor } from './node-supervisor.ts';
import { OperationLog } from './operation-log.ts';
import { ProxyMesh, stablePorts } from '@quorate/test-servers';
import { findFaults } from './verdict.ts';
import { Workload } from './workload.ts';

export interface ProcessRunOptions {
  readonly seed: number;
  /** For how long there is load, and faults. */
  readonly seconds: number;
}

export interface ProcessRunResult {
  /** What is wrong; nothing, if all is as it should be. */
  readonly wrong: readonly string[];
  /** Calls that were answered. */
  readonly done: number;
  /** From the end of all faults until every process has written. */
  readonly recoveredAfterMs: number;
  /** What was done to processes and links, and how often calls failed, by why: for people. */
  readonly told: readonly string[];
}

const IDS = ['a', 'b', 'c', 'd', 'e'];
/** A third in sessions, and some that only read. */
const CLIENTS = { clients: 18, sessions: 6, readers: 4 };
/** Within which all processes are there, and make progress, when nothing is broken. */
const RECOVERY_MS = 60_000;
const RETRY_MS = 50;

/**
 * Five processes that replicate a machine, with load and faults for some time; then peace, and a look at all that
 * happened.
 * @throws Error with the story of the run, when a process ended by itself or there was no progress in peace
 */
export async function runProcesses({ seed, seconds }: ProcessRunOptions): Promise<ProcessRunResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'quorate-processes-'));
  try {
    const ports = new Map((await stablePorts(IDS.length)).map((port, at) => [IDS[at] ?? '', port]));
    await using mesh = await ProxyMesh.create(ports);
    await using supervisor = new NodeSupervisor(
      IDS.map((id) => ({
        id,
        directory: path.join(directory, id),
        ports: Object.fromEntries(ports),
        routes: [...mesh.routesOf(id)],
      })),
    );
    return await new ProcessRun(seed, supervisor, mesh).live(seconds);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class ProcessRun {
  readonly #supervisor: NodeSupervisor;
  readonly #faults: Faults;
  readonly #log = new OperationLog();
  readonly #workload: Workload;

  constructor(seed: number, supervisor: NodeSupervisor, mesh: ProxyMesh) {
    this.#supervisor = supervisor;
    this.#faults = new Faults(seed, supervisor, mesh);
    this.#workload = new Workload({ seed, ...CLIENTS, supervisor, log: this.#log });
  }

  async live(seconds: number): Promise<ProcessRunResult> {
    try {
      for (const id of IDS) this.#supervisor.start(id);
      await this.#allWrite();
      const signal = AbortSignal.timeout(seconds * 1000);
      await Promise.all([this.#workload.run(signal), this.#faults.run(signal)]);
      const recoveredAfterMs = await this.#allWrite();
      const journals = await this.#finish();
      const wrong = findFaults(this.#log, journals);
      return { wrong, done: this.#workload.done, recoveredAfterMs, told: this.#tell() };
    } catch (error) {
      throw new Error([String(error), ...this.#tell()].join('\n'), { cause: error });
    }
  }

  /** Every process is there and writes; returns how long that took. */
  async #allWrite(): Promise<number> {
    const since = performance.now();
    await Promise.all(
      IDS.map(async (id) => {
        await this.#supervisor.ready(id, RECOVERY_MS);
        await this.#eventually(`${id} writes`, () => this.#workload.writeThrough(id));
      }),
    );
    return performance.now() - since;
  }

  /** What every replica has done, once all have done the same. */
  async #finish(): Promise<ReadonlyMap<string, readonly string[]>> {
    for (const [at, key] of this.#workload.keys.entries()) {
      await this.#eventually(`${key} is read`, () => this.#workload.readThrough(IDS[at % IDS.length] ?? '', key));
    }
    const journals = new Map<string, readonly string[]>();
    const haveAll = async (): Promise<boolean> => {
      for (const id of IDS) journals.set(id, await this.#workload.journalOf(id));
      const lengths = new Set([...journals.values()].map(({ length }) => length));
      // A write that was given up may still take effect: then some have read before it.
      return lengths.size === 1 && !lengths.has(0);
    };
    await this.#eventually('all replicas have done as much', haveAll);
    return journals;
  }

  async #eventually(what: string, attempt: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + RECOVERY_MS;
    while (!(await attempt())) {
      if (this.#supervisor.failure !== undefined) throw this.#supervisor.failure;
      if (performance.now() > end) throw new Error(`in peace, but not within ${RECOVERY_MS} ms: ${what}`);
      await new Promise((resolve) => void setTimeout(resolve, RETRY_MS));
    }
  }

  #tell(): readonly string[] {
    const failures = [...this.#log.codes].map(([what, count]) => `${count} times: ${what}`);
    const output = IDS.flatMap((id) => this.#supervisor.output(id).map((line) => `${id} | ${line}`));
    return [...this.#faults.told, ...failures, ...output];
  }
}

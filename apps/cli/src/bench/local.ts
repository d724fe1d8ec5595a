import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { raftProfiles } from '@quorate/replicator-raft';
import { exitCode, Failure } from '../failure.ts';
import type { Output } from '../output.ts';
import { BENCH_NODES, type FromNode, type ToNode } from './bench-messages.ts';
import { type Measured, measured, repeated } from './measured.ts';
import { showMeasured, showVerdict, type Verdict, verdictOf } from './shown.ts';

const SYNC_BYTES = 4096;
const MAX_SYNCS = 2000;
const COMMAND_BYTES = 256;
const IN_FLIGHT = 64;
const START_MS = 60_000;

interface Commits extends Measured {
  readonly inFlight: number;
  readonly perSecond: number;
}

/**
 * Whether a folder's disk is fit for the log of a node: what a sync takes, and what three nodes on it commit.
 * @throws Failure when it is interrupted, among others; nothing is left in the folder
 */
export async function benchLocal(data: string, forMs: number, output: Output, signal: AbortSignal): Promise<void> {
  await mkdir(data, { recursive: true });
  const folder = await mkdtemp(path.join(path.resolve(data), 'quorate-bench-'));
  try {
    const syncs = await syncLatency(folder, forMs, signal);
    await using nodes = await Nodes.start(folder, signal);
    const alone = await nodes.load({ type: 'load', forMs, inFlight: 1, bytes: COMMAND_BYTES });
    const many = await nodes.load({ type: 'load', forMs, inFlight: IN_FLIGHT, bytes: COMMAND_BYTES });
    const verdict = verdictOf(syncs.p99Ms, raftProfiles.lan.electionMs, 'a sync of this disk');
    output.result(
      { folder: data, syncBytes: SYNC_BYTES, commandBytes: COMMAND_BYTES, syncs, commits: [alone, many], verdict },
      () => show({ data, syncs, commits: [alone, many], verdict }, output),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface LocalResult {
  readonly data: string;
  readonly syncs: Measured;
  readonly commits: readonly Commits[];
  readonly verdict: Verdict;
}

function show({ data, syncs, commits, verdict }: LocalResult, output: Output): void {
  output.line(
    `${data}: ${SYNC_BYTES} bytes written and synced, and three processes that replicate commands of ${COMMAND_BYTES} bytes`,
  );
  output.line('');
  const rows = commits.map(({ inFlight, perSecond, ...latency }) => {
    return { name: `commit, ${inFlight} in flight (${perSecond}/s)`, ...latency };
  });
  showMeasured([{ name: 'write and sync', ...syncs }, ...rows], output);
  output.line('');
  showVerdict(verdict, output);
}

/** As a log is written: block after block, each durable before the next. */
async function syncLatency(folder: string, forMs: number, signal: AbortSignal): Promise<Measured> {
  await using file = await open(path.join(folder, 'sync'), 'w');
  await file.write(new Uint8Array(MAX_SYNCS * SYNC_BYTES));
  await file.sync();
  const block = randomBytes(SYNC_BYTES);
  const write = async (number: number) => {
    if (signal.aborted) throw interrupted();
    await file.write(block, 0, SYNC_BYTES, number * SYNC_BYTES);
    await file.datasync();
  };
  return measured(await repeated(write, { forMs, most: MAX_SYNCS }));
}

/** Three processes, of one cluster. */
class Nodes implements AsyncDisposable {
  readonly #processes: readonly ChildProcess[];
  readonly #leads = new Map<ChildProcess, boolean>();
  readonly #signal: AbortSignal;

  private constructor(processes: readonly ChildProcess[], signal: AbortSignal) {
    this.#processes = processes;
    this.#signal = signal;
    for (const each of processes) {
      each.on('message', (message: FromNode) => {
        if (message.type === 'role') this.#leads.set(each, message.isLeader);
      });
    }
  }

  static async start(folder: string, signal: AbortSignal): Promise<Nodes> {
    const program = new URL(`bench-node${path.extname(import.meta.url)}`, import.meta.url);
    const nodes = new Nodes(
      BENCH_NODES.map(() => fork(program, { stdio: 'ignore' })),
      signal,
    );
    try {
      await nodes.#startAll(folder);
      return nodes;
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #startAll(folder: string): Promise<void> {
    const secret = randomBytes(24).toString('hex');
    const seedNodes: string[] = [];
    for (const [number, nodeId] of BENCH_NODES.entries()) {
      const directory = path.join(folder, nodeId);
      const start = { type: 'start', nodeId, directory, secret, seedNodes } as const;
      const { address } = await this.#ask(this.#at(number), 'started', start, START_MS);
      seedNodes.push(address);
    }
  }

  /** Has whoever leads commit commands. */
  async load(order: Extract<ToNode, { type: 'load' }>): Promise<Commits> {
    const leader = await this.#leader();
    const { forMs, latency } = await this.#ask(leader, 'loaded', order, order.forMs + START_MS);
    return { inFlight: order.inFlight, perSecond: Math.round((latency.count / forMs) * 1000), ...latency };
  }

  async #leader(): Promise<ChildProcess> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(START_MS)]);
    for (;;) {
      const leader = this.#processes.find((each) => this.#leads.get(each) === true);
      if (leader !== undefined) return leader;
      await Promise.race(this.#processes.map((each) => once(each, 'message', { signal }))).catch((cause: unknown) => {
        throw this.#signal.aborted
          ? interrupted()
          : new Failure(exitCode.FAILED, `bench: nobody leads after ${START_MS} ms`, { cause });
      });
    }
  }

  #at(number: number): ChildProcess {
    const found = this.#processes[number];
    if (found === undefined) throw new Error(`there is no process ${number}`);
    return found;
  }

  /** Says something to a process, and waits for what it says to that. */
  async #ask<T extends FromNode['type']>(
    to: ChildProcess,
    type: T,
    message: ToNode,
    withinMs: number,
  ): Promise<Extract<FromNode, { type: T }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<FromNode, { type: T }>>();
    const fail = (why: string): void => reject(new Failure(exitCode.FAILED, `bench: ${why}`));
    const onMessage = (said: FromNode): void => {
      if (said.type === type) resolve(said as Extract<FromNode, { type: T }>);
      else if (said.type === 'failed') fail(said.message);
    };
    const onExit = (code: number | null): void => fail(`a process ended with ${code ?? 'a signal'}`);
    const onAbort = (): void => reject(interrupted());
    const timer = setTimeout(() => fail(`a process said nothing within ${withinMs} ms`), withinMs);
    to.on('message', onMessage).on('exit', onExit);
    this.#signal.addEventListener('abort', onAbort);
    try {
      if (this.#signal.aborted) throw interrupted();
      to.send(message);
      return await promise;
    } finally {
      clearTimeout(timer);
      to.off('message', onMessage).off('exit', onExit);
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#processes.filter(({ exitCode: code, signalCode }) => code === null && signalCode === null);
    const gone = running.map((each) => once(each, 'exit'));
    for (const each of running) each.kill('SIGKILL');
    await Promise.all(gone);
  }
}

function interrupted(): Failure {
  return new Failure(exitCode.INTERRUPTED, 'bench: interrupted');
}

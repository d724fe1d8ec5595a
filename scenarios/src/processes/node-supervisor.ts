import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NodeReport, NodeSettings } from './node-protocol.ts';

export type NodeState = 'starting' | 'running' | 'paused' | 'stopping' | 'dead';

const NODE_PROCESS = fileURLToPath(new URL('raft-node-process.ts', import.meta.url));
const MAX_OUTPUT_LINES = 200;
/** Kills a process when we are gone, whatever ended us: one that is stopped cannot notice. */
const GUARD = 'read -r _; kill -s KILL "$0"';

interface Entry {
  readonly settings: { readonly id: string };
  state: NodeState;
  child: ChildProcess | undefined;
  clientPort: number | undefined;
  /** The term in which it leads, if it does, as it told last. */
  leadsInTerm: number | undefined;
  /** The newest lines that its processes wrote. */
  readonly output: string[];
}

/** Node processes that are killed, paused and started again. One that ends by itself is a failure. */
export class NodeSupervisor implements AsyncDisposable {
  readonly #program: string;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Set<() => void>();
  #failure: Error | undefined;

  constructor(settings: readonly NodeSettings[]);
  /** @param program another than that of this folder, with settings of its own */
  constructor(settings: readonly { readonly id: string }[], program: string);
  constructor(settings: readonly { readonly id: string }[], program: string = NODE_PROCESS) {
    this.#program = program;
    const fresh = { state: 'dead', child: undefined, clientPort: undefined, leadsInTerm: undefined } as const;
    for (const each of settings) this.#entries.set(each.id, { settings: each, ...fresh, output: [] });
  }

  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Why this run can't go on: a process ended by itself. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  state(id: string): NodeState {
    return this.#entry(id).state;
  }

  /** Who leads in the newest term that anybody told of. */
  get leader(): string | undefined {
    let leader: { readonly id: string; readonly term: number } | undefined = undefined;
    for (const [id, { leadsInTerm: term }] of this.#entries) {
      if (term !== undefined && term > (leader?.term ?? -1)) leader = { id, term };
    }
    return leader?.id;
  }

  /** Where it listens for clients; undefined unless it runs. It may be paused. */
  clientPort(id: string): number | undefined {
    return this.#entry(id).clientPort;
  }

  /** The newest lines that its processes wrote. */
  output(id: string): readonly string[] {
    return this.#entry(id).output;
  }

  start(id: string): void {
    const entry = this.#entry(id);
    if (entry.state !== 'dead') return;
    const child = fork(this.#program, [JSON.stringify(entry.settings)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning'],
    });
    entry.child = child;
    entry.state = 'starting';
    const guard = spawn('sh', ['-c', GUARD, String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => keepLines(entry.output, text));
    child.on('message', (report) => this.#hear(entry, child, report as NodeReport));
    child.on('error', (error) => keepLines(entry.output, String(error)));
    child.once('close', (code, signal) => {
      guard.kill();
      this.#closed(entry, child, signal ?? `code ${code}`);
    });
  }

  /** SIGKILL: no goodbye, nothing flushed. Resolves when it is gone. */
  async kill(id: string): Promise<void> {
    const entry = this.#entry(id);
    const { child } = entry;
    if (child === undefined || entry.state === 'dead') return;
    markDead(entry);
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** SIGTERM: it ends in its own time. @throws Error unless it does within this time, with code 0 */
  async stop(id: string, withinMs: number): Promise<void> {
    const entry = this.#entry(id);
    const { child } = entry;
    if (child === undefined || entry.state !== 'running')
      throw new Error(`${id} is ${entry.state}: it can't be stopped`);
    entry.state = 'stopping';
    const closed = once(child, 'close', { signal: AbortSignal.timeout(withinMs) });
    child.kill('SIGTERM');
    const [code, signal] = (await closed.catch(() => ['none', `it was to end within ${withinMs} ms`])) as unknown[];
    if (code !== 0) throw new Error(`${id} did not end in order: code ${String(code)}, ${String(signal)}`);
  }

  /** SIGSTOP: it hears and does nothing until it goes on, and cannot know. */
  pause(id: string): void {
    this.#signal(id, 'running', 'SIGSTOP', 'paused');
  }

  resume(id: string): void {
    this.#signal(id, 'paused', 'SIGCONT', 'running');
  }

  /** Resolves when the process has told that it is ready. */
  async ready(id: string, withinMs: number): Promise<void> {
    await this.#until(() => this.clientPort(id) !== undefined, `${id} was not ready within ${withinMs} ms`, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.ids.map((id) => this.kill(id)));
  }

  #signal(id: string, from: NodeState, signal: NodeJS.Signals, to: NodeState): void {
    const entry = this.#entry(id);
    if (entry.state !== from) return;
    entry.child?.kill(signal);
    entry.state = to;
  }

  #hear(entry: Entry, child: ChildProcess, report: NodeReport): void {
    if (entry.child !== child || entry.state === 'dead') return;
    if (report.type === 'role') {
      entry.leadsInTerm = report.leads ? report.term : undefined;
    } else {
      if (entry.state === 'starting') entry.state = 'running';
      entry.clientPort = report.clientPort;
    }
    this.#wake();
  }

  #closed(entry: Entry, child: ChildProcess, how: string): void {
    if (entry.child !== child || entry.state === 'dead') return;
    const isMeant = entry.state === 'stopping';
    markDead(entry);
    if (isMeant) return this.#wake();
    const told = entry.output.map((line) => `  ${line}`).join('\n');
    this.#failure ??= new Error(`process ${entry.settings.id} ended by itself (${how})\n${told}`);
    this.#wake();
  }

  async #until(condition: () => boolean, late: string, withinMs: number): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, withinMs);
    try {
      while (!condition()) {
        if (this.#failure !== undefined) throw this.#failure;
        if (isLate) throw new Error(late);
        await new Promise<void>((resolve) => void this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`there is no process ${id}`);
    return entry;
  }
}

function markDead(entry: Entry): void {
  entry.state = 'dead';
  entry.clientPort = undefined;
  entry.leadsInTerm = undefined;
}

function keepLines(lines: string[], text: unknown): void {
  lines.push(
    ...String(text)
      .split('\n')
      .filter((line) => line.trim() !== ''),
  );
  lines.splice(0, Math.max(0, lines.length - MAX_OUTPUT_LINES));
}

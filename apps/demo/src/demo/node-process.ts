import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { guardProcess, type ProcessGuard } from '@quorate/test-servers';
import type { ShownNode } from '../dashboard/dashboard-state.ts';
import type { NodeReport } from '../node/node-report.ts';
import type { DiscoveredReport } from '../node/supervised.ts';

/** What a node tells over IPC. */
export type SupervisedReport = NodeReport | DiscoveredReport;

export type ProcessState = ShownNode['process'];

const NODE_MAIN = fileURLToPath(new URL('../node/node-main.ts', import.meta.url));
/** The packages of this repository, from their sources. */
const NODE_FLAGS = ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning'];
/** The sources are many, and each start would compile them again. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));
const MAX_OUTPUT_LINES = 30;
/** A node that was asked to stop and has not by then is killed. */
const STOP_TIMEOUT_MS = 20_000;

export interface NodeProcessOptions {
  /** @default that of a node: another shows what the demo would notice */
  readonly program?: string;
  readonly args: () => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly onState: (state: ProcessState) => void;
  readonly onReport: (report: SupervisedReport) => void;
  /** It has ended, and nobody asked for that. */
  readonly onCrash: (text: string) => void;
}

/** The process of one node, in one run after another. */
export class NodeProcess {
  readonly #options: NodeProcessOptions;
  #child: ChildProcess | undefined;
  #guard: ProcessGuard | undefined;
  #state: ProcessState = 'stopped';
  /** It has said that it serves. */
  #hasStarted = false;
  /** The last lines it wrote. */
  #output: string[] = [];

  constructor(options: NodeProcessOptions) {
    this.#options = options;
  }

  get state(): ProcessState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isThere(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    if (this.#child !== undefined) return;
    const { program = NODE_MAIN, args, env } = this.#options;
    const child = fork(program, args(), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: NODE_FLAGS,
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...env },
    });
    this.#child = child;
    this.#output = [];
    this.#hasStarted = false;
    // Stopped, it can't notice that this process is gone.
    if (child.pid !== undefined) this.#guard = guardProcess(child.pid, ['CONT', 'KILL']);
    child.on('message', (report) => this.#hear(child, report as SupervisedReport));
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => this.#keep(String(chunk)));
    // Without a listener a failure to spawn or to signal would end this process; 'close' tells the rest.
    child.on('error', (error) => this.#keep(String(error)));
    child.once('close', (code, signal) => this.#closed(child, code, signal));
    this.#change('starting');
  }

  /** SIGKILL: no goodbye, nothing flushed. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#change('killed');
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** SIGSTOP: it hears and does nothing until it is continued, and cannot know. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.#change('paused');
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#child?.kill('SIGCONT');
    this.#change('running');
  }

  /** SIGTERM: it hands over and says goodbye. Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.resume();
    const child = this.#child;
    if (child === undefined || this.#state === 'killed') return;
    this.#change('stopping');
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#keep(`it had not stopped within ${STOP_TIMEOUT_MS} ms, and was killed`);
      child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }

  ask(request: string): void {
    this.#child?.send(request, () => undefined);
  }

  #hear(child: ChildProcess, report: SupervisedReport): void {
    // The last words of a process that has been replaced are not this one's.
    if (this.#child !== child) return;
    if (report.type === 'started') this.#hasStarted = true;
    if (report.type === 'started' && this.#state === 'starting') this.#change('running');
    this.#options.onReport(report);
  }

  #closed(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    const { onCrash } = this.#options;
    // Before it can hear of it, the signal ends it.
    const isEarly = !this.#hasStarted && signal === 'SIGTERM';
    const isStopped = this.#state === 'stopping' && (code === 0 || isEarly);
    const isExpected = this.#state === 'killed' || isStopped;
    this.#child = undefined;
    this.#guard?.release();
    this.#guard = undefined;
    this.#change(isStopped ? 'stopped' : 'killed');
    if (isExpected) return;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    onCrash([`ended by itself, ${how}`, ...this.#output].join('\n  '));
  }

  #keep(text: string): void {
    this.#output.push(...text.split('\n').filter((line) => line.trim() !== ''));
    if (this.#output.length > MAX_OUTPUT_LINES) this.#output.splice(0, this.#output.length - MAX_OUTPUT_LINES);
  }

  #change(state: ProcessState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

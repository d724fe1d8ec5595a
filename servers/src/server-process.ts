import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import { guardProcess } from './process-guard.ts';

const READY_MS = 30_000;
const LOOK_MS = 25;
const STOP_MS = 5_000;
/** Of its output, which is shown when it fails. */
const KEPT_CHARACTERS = 4000;

export interface ServerCommand {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it answers by now; a rejection means no. Asked again and again, with a bound. */
  readonly isReady: () => Promise<boolean>;
  /**
   * How long that may take.
   * @default 30000
   */
  readonly readyWithinMs?: number;
}

/** A server as a process of its own, which can be killed, paused and started again on the same files and ports. */
export class ServerProcess implements AsyncDisposable {
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(command: ServerCommand) {
    this.#command = command;
  }

  /** Resolves when it answers. */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(command);
    await server.start();
    return server;
  }

  /** Resolves when it answers; one that doesn't is ended. */
  async start(): Promise<void> {
    const { program, args, env } = this.#command;
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => this.#keep(String(data)));
    child.on('error', (error) => this.#keep(String(error)));
    if (child.pid === undefined) {
      const [cause] = (await once(child, 'error')) as readonly unknown[];
      throw new Error(`${program} can't be started: ${String(cause)}`, { cause });
    }
    this.#child = child;
    const guard = guardProcess(child.pid, ['KILL']);
    child.once('exit', () => guard.release());
    try {
      await this.#ready(child);
    } catch (error) {
      if (this.#child === child) await this.kill();
      throw error;
    }
  }

  /** At once, as when a machine fails. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
  }

  /** Has no effect while it is down. */
  signal(signal: 'SIGHUP'): void {
    this.#child?.kill(signal);
  }

  /** It keeps its connections and answers nothing: each of its threads stands still when this returns. */
  pause(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    this.#child?.kill('SIGSTOP');
    // A signal takes its time on a busy machine, and what is asked meanwhile could still be answered.
    for (const end = performance.now() + STOP_MS; !standsStill(pid) && performance.now() < end;) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #ready(child: ChildProcess): Promise<void> {
    const { name, isReady, readyWithinMs = READY_MS } = this.#command;
    const end = performance.now() + readyWithinMs;
    for (;;) {
      if (hasEnded(child)) {
        throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${this.#output}`);
      }
      if (await isReady().catch(() => false)) return;
      if (performance.now() > end) throw new Error(`${name} doesn't answer: ${this.#output}`);
      await pause(LOOK_MS);
    }
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-KEPT_CHARACTERS);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Whether all threads of the process are stopped. Known on Linux only: elsewhere it is taken for granted. */
function standsStill(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).every((task) => / T /u.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')));
  } catch {
    return true;
  }
}

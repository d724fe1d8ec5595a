import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** etcd's own tool, at work until it is ended. */
export class Etcdctl implements AsyncDisposable {
  /** What it has printed. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  constructor(program: string, endpoint: string, args: readonly string[]) {
    const child = spawn(program, [`--endpoints=${endpoint}`, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(line));
    this.#child = child;
  }

  /** Ends it as a terminal does: then it gives up what it has. */
  async interrupt(): Promise<void> {
    await this.#end('SIGINT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}

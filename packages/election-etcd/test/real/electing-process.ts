import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One look of a process at its own grant. */
export interface Look {
  readonly token: bigint | undefined;
  /** Nanoseconds of the machine's monotonic clock. */
  readonly at: bigint;
}

const PROGRAM = fileURLToPath(new URL('electing-node.ts', import.meta.url));

/** A node that stands for election in a process of its own. */
export class ElectingProcess implements AsyncDisposable {
  readonly looks: Look[] = [];
  readonly #child: ChildProcess;

  constructor(endpoint: string, name: string, id: string) {
    const args = ['--conditions=@quorate/source', '--no-warnings', PROGRAM, endpoint, name, id];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [state, token = '0', at = '0'] = line.split(' ');
      this.looks.push({ token: state === 'valid' ? BigInt(token) : undefined, at: BigInt(at) });
    });
    this.#child = child;
  }

  get leads(): boolean {
    return this.looks.at(-1)?.token !== undefined;
  }

  tell(command: string): void {
    this.#child.stdin?.write(`${command}\n`);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const LOOK_MS = 2;

/** One look of a process at its own lock. */
export interface HolderLook {
  /** Nanoseconds of the machine's monotonic clock, from before it looked. */
  readonly at: bigint;
  readonly token: bigint;
  readonly isValid: boolean;
  readonly isAborted: boolean;
}

/** What is looked at. */
export interface LookedAt {
  readonly token: bigint;
  readonly signal: AbortSignal;
  isValid(): boolean;
}

/** A program that calls `tellOf`, as a process of its own. */
export class HoldingProcess implements AsyncDisposable {
  readonly looks: HolderLook[] = [];
  readonly #child: ChildProcess;

  constructor(program: string, args: readonly string[]) {
    const options = ['--conditions=@quorate/source', '--no-warnings', program];
    const child = spawn(process.execPath, [...options, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [at = '0', token = '0', valid, aborted] = line.split(' ');
      this.looks.push({
        at: BigInt(at),
        token: BigInt(token),
        isValid: valid === 'true',
        isAborted: aborted === 'true',
      });
    });
    this.#child = child;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.kill();
    await exited;
  }
}

/** Tells of what this process holds, until nobody listens any more. */
export function tellOf(held: LookedAt): void {
  setInterval(() => {
    const at = process.hrtime.bigint();
    console.log(`${at} ${held.token} ${held.isValid()} ${held.signal.aborted}`);
  }, LOOK_MS);
  process.stdin.resume().once('close', () => process.exit());
}

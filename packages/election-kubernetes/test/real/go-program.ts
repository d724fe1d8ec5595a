import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { KubernetesServer } from '@quorate/test-servers';

import { QUICK, until } from './contenders.ts';
import { type GrantSample, machineMs } from './grant-samples.ts';

/** A Go program that stands by client-go's leader election; `samples` gets what it says of itself. */
export class GoProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #isLeading = false;

  constructor(elect: string, server: KubernetesServer, lease: string, identity: string, samples: GrantSample[] = []) {
    const account = server.serviceAccount(`go-${identity}`, server.tokens.admin);
    const options = { server: server.url, account, name: lease, identity };
    const timings = { lease: `${QUICK.ttlMs}ms`, deadline: `${(QUICK.ttlMs * 2) / 3}ms`, retry: `${QUICK.retryMs}ms` };
    const args = Object.entries({ ...options, ...timings }).map(([name, value]) => `-${name}=${value}`);
    this.#child = spawn(elect, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const output = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    // It has no fencing token; what it says first and last of a time as leader bounds that from inside.
    const note = (valid: boolean): void => {
      const now = machineMs();
      samples.push({ from: now, to: now, token: '0', valid });
    };
    output.on('line', (line) => {
      this.#lines.push(line);
      if (line === 'stopped' && this.#isLeading) note(true);
      if (line === 'leading' || line === 'stopped') this.#isLeading = line === 'leading';
      note(this.#isLeading);
    });
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  /** Who it has seen to lead last. */
  get leader(): string | undefined {
    return this.#lines.findLast((line) => line.startsWith('leader '))?.slice('leader '.length);
  }

  async leads(withinMs = 15_000): Promise<number> {
    return until('the Go program to lead', () => this.#isLeading, withinMs);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
    this.#isLeading = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end('SIGKILL');
  }
}

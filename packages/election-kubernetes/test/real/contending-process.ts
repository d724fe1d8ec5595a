import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

import type { KubernetesServer } from '@quorate/test-servers';

import { type Contenders, QUICK, until } from './contenders.ts';
import type { GrantSample } from './grant-samples.ts';

const PROGRAM = path.join(import.meta.dirname, 'election-process.ts');

/** A contender that is a process; its samples go with those of the others. */
export class ContendingProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #samples: GrantSample[];

  constructor(server: KubernetesServer, contenders: Contenders, id: string) {
    const serviceAccount = server.serviceAccount(`${contenders.name}-${id}`, server.tokens.admin);
    const orders = { id, server: server.url, serviceAccount, options: { ...QUICK, name: contenders.name } };
    const args = ['--conditions=@quorate/source', PROGRAM, JSON.stringify(orders)];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#samples = contenders.samplesOf(id);
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#samples.push(JSON.parse(line) as GrantSample);
    });
  }

  get isValid(): boolean {
    return this.#samples.at(-1)?.valid === true;
  }

  /** How many samples it has told. */
  get told(): number {
    return this.#samples.length;
  }

  /** The last token that was valid. */
  get token(): bigint {
    return BigInt(this.#samples.findLast(({ valid }) => valid)?.token ?? 0);
  }

  async leads(withinMs = 15_000): Promise<void> {
    await until('the process to lead', () => this.isValid, withinMs);
  }

  order(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
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

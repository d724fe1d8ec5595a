import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { History } from './history.ts';
import type { MembershipName } from './memberships.ts';
import { machineNow, type MachineMs } from './report.ts';

/** What it calls itself. */
export const STRANGER = 'stranger';

export interface StrangerPlan {
  readonly cluster: string;
  readonly addresses: readonly string[];
  readonly membership: MembershipName;
}

/** What it tells of its attempts. */
export type StrangerReport =
  | { readonly type: 'refused'; readonly at: MachineMs; readonly address: string; readonly reason: string }
  /** Which must not be. */
  | { readonly type: 'let-in'; readonly at: MachineMs; readonly address: string };

export type StrangerEvent =
  | StrangerReport
  | { readonly type: 'came'; readonly at: MachineMs }
  | { readonly type: 'went'; readonly at: MachineMs };

const STRANGER_MAIN = fileURLToPath(new URL('stranger-main.ts', import.meta.url));
const FLAGS = ['--conditions=@quorate/source'];
/** It tries for so long, from its first attempt on. */
const STAY_MS = 2_000;

/** A process that knows the cluster's name and addresses, and not its secret. Disposing ends it. */
export class Stranger implements Disposable {
  readonly #history: History;
  readonly #child: ChildProcess;
  #leaving: NodeJS.Timeout | undefined;

  constructor(plan: StrangerPlan, secret: string, history: History) {
    this.#history = history;
    this.#child = fork(STRANGER_MAIN, [JSON.stringify(plan)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: FLAGS,
      env: { ...process.env, QUORATE_SECRET: secret },
    });
    history.record({ source: 'stranger', type: 'came', at: machineNow() });
    this.#child.on('message', (report) => this.#hear(report as StrangerReport));
    // Without a listener a failure to spawn would end this process; 'close' tells the rest.
    this.#child.on('error', () => undefined);
    this.#child.once('close', () => this.#gone());
  }

  get isThere(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#leaving);
    this.#child.kill('SIGKILL');
  }

  #hear(report: StrangerReport): void {
    this.#leaving ??= setTimeout(() => this[Symbol.dispose](), STAY_MS);
    this.#history.record({ source: 'stranger', ...report });
  }

  #gone(): void {
    clearTimeout(this.#leaving);
    this.#history.record({ source: 'stranger', type: 'went', at: machineNow() });
  }
}

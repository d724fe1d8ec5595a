import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MembershipName } from '../memberships.ts';

/** What it calls itself. */
export const STRANGER = 'stranger';

export interface StrangerPlan {
  readonly cluster: string;
  readonly addresses: readonly string[];
  readonly membership: MembershipName;
}

/** What it tells of its attempts. `let-in` must not be. */
export type StrangerReport =
  | { readonly type: 'refused'; readonly address: string; readonly reason: string }
  | { readonly type: 'let-in'; readonly address: string };

const STRANGER_MAIN = fileURLToPath(new URL('stranger-main.ts', import.meta.url));
const FLAGS = ['--conditions=@quorate/source', '--disable-warning=ExperimentalWarning'];
/** It tries for so long, from its first attempt on. */
const STAY_MS = 2_000;

/** A process that knows the cluster's name and addresses, and not its secret. Disposing ends it. */
export class Stranger implements Disposable {
  readonly #child: ChildProcess;
  #leaving: NodeJS.Timeout | undefined;

  constructor(plan: StrangerPlan, secret: string, onReport: (report: StrangerReport) => void) {
    this.#child = fork(STRANGER_MAIN, [JSON.stringify(plan)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: FLAGS,
      env: { ...process.env, QUORATE_SECRET: secret },
    });
    this.#child.on('message', (report) => {
      this.#leaving ??= setTimeout(() => this[Symbol.dispose](), STAY_MS);
      onReport(report as StrangerReport);
    });
    // Without a listener a failure to spawn would end this process.
    this.#child.on('error', () => undefined);
    this.#child.once('close', () => clearTimeout(this.#leaving));
  }

  get isThere(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#leaving);
    this.#child.kill('SIGKILL');
  }
}

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Runs a program and watches fd 3, whose other end is ours: when that is gone, whatever ended us, so is the group of
 * processes that this shell leads.
 */
const GUARD = '{ read -r _ <&3; kill -s KILL -- -$$; } & "$@" 3<&-; status=$?; kill $!; exit $status';
/** Removes our folder when we are gone, as soon as nobody writes to it any more. */
const JANITOR = 'read -r _; for _ in 1 2 3 4 5; do sleep 1; rm -rf "$0" && exit; done';

/**
 * A temporary folder and child processes, which are gone when this is disposed of. Should this process end before, by
 * whatever signal, two shells outlive it until they have seen to that.
 */
export class Scratch implements AsyncDisposable {
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'quorate-bench-'));
  readonly #janitor: ChildProcess;
  /** What runs, and how it is killed. */
  readonly #running = new Map<ChildProcess, () => void>();

  constructor() {
    const stdio = ['pipe', 'ignore', 'ignore'] as const;
    this.#janitor = spawn('sh', ['-c', JANITOR, this.#directory], { stdio: [...stdio], detached: true });
  }

  /** A new folder. */
  folder(name: string): string {
    const folder = path.join(this.#directory, name);
    mkdirSync(folder);
    return folder;
  }

  /** A process of ours, with a channel; it has to end by itself when the channel does. */
  fork(module: URL, args: readonly string[], execArgv: readonly string[] = process.execArgv): ChildProcess {
    const child = fork(module, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [...execArgv] });
    return this.#own(child, () => child.kill('SIGKILL'));
  }

  /** A foreign program and what it starts. Its output is piped. */
  run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn('sh', ['-c', GUARD, 'guard', program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      detached: true,
    });
    return this.#own(child, () => killGroup(child));
  }

  async kill(child: ChildProcess): Promise<void> {
    const kill = this.#running.get(child);
    if (kill === undefined) return;
    const ended = once(child, 'exit');
    kill();
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((child) => this.kill(child)));
    rmSync(this.#directory, { recursive: true, force: true });
    this.#janitor.kill();
  }

  #own(child: ChildProcess, kill: () => void): ChildProcess {
    this.#running.set(child, kill);
    child.once('exit', () => this.#running.delete(child));
    child.once('error', () => this.#running.delete(child));
    return child;
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself just now.
  }
}

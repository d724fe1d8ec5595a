import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '@quorate/test-servers';
import { run } from '../src/program.ts';
import type { NodeChoice } from './node-process.ts';

export const SECRET = 'a secret of these tests';

type Said = { readonly type: string; readonly acknowledged?: number; readonly sum?: number };

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process, as on no terminal. */
export async function quorate(
  argv: readonly string[],
  { env = {}, signal, isTTY = false, onLine }: RunOptions = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await run({
    argv,
    env,
    stdout: {
      write: (text) => {
        out += text;
        onLine?.(text);
      },
      isTTY,
    },
    stderr: { write: (text) => (err += text) },
    signal: signal ?? new AbortController().signal,
  });
  return { code, out, err };
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly isTTY?: boolean;
  readonly onLine?: (line: string) => void;
}

export interface ClusterChoice {
  readonly ballastBytes?: number;
  readonly certificates?: (nodeId: string) => NonNullable<NodeChoice['certificates']>;
}

/** Three nodes in processes of their own, each with a folder. */
export class OperatedCluster implements AsyncDisposable {
  readonly folder: string;
  readonly addresses = new Map<string, string>();
  readonly #choices = new Map<string, NodeChoice>();
  readonly #processes = new Map<string, ChildProcess>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start({ ballastBytes = 0, certificates }: ClusterChoice = {}): Promise<OperatedCluster> {
    const cluster = new OperatedCluster(await mkdtemp(path.join(tmpdir(), 'quorate-cli-')));
    const ids = ['a', 'b', 'c'];
    const ports = await freePorts(ids.length);
    const seedNodes = ports.map((port) => `127.0.0.1:${port}`);
    const common = { voters: ids, seedNodes, ballastBytes };
    for (const [number, nodeId] of ids.entries()) {
      const proof = certificates === undefined ? { secret: SECRET } : { certificates: certificates(nodeId) };
      const place = { nodeId, directory: cluster.dataOf(nodeId), port: ports[number] ?? 0 };
      cluster.#choices.set(nodeId, { ...common, ...place, ...proof, allow: 'all' });
      cluster.addresses.set(nodeId, `127.0.0.1:${place.port}`);
    }
    await Promise.all(ids.map((nodeId) => cluster.startNode(nodeId)));
    return cluster;
  }

  dataOf(nodeId: string): string {
    return path.join(this.folder, nodeId);
  }

  address(nodeId: string): string {
    return this.addresses.get(nodeId) ?? '';
  }

  /** @param other what differs from when the cluster began */
  async startNode(nodeId: string, other: Partial<NodeChoice> = {}): Promise<void> {
    const child = fork(new URL('node-process.ts', import.meta.url), {
      stdio: 'inherit',
      execArgv: ['--conditions=@quorate/source'],
    });
    this.#processes.set(nodeId, child);
    child.send({ type: 'start', choice: { ...this.#choices.get(other.nodeId ?? nodeId), ...other } });
    await saying(child, 'started');
  }

  /** As a disk sees it when the power goes. */
  async kill(nodeId: string): Promise<void> {
    await ended(this.#processes.get(nodeId), 'SIGKILL');
  }

  /** Once its process has ended by itself. */
  async exited(nodeId: string): Promise<void> {
    await ended(this.#processes.get(nodeId), undefined);
  }

  async stop(nodeId: string): Promise<void> {
    const child = this.#processes.get(nodeId);
    child?.send({ type: 'stop' });
    await ended(child, undefined);
  }

  /** Has a node add ones until the result is called, which tells how many were acknowledged. */
  async load(nodeId: string): Promise<() => Promise<number>> {
    const child = this.#child(nodeId);
    let acknowledged = 0;
    child.on('message', (said: Said) => (acknowledged = said.acknowledged ?? acknowledged));
    child.send({ type: 'load' });
    await saying(child, 'acknowledged', (said) => (said.acknowledged ?? 0) >= 10);
    return async () => {
      child.send({ type: 'rest' });
      return acknowledged;
    };
  }

  async sum(nodeId: string): Promise<number> {
    const child = this.#child(nodeId);
    child.send({ type: 'sum' });
    return (await saying(child, 'sum')).sum ?? Number.NaN;
  }

  /** Runs the command line against a node, with the secret. */
  quorate(
    argv: readonly string[],
    { connect = 'a', ...options }: RunOptions & { connect?: string } = {},
  ): Promise<Ran> {
    const where = ['--connect', this.address(connect), '--cluster', 'orders'];
    return quorate([...argv, ...where], { ...options, env: { QUORATE_SECRET: SECRET, ...options.env } });
  }

  /** Once one leads, and the node that is asked knows who. */
  async leader(connect = 'a'): Promise<string> {
    for (;;) {
      const { code, out } = await this.quorate(['leader', '--json'], { connect });
      const { elected } = code === 0 ? (JSON.parse(out) as { elected?: { nodeId: string } }) : {};
      if (elected !== undefined) return elected.nodeId;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map((child) => ended(child, 'SIGKILL')));
    await rm(this.folder, { recursive: true, force: true });
  }

  #child(nodeId: string): ChildProcess {
    const child = this.#processes.get(nodeId);
    if (child === undefined) throw new Error(`there is no node ${nodeId}`);
    return child;
  }
}

/** @throws when the process ends first */
async function saying(child: ChildProcess, type: string, is: (said: Said) => boolean = () => true): Promise<Said> {
  const exited = new AbortController();
  child.once('exit', () => exited.abort(new Error(`the process ended before it said "${type}"`)));
  for (;;) {
    const [said] = (await once(child, 'message', { signal: exited.signal })) as [Said];
    if (said.type === type && is(said)) return said;
  }
}

async function ended(child: ChildProcess | undefined, signal: 'SIGKILL' | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (signal !== undefined) child.kill(signal);
  await exited;
}

import type { ChildProcess } from 'node:child_process';

import type { RaftProfile } from '@quorate/replicator-raft';
import { freePorts } from './free-ports.ts';
import type { Load } from './closed-loop.ts';
import type { MeasuringTo, RaftNodeReport, RaftNodeSettings, RaftNodeTask, Usage } from './raft-node-messages.ts';
import type { Scratch } from './scratch.ts';

export interface RaftClusterOptions {
  /** @default 'lan' */
  readonly profile?: RaftProfile;
  /** @default 1 */
  readonly groups?: number;
  /** @default nothing is measured */
  readonly telemetry?: MeasuringTo | undefined;
}

export const RAFT_IDS: readonly string[] = ['a', 'b', 'c'];
const NODE_PROCESS = new URL('raft-node-process.ts', import.meta.url);
/** No single step of a benchmark, other than a task, may take longer. */
const STEP_TIMEOUT_MS = 120_000;

interface View {
  child: ChildProcess;
  ready: boolean;
  leader: string | undefined;
  term: number;
}

type Result = (error: Error | undefined, result?: unknown) => void;

/** Three processes that replicate, and what they report. */
export class RaftCluster {
  readonly #scratch: Scratch;
  readonly #settings: ReadonlyMap<string, RaftNodeSettings>;
  readonly #views = new Map<string, View>();
  readonly #watchers = new Set<(id: string, report: RaftNodeReport) => void>();
  readonly #tasks = new Map<number, Result>();
  #lastTask = 0;

  private constructor(scratch: Scratch, settings: ReadonlyMap<string, RaftNodeSettings>) {
    this.#scratch = scratch;
    this.#settings = settings;
  }

  /** Resolves when all follow one leader. */
  static async start(scratch: Scratch, options: RaftClusterOptions = {}): Promise<RaftCluster> {
    const { profile = 'lan', groups = 1, telemetry } = options;
    const measuring = telemetry === undefined ? {} : { telemetry };
    const numbers = await freePorts(RAFT_IDS.length);
    const ports = Object.fromEntries(RAFT_IDS.map((id, at) => [id, numbers[at] ?? 0]));
    const settings = RAFT_IDS.map((id) => ({
      id,
      directory: scratch.folder(id),
      ports,
      profile,
      groups,
      ...measuring,
    }));
    const cluster = new RaftCluster(scratch, new Map(settings.map((each) => [each.id, each])));
    for (const id of RAFT_IDS) cluster.start(id);
    await cluster.leader();
    return cluster;
  }

  directory(id: string): string {
    return this.#settings.get(id)?.directory ?? '';
  }

  start(id: string): void {
    const child = this.#scratch.fork(NODE_PROCESS, [JSON.stringify(this.#settings.get(id))]);
    const view: View = { child, ready: false, leader: undefined, term: 0 };
    this.#views.set(id, view);
    child.on('message', (report) => this.#hear(id, view, report as RaftNodeReport));
    child.once('exit', () => {
      if (this.#views.get(id) === view) this.#failAll(new Error(`node ${id} ended by itself`));
    });
  }

  async kill(id: string): Promise<void> {
    const view = this.#views.get(id);
    this.#views.delete(id);
    if (view !== undefined) await this.#scratch.kill(view.child);
  }

  /** The one that all follow, as soon as all are there and follow one. */
  async leader(): Promise<string> {
    for (;;) {
      const views = RAFT_IDS.map((id) => this.#views.get(id));
      const [first] = views;
      const agreed = views.every((view) => view?.ready === true && view.term === first?.term);
      if (agreed && first?.leader !== undefined && views.every((view) => view?.leader === first.leader)) {
        return first.leader;
      }
      await this.next((_, { type }) => (type === 'role' || type === 'ready' ? type : undefined));
    }
  }

  /** What `find` makes of the first report from now on of which it makes something. */
  next<T>(find: (id: string, report: RaftNodeReport) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`what is waited for was not reported within ${STEP_TIMEOUT_MS} ms`));
      const timer = setTimeout(late, STEP_TIMEOUT_MS);
      const watcher = (id: string, report: RaftNodeReport) => {
        const found = find(id, report);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(found);
      };
      this.#watchers.add(watcher);
    });
  }

  load(id: string, task: Extract<RaftNodeTask, { readonly type: 'commits' | 'reads' }>): Promise<Load> {
    return this.tell(id, task) as Promise<Load>;
  }

  usage(id: string): Promise<Usage> {
    return this.tell(id, { type: 'usage' }) as Promise<Usage>;
  }

  /** Resolves with the result when the node has done it. */
  tell(id: string, what: RaftNodeTask): Promise<unknown> {
    this.#lastTask += 1;
    const task = this.#lastTask;
    return new Promise((resolve, reject) => {
      this.#tasks.set(task, (error, result) => (error === undefined ? resolve(result) : reject(error)));
      this.#views.get(id)?.child.send({ ...what, task });
    });
  }

  #hear(id: string, view: View, report: RaftNodeReport): void {
    if (this.#views.get(id) !== view) return;
    if (report.type === 'ready') view.ready = true;
    if (report.type === 'role') Object.assign(view, { leader: report.leader, term: report.term });
    if (report.type === 'done') this.#settle(report.task, undefined, report.result);
    if (report.type === 'failed') this.#settle(report.task, new Error(`node ${id}: ${report.message}`));
    for (const watcher of this.#watchers) watcher(id, report);
  }

  #settle(task: number, error: Error | undefined, result?: unknown): void {
    const settle = this.#tasks.get(task);
    this.#tasks.delete(task);
    settle?.(error, result);
  }

  #failAll(error: Error): void {
    for (const task of this.#tasks.keys()) this.#settle(task, error);
  }
}

import type { DashboardSource, SourceListener } from '../dashboard/dashboard-source.ts';
import type { ControlAction, DashboardState, LogEntry, ShownNode } from '../dashboard/dashboard-state.ts';
import type { QueueStatus } from '../broker/queries.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { DemoLog } from './demo-log.ts';
import { type Usage, usageOf } from './process-usage.ts';
import type { NodeView, Supervisor } from './supervisor.ts';

const USAGE_MS = 1_000;
const CONTROLS: readonly ControlAction['action'][] = [
  'kill',
  'pause',
  'resume',
  'stop',
  'start',
  'restart',
  'isolate',
  'transfer',
  'partition',
  'heal',
  'traffic',
];

interface Parts {
  readonly supervisor: Supervisor;
  readonly traffic: Traffic;
  readonly log: DemoLog;
}

interface Measured {
  readonly usage: Usage;
  readonly at: number;
  /** Share of a core, since the time before. */
  readonly cpu: number | undefined;
}

/** What the dashboard and the terminal show. */
export class DemoSource implements DashboardSource, Disposable {
  readonly #parts: Parts;
  readonly #measured = new Map<number, Measured>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#measure(), USAGE_MS);
  }

  state(): DashboardState {
    const { supervisor, traffic } = this.#parts;
    const { accepted, delivered, duplicates, lost, outOfOrder } = traffic.audit.counts;
    return {
      nodes: supervisor.nodes.map((node) => this.#shown(node)),
      partition: supervisor.partition,
      queues: queuesOf(supervisor),
      traffic: { ...traffic.read(), audit: { accepted, delivered, duplicates, lost, outOfOrder } },
      controls: CONTROLS,
    };
  }

  entries(): readonly LogEntry[] {
    return this.#parts.log.entries;
  }

  subscribe(listener: SourceListener): () => void {
    const changes = this.#parts.supervisor.listen(() => listener.onChange());
    const entries = this.#parts.log.listen((entry) => listener.onEntry(entry));
    return () => {
      changes[Symbol.dispose]();
      entries[Symbol.dispose]();
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #shown({ id, url, process, status, pid }: NodeView): ShownNode {
    const measured = pid === undefined ? undefined : this.#measured.get(pid);
    return {
      id,
      url,
      process,
      status,
      ...(measured !== undefined && { memoryMib: measured.usage.memoryMib }),
      ...(measured?.cpu !== undefined && { cpu: measured.cpu }),
    };
  }

  async #measure(): Promise<void> {
    const pids = this.#parts.supervisor.nodes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    for (const pid of this.#measured.keys()) if (!pids.includes(pid)) this.#measured.delete(pid);
    await Promise.all(pids.map((pid) => this.#measureOne(pid)));
  }

  async #measureOne(pid: number): Promise<void> {
    const usage = await usageOf(pid);
    if (usage === undefined) return;
    const at = performance.now();
    const before = this.#measured.get(pid);
    const cpu =
      before === undefined ? undefined : (1000 * (usage.cpuSeconds - before.usage.cpuSeconds)) / (at - before.at);
    this.#measured.set(pid, { usage, at, cpu });
  }
}

/** As whoever leads has them, else whoever is furthest. */
function queuesOf({ nodes, leader }: Supervisor): readonly QueueStatus[] {
  if (leader?.status !== undefined) return leader.status.queues;
  const statuses = nodes.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const applied = (status: (typeof statuses)[number]) => status.replication?.appliedIndex ?? 0;
  return statuses.toSorted((a, b) => applied(b) - applied(a))[0]?.queues ?? [];
}

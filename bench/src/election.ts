import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Benchmark, percentile, report, rounded } from './benchmark.ts';
import type { NodeReport } from './election-node-process.ts';
import { freePorts } from './free-ports.ts';

type Profile = 'fast' | 'lan' | 'wan';
type Measure = 'detection' | 'campaign' | 'kill-to-grant' | 'hand-over';

const IDS = ['a', 'b', 'c'];
const nodeProcess = fileURLToPath(new URL('election-node-process.ts', import.meta.url));
/** No single step of this benchmark may take longer. */
const STEP_TIMEOUT_MS = 60_000;

/** Three processes on loopback, with durable votes; see `docs/performance.md` for how each measure is taken. */
export const election: Benchmark = {
  name: 'election',
  description: 'time without a leader: after SIGKILL and in a planned hand-over (--kills 200 --profile fast,lan,wan)',
  async run(args: readonly string[]): Promise<void> {
    const options = {
      kills: { type: 'string', default: '200' },
      profile: { type: 'string', default: 'fast,lan,wan' },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    const kills = Number(values.kills);
    if (!Number.isSafeInteger(kills) || kills < 1)
      throw new Error(`--kills must be a positive integer, got ${values.kills}`);
    for (const profile of values.profile.split(',')) await measureProfile(profile as Profile, kills);
  },
};

async function measureProfile(profile: Profile, kills: number): Promise<void> {
  const samples: Record<Measure, number[]> = { detection: [], campaign: [], 'kill-to-grant': [], 'hand-over': [] };
  const directory = await mkdtemp(path.join(tmpdir(), 'quorate-bench-'));
  const group = new Group(profile, directory, await freePorts(IDS.length));
  try {
    await group.startAll();
    for (let round = 0; round < kills; round += 1) {
      await measureKill(group, samples);
      await measureHandOver(group, samples);
    }
  } finally {
    await group.killAll();
    await rm(directory, { recursive: true, force: true });
  }
  for (const [measure, values] of Object.entries(samples)) tell(profile, measure, values);
}

async function measureKill(group: Group, samples: Record<Measure, number[]>): Promise<void> {
  const leader = await group.settledLeader();
  const killedAt = group.now();
  group.kill(leader.id);
  const detected = group.next('leader', (it) => it.leader === undefined && it.at > killedAt);
  const granted = group.next('granted', (it) => it.token > leader.token);
  const [detection, grant] = await Promise.all([detected, granted]);
  samples.detection.push(detection.at - killedAt);
  samples.campaign.push(grant.at - detection.at);
  samples['kill-to-grant'].push(grant.at - killedAt);
  await group.start(leader.id);
}

async function measureHandOver(group: Group, samples: Record<Measure, number[]>): Promise<void> {
  const leader = await group.settledLeader();
  const granted = group.next('granted', (it) => it.token > leader.token);
  const handedOver = group.next('handed-over', (it) => it.id === leader.id);
  group.send(leader.id, 'transfer', IDS.find((id) => id !== leader.id) ?? '');
  const [{ at }, { askedAt }] = await Promise.all([granted, handedOver]);
  if (askedAt !== undefined) samples['hand-over'].push(at - askedAt);
}

function tell(profile: Profile, measure: string, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => rounded(percentile(sorted, share));
  report({ profile, measure, samples: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) });
}

type ReportOf<T extends NodeReport['type']> = Extract<NodeReport, { readonly type: T }>;

/** The three processes, and what they report. Times are of the machine's monotonic clock, common to all. */
class Group {
  readonly #profile: Profile;
  readonly #directory: string;
  readonly #ports: readonly number[];
  readonly #children = new Map<string, ChildProcess>();
  readonly #leaders = new Map<string, { readonly nodeId: string; readonly token: number } | undefined>();
  readonly #ready = new Set<string>();
  readonly #watchers = new Set<(report: NodeReport) => void>();

  constructor(profile: Profile, directory: string, ports: readonly number[]) {
    this.#profile = profile;
    this.#directory = directory;
    this.#ports = ports;
  }

  now(): number {
    return Number(process.hrtime.bigint()) / 1e6;
  }

  async startAll(): Promise<void> {
    await Promise.all(IDS.map((id) => this.start(id)));
  }

  async start(id: string): Promise<void> {
    const started = this.next('ready', (it) => it.id === id);
    const args = [id, this.#profile, this.#directory, ...this.#ports.map(String)];
    const child = fork(nodeProcess, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.set(id, child);
    child.on('message', (message) => this.#receive(message as NodeReport));
    await started;
  }

  kill(id: string): void {
    this.#children.get(id)?.kill('SIGKILL');
    this.#children.delete(id);
    this.#leaders.delete(id);
    this.#ready.delete(id);
  }

  async killAll(): Promise<void> {
    const exits = [...this.#children.values()].map((child) => once(child, 'exit'));
    for (const id of IDS) this.kill(id);
    await Promise.all(exits);
  }

  send(id: string, command: 'transfer', to: string): void {
    this.#children.get(id)?.send({ command, to });
  }

  /** The first report of the type from now on that matches. */
  next<T extends NodeReport['type']>(
    type: T,
    matches: (report: ReportOf<T>) => boolean = () => true,
  ): Promise<ReportOf<T>> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no report ${type} within ${STEP_TIMEOUT_MS} ms`));
      const timer = setTimeout(late, STEP_TIMEOUT_MS);
      const watcher = (report: NodeReport) => {
        if (report.type !== type || !matches(report as ReportOf<T>)) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(report as ReportOf<T>);
      };
      this.#watchers.add(watcher);
    });
  }

  /** Waits until every process runs, follows one leader and is connected to all. */
  async settledLeader(): Promise<{ readonly id: string; readonly token: number }> {
    for (;;) {
      const leaders = IDS.map((id) => this.#leaders.get(id));
      const [first] = leaders;
      const agreed = first !== undefined && leaders.every((leader) => leader?.token === first.token);
      if (agreed && this.#ready.size === IDS.length) return { id: first.nodeId, token: first.token };
      await Promise.race([this.next('leader'), this.next('connected')]);
    }
  }

  #receive(report: NodeReport): void {
    if (report.type === 'leader') this.#leaders.set(report.id, report.leader);
    if (report.type === 'connected') {
      if (report.peers === IDS.length - 1) this.#ready.add(report.id);
      else this.#ready.delete(report.id);
    }
    for (const watcher of this.#watchers) watcher(report);
  }
}

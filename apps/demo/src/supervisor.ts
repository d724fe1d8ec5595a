import { type ChildProcess, fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { LeaderInfo, MemberState, NodeId } from '@quorate/core';
import { guardProcess, type ProcessGuard } from '@quorate/test-servers';
import type { DiscoveryName } from './discoveries.ts';
import type { History, ProcessEvent } from './history.ts';
import type { LedgerCopies } from './ledger-copies.ts';
import type { NodeRequest } from './node-request.ts';
import { nodeNames } from './options.ts';
import type { ElectionName } from './elections.ts';
import type { MembershipName } from './memberships.ts';
import type { Profile } from './parts.ts';
import { machineNow, type MachineMs, type NodeReport } from './report.ts';
import { Stranger } from './stranger.ts';

export interface ClusterPlan {
  readonly nodes: number;
  readonly discovery: DiscoveryName;
  /** The server that it asks; with one, nodes are not told of each other. */
  readonly registry: string | undefined;
  readonly election: ElectionName;
  /** The server that it asks. */
  readonly elector: string | undefined;
  readonly membership: MembershipName;
  readonly profile: Profile;
  /** Undefined where nothing is authenticated. */
  readonly secret: string | undefined;
  readonly data: string;
  /** Undefined where the nodes keep the ledger. */
  readonly ledgerUrl: string | undefined;
}

export type ProcessState = 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'dead';

/** A node as the supervisor sees it: what it did to the process, and what the process last told. */
export interface NodeView {
  readonly id: NodeId;
  readonly address: string;
  readonly pid: number | undefined;
  readonly state: ProcessState;
  /** Whom it believes to lead. */
  readonly leader: LeaderInfo | undefined;
  /** While it holds one, as far as is known. */
  readonly grant: { readonly token: bigint; readonly beganAt: MachineMs } | undefined;
  readonly connected: readonly NodeId[];
  /** What it believes of the others. */
  readonly members: ReadonlyMap<NodeId, MemberState>;
  /** In its copy of the ledger, once it has shown any. */
  readonly tickets: number | undefined;
}

interface Entry {
  view: NodeView;
  child: ChildProcess | undefined;
  guard: ProcessGuard | undefined;
  /** The last lines it wrote. */
  output: string[];
}

const NODE_MAIN = fileURLToPath(new URL('node-main.ts', import.meta.url));
/** The packages of this repository, from their sources. */
const NODE_FLAGS = ['--conditions=@quorate/source'];
const MAX_OUTPUT_LINES = 30;
const HOST = '127.0.0.1';
const CLUSTER = 'demo';
/** A node that was asked to stop and has not by then is killed. */
const STOP_TIMEOUT_MS = 20_000;

/** Starts the nodes of a cluster as processes of this machine, and does to them what a bad day would. */
export class Supervisor implements AsyncDisposable {
  readonly #plan: ClusterPlan;
  readonly #history: History;
  readonly #copies: LedgerCopies;
  readonly #entries = new Map<NodeId, Entry>();
  #stranger: Stranger | undefined;
  #closed = false;

  private constructor(plan: ClusterPlan, history: History, copies: LedgerCopies, addresses: readonly string[]) {
    this.#plan = plan;
    this.#history = history;
    this.#copies = copies;
    addresses.forEach((address, index) => {
      const id = nodeNames(index + 1)[index] ?? '';
      const view: NodeView = {
        id,
        address,
        pid: undefined,
        state: 'stopped',
        leader: undefined,
        grant: undefined,
        connected: [],
        members: new Map(),
        tickets: undefined,
      };
      this.#entries.set(id, { view, child: undefined, guard: undefined, output: [] });
    });
    // Whatever ends this process, none of its children is to outlive it. (They also end when their channel does.)
    process.once('exit', this.#killAll);
  }

  /** Finds an address for each node, which it keeps when it is started again. */
  static async create(plan: ClusterPlan, history: History, copies: LedgerCopies): Promise<Supervisor> {
    const ports = await freePorts(plan.nodes);
    return new Supervisor(
      plan,
      history,
      copies,
      ports.map((port) => `${HOST}:${port}`),
    );
  }

  get nodes(): readonly NodeView[] {
    return [...this.#entries.values()].map(({ view }) => view);
  }

  /** The node with the newest grant that is not known to have ended. */
  get leader(): NodeView | undefined {
    const holders = this.nodes.filter(({ grant }) => grant !== undefined);
    return holders.sort((a, b) => Number((b.grant?.token ?? 0n) - (a.grant?.token ?? 0n)))[0];
  }

  node(id: NodeId): NodeView {
    return this.#entry(id).view;
  }

  start(id: NodeId): void {
    const entry = this.#entry(id);
    if (entry.child !== undefined || this.#closed) return;
    const child = fork(NODE_MAIN, this.#args(entry.view), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: NODE_FLAGS,
      // Tokens are bigints, which JSON doesn't know.
      serialization: 'advanced',
      ...(this.#plan.secret !== undefined && { env: { ...process.env, QUORATE_SECRET: this.#plan.secret } }),
    });
    entry.child = child;
    entry.output = [];
    this.#update(id, { ...NOTHING_TOLD, state: 'starting', pid: child.pid });
    this.#record(id, { type: 'spawned', at: machineNow(), pid: child.pid ?? 0 });
    child.on('message', (message) => this.#hear(id, child, message as NodeReport));
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => keepLines(entry, String(chunk)));
    // Without a listener a failure to spawn or to signal would end this process; 'close' tells the rest.
    child.on('error', (error) => keepLines(entry, String(error)));
    child.once('close', (code, signal) => this.#exited(id, child, code, signal));
  }

  /** SIGKILL: no goodbye, nothing flushed. */
  kill(id: NodeId): void {
    this.#signal(id, 'SIGKILL', 'killed', 'dead');
  }

  /** SIGSTOP: it hears and does nothing until it is continued, and cannot know. */
  pause(id: NodeId): void {
    const entry = this.#entry(id);
    if (entry.view.state !== 'running') return;
    const pid = entry.child?.pid;
    // Stopped, it can't notice that this process is gone; continued, it ends by itself.
    if (pid !== undefined) entry.guard = guardProcess(pid, ['CONT']);
    this.#signal(id, 'SIGSTOP', 'paused', 'paused');
  }

  resume(id: NodeId): void {
    const entry = this.#entry(id);
    if (entry.view.state !== 'paused') return;
    this.#signal(id, 'SIGCONT', 'continued', 'running');
    entry.guard?.release();
    entry.guard = undefined;
  }

  /** Has a node ask its discovery; it reports what that finds. */
  discover(id: NodeId): void {
    const request: NodeRequest = 'discover';
    this.#entry(id).child?.send(request, () => undefined);
  }

  /** Has somebody knock at every node who has a wrong secret. False when one is there already, or anybody may come in. */
  sendStranger(): boolean {
    const { secret, membership } = this.#plan;
    if (secret === undefined || this.#closed || this.#stranger?.isThere === true) return false;
    const addresses = this.nodes.map(({ address }) => address);
    this.#stranger = new Stranger({ cluster: CLUSTER, addresses, membership }, `not ${secret}`, this.#history);
    return true;
  }

  /** SIGTERM: it hands over and says goodbye. Resolves when the process has ended. */
  async stop(id: NodeId): Promise<void> {
    this.resume(id);
    const { child } = this.#entry(id);
    if (child === undefined) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    this.#signal(id, 'SIGTERM', 'asked-to-stop', 'stopping');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Stops every node, the leader last, so that it need not hand over to one that is about to stop too. */
  async stopAll(): Promise<void> {
    const { leader } = this;
    await Promise.all(this.nodes.filter(({ id }) => id !== leader?.id).map(({ id }) => this.stop(id)));
    if (leader !== undefined) await this.stop(leader.id);
  }

  /** Ends what still runs, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const children = [...this.#entries.values()].flatMap(({ child }) => (child === undefined ? [] : [child]));
    const closed = children.map((child) => new Promise((resolve) => child.once('close', resolve)));
    this.#killAll();
    await Promise.all(closed);
    process.removeListener('exit', this.#killAll);
  }

  readonly #killAll = (): void => {
    this.#stranger?.[Symbol.dispose]();
    for (const { child, guard, view } of this.#entries.values()) {
      if (child === undefined) continue;
      // It is recorded as asked for, so that it is not taken for a crash.
      this.#update(view.id, { state: 'dead' });
      child.kill('SIGKILL');
      guard?.release();
    }
  };

  #signal(
    id: NodeId,
    signal: NodeJS.Signals,
    type: 'killed' | 'paused' | 'continued' | 'asked-to-stop',
    state: ProcessState,
  ): void {
    const { child } = this.#entry(id);
    if (child === undefined) return;
    this.#update(id, { state });
    const at = machineNow();
    child.kill(signal);
    this.#record(id, { type, at });
  }

  #hear(id: NodeId, child: ChildProcess, report: NodeReport): void {
    // The last words of a process that has been replaced are not this one's.
    if (this.#entry(id).child !== child) return;
    this.#update(id, changeBy(report, this.node(id)));
    // Lines of the ledger are many, and the same from every node: the first to have one makes it an event.
    if (report.type === 'copied') this.#copies.hear(id, report);
    else this.#history.record({ source: 'node', node: id, ...report });
  }

  #exited(id: NodeId, child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    const entry = this.#entry(id);
    if (entry.child !== child) return;
    const { state } = entry.view;
    const expected = state === 'dead' || (state === 'stopping' && code === 0);
    entry.child = undefined;
    entry.guard?.release();
    entry.guard = undefined;
    const gone = state === 'stopping' && code === 0 ? 'stopped' : 'dead';
    this.#update(id, { ...NOTHING_TOLD, state: gone, pid: undefined });
    const output = expected ? [] : entry.output;
    const how = { code: code ?? undefined, signal: signal ?? undefined };
    this.#record(id, { type: 'exited', at: machineNow(), ...how, expected, output });
  }

  #args({ id, address }: NodeView): readonly string[] {
    const { profile, membership, election, elector, discovery, registry, data, ledgerUrl } = this.#plan;
    const others = this.nodes.filter((node) => node.id !== id);
    const options = {
      id,
      host: HOST,
      port: address.slice(HOST.length + 1),
      cluster: CLUSTER,
      voters: this.nodes.map((node) => node.id).join(','),
      ...(registry === undefined
        ? { peers: others.map((node) => `${node.id}@${node.address}`).join(',') }
        : { registry }),
      discovery,
      election,
      ...(elector !== undefined && { elector }),
      membership,
      profile,
      data,
      ...(ledgerUrl !== undefined && { ledger: ledgerUrl }),
    };
    return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  }

  #entry(id: NodeId): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`there is no node ${id}`);
    return entry;
  }

  #update(id: NodeId, change: Partial<NodeView>): void {
    const entry = this.#entry(id);
    entry.view = { ...entry.view, ...change };
  }

  #record(node: NodeId, event: ProcessEvent): void {
    this.#history.record({ source: 'process', node, ...event });
  }
}

/** Of a process that has not told anything yet, or is gone. */
const NOTHING_TOLD = {
  connected: [],
  members: new Map(),
  leader: undefined,
  grant: undefined,
  tickets: undefined,
} as const;

/** What a report changes of the view of its node. */
function changeBy(report: NodeReport, view: NodeView): Partial<NodeView> {
  switch (report.type) {
    case 'started':
      return view.state === 'starting' ? { state: 'running' } : {};
    case 'peers':
      return { connected: report.connected };
    case 'leader':
      return { leader: report.leader };
    case 'granted':
      return { grant: { token: report.token, beganAt: report.at } };
    case 'ended':
      return view.grant?.token === report.token ? { grant: undefined } : {};
    case 'stopping':
      return { state: 'stopping' };
    case 'copied':
      return { tickets: report.line.count };
    case 'member':
      return { members: new Map(view.members).set(report.about, report.state) };
    case 'turned-away':
    case 'printing':
    case 'accepted':
    case 'refused':
    case 'rang':
    case 'ledger-failed':
    case 'discovered':
    case 'stopped':
      return {};
  }
}

/** Held all at once, so that they differ, and let go for the nodes to take. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, HOST, () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function keepLines(entry: Entry, text: string): void {
  entry.output.push(...text.split('\n').filter((line) => line.trim() !== ''));
  if (entry.output.length > MAX_OUTPUT_LINES) entry.output.splice(0, entry.output.length - MAX_OUTPUT_LINES);
}

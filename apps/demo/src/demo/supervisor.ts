import type { NodeId } from '@quorate/core';
import { stablePorts } from '@quorate/test-servers';
import type { NodeStatus } from '../broker/node-status.ts';
import type { DiscoveryName } from '../discoveries.ts';
import type { ElectionName } from '../elections.ts';
import type { MembershipName } from '../memberships.ts';
import { DISCOVER, type DiscoveredReport } from '../node/supervised.ts';
import type { Profile } from '../parts.ts';
import { Relay } from '../relay/relay.ts';
import { Changes } from './changes.ts';
import { nodeNames } from './demo-options.ts';
import type { DemoLog } from './demo-log.ts';
import { CLUSTER, HOST, nodeArguments } from './node-arguments.ts';
import { NodeProcess, type ProcessState, type SupervisedReport } from './node-process.ts';
import { followStatus } from './status-stream.ts';
import { Stranger, type StrangerReport } from './stranger.ts';

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
  /** Of each node, instead of its own: shows what the demo would notice. */
  readonly program?: string;
}

/** A node as the supervisor sees it: what it did to the process, and what the node says. */
export interface NodeView {
  readonly id: NodeId;
  /** For other nodes. */
  readonly address: string;
  /** For clients. */
  readonly url: string;
  readonly pid: number | undefined;
  readonly process: ProcessState;
  /** What it said last; undefined from when it was killed, stopped or paused. */
  readonly status: NodeStatus | undefined;
}

interface Entry {
  readonly id: NodeId;
  readonly port: number;
  readonly httpPort: number;
  readonly process: NodeProcess;
  status: NodeStatus | undefined;
  following: AbortController;
}

const FOLLOW_AGAIN_MS = 100;
/** Whom each node holds for alive or elected is in its status. */
const SHOWN_ELSEWHERE: readonly string[] = ['member', 'leader'];

/** Starts the nodes of a cluster as processes of this machine, and does to them what a bad day would. */
export class Supervisor implements AsyncDisposable {
  readonly #plan: ClusterPlan;
  readonly #log: DemoLog;
  readonly #relay: Relay;
  readonly #entries = new Map<NodeId, Entry>();
  readonly #changes = new Changes();
  /** Who waits for what a discovery finds. */
  readonly #asking = new Map<NodeId, (found: DiscoveredReport) => void>();
  readonly strangerReports: StrangerReport[] = [];
  /** Nodes that told that they refused a connection, since the stranger came. */
  readonly refusers = new Set<NodeId>();
  #stranger: Stranger | undefined;
  #crash: string | undefined;
  #isClosed = false;

  private constructor(plan: ClusterPlan, log: DemoLog, relay: Relay, ports: ReadonlyMap<NodeId, readonly number[]>) {
    this.#plan = plan;
    this.#log = log;
    this.#relay = relay;
    for (const [id, [port = 0, httpPort = 0]] of ports) this.#entries.set(id, this.#entryOf(id, port, httpPort));
  }

  /** Finds addresses for each node, which it keeps when it is started again. */
  static async create(plan: ClusterPlan, log: DemoLog): Promise<Supervisor> {
    const ids = nodeNames(plan.nodes);
    const found = await stablePorts(2 * ids.length);
    const ports = new Map(ids.map((id, index) => [id, [found[2 * index] ?? 0, found[2 * index + 1] ?? 0]]));
    const relay = await Relay.create(new Map([...ports].map(([id, [port = 0]]) => [id, port])));
    return new Supervisor(plan, log, relay, ports);
  }

  get nodes(): readonly NodeView[] {
    return [...this.#entries.keys()].map((id) => this.node(id));
  }

  node(id: NodeId): NodeView {
    const { port, httpPort, process, status } = this.#entry(id);
    const { pid, state } = process;
    const isHeard = state === 'running' || state === 'stopping';
    return {
      id,
      address: `${HOST}:${port}`,
      url: `http://${HOST}:${httpPort}`,
      pid,
      process: state,
      status: isHeard ? status : undefined,
    };
  }

  /** Who leads the log, by what the nodes say: whoever does so in the newest term. */
  get leader(): NodeView | undefined {
    let leader: { readonly node: NodeView; readonly term: number } | undefined = undefined;
    for (const node of this.nodes) {
      const { role, term = 0 } = node.status?.replication ?? {};
      if (role === 'leader' && term > (leader?.term ?? -1)) leader = { node, term };
    }
    return leader?.node;
  }

  /** Groups of nodes that don't reach each other; one: all do. */
  get partition(): readonly (readonly NodeId[])[] {
    return this.#relay.groups;
  }

  /** A node that has ended by itself: which, and what it wrote. */
  get crash(): string | undefined {
    return this.#crash;
  }

  /** Called after each change. */
  listen(listener: () => void): Disposable {
    return this.#changes.listen(listener);
  }

  /** Resolves once the condition holds. Rejects when it doesn't in time, or a node ends that should not. */
  until(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    return this.#changes.until(what, condition, () => this.#crash, withinMs);
  }

  /** Has who waits for something look again, though no node has changed. */
  look(): void {
    this.#changes.tell();
  }

  start(id: NodeId): void {
    const { process } = this.#entry(id);
    if (process.isThere || this.#isClosed) return;
    process.start();
    this.#log.write('info', id, `started as process ${process.pid ?? '?'}`);
  }

  async kill(id: NodeId): Promise<void> {
    this.#log.write('bad', id, 'killed: SIGKILL');
    await this.#entry(id).process.kill();
  }

  pause(id: NodeId): void {
    this.#entry(id).process.pause();
    this.#log.write('bad', id, 'paused: SIGSTOP');
  }

  resume(id: NodeId): void {
    this.#entry(id).process.resume();
    this.#log.write('info', id, 'continued');
  }

  async stop(id: NodeId): Promise<void> {
    this.#log.write('info', id, 'asked to stop: SIGTERM');
    await this.#entry(id).process.stop();
  }

  /** Only nodes of one group reach each other; whom no group names are one more group. */
  cut(groups: readonly (readonly NodeId[])[]): void {
    this.#relay.partition(groups);
    const text = this.#relay.groups.map((group) => group.join(' ')).join(' | ');
    this.#log.write('bad', undefined, `the network is cut: ${text}`);
    this.#changes.tell();
  }

  heal(): void {
    if (this.#relay.groups.length === 1) return;
    this.#relay.heal();
    this.#log.write('info', undefined, 'the network is whole again');
    this.#changes.tell();
  }

  /** Stops every node, the leader last, so that it need not hand over to one that is about to stop too. */
  async stopAll(): Promise<void> {
    this.heal();
    const leader = this.leader?.id;
    await Promise.all(this.nodes.filter(({ id }) => id !== leader).map(({ id }) => this.#stopIfThere(id)));
    if (leader !== undefined) await this.#stopIfThere(leader);
  }

  /** Has a node ask its discovery. @throws the signal's reason */
  discover(id: NodeId, signal: AbortSignal): Promise<DiscoveredReport> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      this.#asking.set(id, resolve);
      this.#entry(id).process.ask(DISCOVER);
    });
  }

  /** Has somebody knock at every node who has a wrong secret. False when one is there already, or anybody may come in. */
  sendStranger(): boolean {
    const { secret, membership } = this.#plan;
    if (secret === undefined || this.#isClosed || this.#stranger?.isThere === true) return false;
    const addresses = this.nodes.map(({ address }) => address);
    this.strangerReports.length = 0;
    this.refusers.clear();
    this.#log.write('warn', undefined, 'a stranger comes, who knows every address and has a wrong secret');
    const plan = { cluster: CLUSTER, addresses, membership };
    this.#stranger = new Stranger(plan, `not ${secret}`, (report) => this.#hearStranger(report));
    return true;
  }

  /** Ends what still runs, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#stranger?.[Symbol.dispose]();
    await Promise.all([...this.#entries.values()].map(({ process }) => process.kill()));
    for (const { following } of this.#entries.values()) following.abort();
    await this.#relay[Symbol.asyncDispose]();
  }

  #entryOf(id: NodeId, port: number, httpPort: number): Entry {
    const { secret, program } = this.#plan;
    const process = new NodeProcess({
      ...(program !== undefined && { program }),
      args: () => nodeArguments(this.#plan, { id, port, httpPort, routes: this.#relay.routesOf(id) }, this.nodes),
      env: secret === undefined ? {} : { QUORATE_SECRET: secret },
      onState: (state) => this.#hearState(id, state),
      onReport: (report) => this.#hear(id, report),
      onCrash: (text) => {
        this.#crash ??= `node ${id} ${text}`;
        this.#log.write('bad', id, text);
        this.#changes.tell();
      },
    });
    return { id, port, httpPort, process, status: undefined, following: new AbortController() };
  }

  async #stopIfThere(id: NodeId): Promise<void> {
    if (this.#entry(id).process.isThere) await this.stop(id);
  }

  #hearState(id: NodeId, state: ProcessState): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (state !== 'running' && state !== 'paused' && state !== 'stopping') {
      entry.following.abort();
      entry.status = undefined;
    }
    if (state === 'stopped') this.#log.write('info', id, 'said goodbye and ended');
    this.#changes.tell();
  }

  #hear(id: NodeId, report: SupervisedReport): void {
    switch (report.type) {
      case 'started':
        this.#log.write('good', id, `serves clients at ${report.url}`);
        void this.#follow(id);
        return;
      case 'event':
        if (report.event.type === 'refused') this.refusers.add(id);
        if (!SHOWN_ELSEWHERE.includes(report.event.type)) this.#tell(id, report.event);
        break;
      case 'discovered':
        this.#asking.get(id)?.(report);
        this.#asking.delete(id);
        break;
      case 'stopped':
    }
    this.#changes.tell();
  }

  #tell(id: NodeId, { type, text }: Extract<SupervisedReport, { type: 'event' }>['event']): void {
    const levels = { elected: 'good', refused: 'warn', error: 'warn', ended: 'warn' } as const;
    this.#log.write(type in levels ? levels[type as keyof typeof levels] : 'info', id, text);
  }

  #hearStranger(report: StrangerReport): void {
    const { type, address } = report;
    const isNews = !this.strangerReports.some((other) => other.type === type && other.address === address);
    this.strangerReports.push(report);
    if (!isNews) return;
    if (report.type === 'let-in') this.#log.write('bad', undefined, `the stranger was let in at ${address}`);
    else this.#log.write('good', undefined, `the stranger was refused at ${address}: ${report.reason}`);
    this.#changes.tell();
  }

  /** From its start to its end, what the node says of itself. */
  async #follow(id: NodeId): Promise<void> {
    const entry = this.#entry(id);
    entry.following.abort();
    const following = new AbortController();
    entry.following = following;
    const onStatus = (status: NodeStatus) => {
      entry.status = status;
      this.#changes.tell();
    };
    while (!following.signal.aborted) {
      await followStatus(this.node(id).url, onStatus, following.signal);
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_AGAIN_MS));
    }
  }

  #entry(id: NodeId): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`there is no node ${id}`);
    return entry;
  }
}

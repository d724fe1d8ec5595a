import {
  type Cluster,
  createCluster,
  type Logger,
  type Plugin,
  type ReplicationStatus,
  type Storage,
  type System,
} from '@quorate/core';
import type { Host, World } from '@quorate/simulator';
import { neverGoesBack, RaftRules } from '../raft/rules.ts';
import { BitRot } from './bit-rot.ts';
import { ClientPromises } from './client-promises.ts';
import { CommandOrder } from './command-order.ts';
import { LedgerClient } from './ledger-client.ts';
import { LedgerHistory } from './ledger-history.ts';
import { LedgerMachine } from './ledger-machine.ts';
import { type LedgerNode, type LedgerReplicator, statusOf } from './ledger-node.ts';
import { drawCharacter, type LifeCharacter } from './life-character.ts';
import { LifeFaults } from './life-faults.ts';
import { drawTrial, LifeTrial } from './life-trial.ts';
import type { ReplicationParts } from './replication-parts.ts';
import type { Trial } from './trial.ts';
import { WatchedLog, watchedStorage } from './watched-log.ts';

const PORT = 7000;
/** Statuses are looked at after each so many events: a leader leads for longer than that. */
const LOOK_EVERY = 8;

export interface LifeOptions {
  /** Whether disks rot; undefined: the seed decides. */
  readonly rots?: boolean | undefined;
  /** What the life is about; undefined: the seed decides. */
  readonly trial?: Trial | 'none' | undefined;
}

interface Reader {
  readonly client: LedgerClient;
  readonly read: () => Promise<void>;
}

/** The cluster of one life: nodes that start, die and come back, clients that use them, and rules that hold throughout. */
export class ReplicationLife {
  readonly character: LifeCharacter;
  readonly order: CommandOrder;
  readonly promises: ClientPromises;
  readonly history: LedgerHistory;
  readonly faults: LifeFaults;
  readonly rot: BitRot;
  /** Where it is about one promise: then these attacks come instead of all other faults. */
  readonly trial: LifeTrial | undefined;
  /** How many calls ended how. */
  readonly counts = new Map<string, number>();
  readonly clients: readonly LedgerClient[];
  /** Each reads in its own way, on one node and without end. */
  readonly readers: readonly Reader[];
  readonly #world: World;
  readonly #parts: ReplicationParts;
  readonly #rules = new RaftRules();
  readonly #logs = new Map<Host, WatchedLog>();
  readonly #nodes = new Map<Host, LedgerNode>();
  /** Of each node's run: what its status said last. */
  readonly #statuses = new WeakMap<LedgerNode, ReplicationStatus>();
  /** Those that were told to stop. */
  readonly #stopped = new WeakSet<LedgerNode>();
  #breach: unknown;
  #steps = 0;

  constructor(world: World, parts: ReplicationParts, { rots, trial = drawTrial(world) }: LifeOptions) {
    this.#world = world;
    this.#parts = parts;
    this.character = drawCharacter(world, trial === 'none' ? undefined : trial);
    const { maxDrift } = this.character.habits;
    this.order = new CommandOrder(() => world.now);
    this.promises = new ClientPromises(this.order);
    this.history = new LedgerHistory(() => world.now);
    world.note(this.character.describe);
    for (let number = 1; number <= this.character.nodes; number += 1) {
      const host = world.host(String.fromCodePoint(96 + number), { drift: (world.random.next() * 2 - 1) * maxDrift });
      this.#logs.set(host, new WatchedLog(number, this.#rules));
    }
    const attacking = {
      maxDrift,
      restart: (host: Host) => this.start(host),
      leaders: () => this.leaders(),
      handOver: (host: Host) => this.#handOver(host),
    };
    this.faults = new LifeFaults(world, { ...attacking, stop: (host) => this.#stop(host) });
    this.trial = this.character.trial && new LifeTrial(world, this.character.trial, attacking);
    this.rot = new BitRot(
      world,
      {
        isFormed: () => this.order.highest > 0,
        restart: (host) => this.start(host),
        rotten: () => this.#count('bits turned'),
      },
      rots,
    );
    this.clients = Array.from({ length: this.character.clients }, (_none, at) => this.client(`c${at + 1}`));
    this.readers = world.hosts.flatMap(({ name }) => this.#readersOf(name));
    world.onStep(() => this.#check());
  }

  /** A client of this cluster, that does nothing by itself. */
  client(name: string): LedgerClient {
    return new LedgerClient(name, {
      world: this.#world,
      order: this.order,
      promises: this.promises,
      history: this.history,
      habits: this.character.habits,
      nodes: () => this.nodes(),
      count: (what) => this.#count(what),
      broken: (error) => this.broken(error),
    });
  }

  #readersOf(name: string): readonly Reader[] {
    const { hasLeaseReaders, trial } = this.character;
    const reader = (kind: string, read: (client: LedgerClient) => Promise<void>): Reader => {
      const client = this.client(`${kind} reader of ${name}`);
      return { client, read: () => read(client) };
    };
    const lease = reader('lease', (client) => client.readOnLeader(name, 'lease'));
    if (trial !== 'reads') return hasLeaseReaders ? [lease] : [];
    const fresh = reader('fresh', (client) => client.readOnLeader(name, 'linearizable'));
    const bounded = reader('bounded', (client) => client.readBounded(name));
    return [lease, fresh, bounded];
  }

  /** Those that clients can call. */
  nodes(): readonly LedgerNode[] {
    return [...this.#nodes.values()].filter(
      ({ host, boot, replicator }) => host.running && host.boots === boot && replicator !== undefined,
    );
  }

  leaders(): readonly Host[] {
    return this.nodes().flatMap((node) => (statusOf(node)?.role === 'leader' ? [node.host] : []));
  }

  start(host: Host): void {
    this.faults.started(host);
    host.start((system) => this.#run(host, system));
  }

  startAll(): void {
    for (const host of this.#world.hosts) if (!host.running) this.start(host);
  }

  /** The faults are over: every node runs, on a disk that works. */
  settle(): void {
    for (const [host, node] of this.#nodes) if (this.faults.hasFailed(host) || this.#stopped.has(node)) host.crash();
    this.startAll();
  }

  /** Whether all nodes have applied all that any has. */
  isEqual(): boolean {
    const nodes = this.nodes();
    if (nodes.length < this.#world.hosts.length) return false;
    const { highest, digest } = this.order;
    return nodes.every(({ machine }) => machine?.number === highest && machine.digest === digest);
  }

  /** A rule was broken: the life ends after this event. */
  broken(error: unknown): void {
    this.#breach ??= error;
  }

  async stop(): Promise<void> {
    const stopped = Promise.all([...this.#nodes.values()].map(({ cluster }) => cluster.stop()));
    await this.#world.settled(stopped, 60_000);
  }

  async #run(host: Host, system: System): Promise<void> {
    const run = { name: host.name, shown: 0, host, boot: host.boots, acknowledged: 0 };
    const node: LedgerNode = {
      ...run,
      replicator: undefined,
      machine: undefined,
      cluster: this.#build(host, system, () => node),
    };
    this.#nodes.set(host, node);
    try {
      await node.cluster.start();
      node.replicator = node.cluster.replicator;
    } catch (error) {
      if (!this.faults.hasFailed(host) && !this.#stopped.has(node)) throw error;
      this.#world.note(`${host.name} did not start: ${String(error)}`);
    }
  }

  #build(host: Host, system: System, node: () => LedgerNode): Cluster<LedgerReplicator> {
    const { hosts } = this.#world;
    const { timings, snapshots, sessionTtlMs, hasElection, transport, habits, hasLease } = this.character;
    const voters = hosts.map(({ name }) => name);
    const group = { voters, timings, ...(hasLease && { maxClockDrift: habits.maxDrift }) };
    return createCluster<LedgerReplicator>({
      nodeId: host.name,
      name: 'scenario',
      bind: { host: host.address, port: PORT },
      seedNodes: hosts.map(({ address }) => ({ host: address, port: PORT })),
      transport: transport(),
      insecure: true,
      storage: this.#storage(host),
      ...(hasElection && { election: this.#parts.raftElection(group) }),
      replicator: this.#parts.raftReplicator({
        ...group,
        snapshots,
        sessionTtlMs,
        machine: () => {
          const machine = new LedgerMachine(this.order.observer(node()));
          node().machine = machine;
          return machine;
        },
      }),
      system,
      logger: this.#logger(host, system.logger),
      logLevel: 'info',
    });
  }

  #storage(host: Host): Plugin<Storage, 'storage'> {
    const storage = this.#parts.fileStorage({ directory: '/data', log: this.character.log });
    return watchedStorage(storage, this.#logs.get(host) as WatchedLog, {
      broken: (error) => this.broken(error),
      promises: () => {
        if (this.trial === undefined) this.faults.onPromise(host);
        else this.trial.onPromise(host, false);
      },
      promised: () => this.trial?.onPromise(host, true),
      lost: () => this.#lost(host),
    });
  }

  /** This node begins again, with nothing. */
  #lost(host: Host): void {
    this.#count('logs set aside');
    const node = this.#nodes.get(host);
    if (node !== undefined) this.#statuses.delete(node);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Nothing that is an error may happen where the disk does its work. */
  #logger(host: Host, logger: Logger): Logger {
    return {
      ...logger,
      error: (message, ...details) => {
        logger.error(message, ...details);
        if (!this.faults.hasFailed(host))
          this.broken(new Error(`${host.name} has failed: ${message}`, { cause: details[0] }));
      },
    };
  }

  #stop(host: Host): Promise<void> {
    const node = this.#nodes.get(host);
    if (node !== undefined) this.#stopped.add(node);
    return new Promise((resolve) => {
      host.system.clock.setTimer(0, () => void node?.cluster.stop().then(resolve));
    });
  }

  /** What an operator might ask for at any time. */
  #handOver(host: Host): void {
    const node = this.nodes().find((each) => each.host === host);
    if (node === undefined || !this.character.hasElection || host.paused || !node.cluster.isLeader) return;
    const { hosts, random } = this.#world;
    const to = hosts[random.int(hosts.length)] as Host;
    node.cluster.election
      .transfer(to.name)
      .catch((error: unknown) => this.#world.note(`${host.name} hand-over: ${String(error)}`));
  }

  #check(): void {
    this.order.check();
    if (this.#breach !== undefined) throw this.#breach;
    this.#steps += 1;
    if (this.#steps % LOOK_EVERY > 0) return;
    for (const node of this.nodes()) this.#checkStatus(node);
  }

  #checkStatus(node: LedgerNode): void {
    const status = statusOf(node);
    if (status === undefined) return;
    const { name, host } = node;
    const last = this.#statuses.get(node);
    this.#statuses.set(node, status);
    if (last !== undefined) {
      neverGoesBack(`the term of ${name}`, Number(last.term), Number(status.term));
      neverGoesBack(`the commit index of ${name}`, Number(last.commitIndex), Number(status.commitIndex));
      neverGoesBack(`the applied index of ${name}`, Number(last.appliedIndex), Number(status.appliedIndex));
    }
    if (status.appliedIndex > status.commitIndex) throw new Error(`applied: ${name} has applied what is not committed`);
    const [number, term] = [host.name.codePointAt(0) ?? 0, Number(status.term)];
    const log = this.#logs.get(host)?.view;
    if (log === undefined) return;
    const index = Number(status.commitIndex);
    if (index >= log.base && index <= log.lastIndex) this.#rules.commits(number, term, index, log.term(index));
    if (status.role !== 'leader') return;
    this.#rules.leads(number, term);
    if (last?.role !== 'leader' || last.term !== status.term) this.#rules.isComplete(number, term, log);
  }
}

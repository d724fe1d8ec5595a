import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { forwardToLeader, healthOf } from '@quorate/coordination';
import {
  type Address,
  type Cluster,
  ClusterError,
  createCluster,
  formatAddress,
  type LogSink,
  type NodeId,
  type System,
} from '@quorate/core';
import { operations } from '@quorate/operations';
import { raftOperations, raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { prometheus, type Prometheus } from '@quorate/telemetry';
import { tcpTransport } from '@quorate/transport-tcp';
import { discoveries, type DiscoveryName } from '../discoveries.ts';
import { type ElectionName, elections } from '../elections.ts';
import { type Api, type ApiParts, createApi, listen } from '../http/api.ts';
import { Broker, type BrokerReplicator } from '../http/broker.ts';
import { Dispatchers } from '../http/dispatchers.ts';
import { Guard } from '../http/guard.ts';
import { RequestCounts } from '../http/requests.ts';
import { Settlements } from '../http/settlements.ts';
import { type MembershipName, memberships } from '../memberships.ts';
import type { PartsInput } from '../parts.ts';
import { measureBroker } from './broker-metrics.ts';
import { keepHouse } from './housekeeping.ts';
import { LocalBroker } from './local-broker.ts';
import { NodeEvents } from './node-events.ts';
import type { ReportSink } from './node-report.ts';
import { nodeStatus } from './node-status.ts';

export interface NodeSettings extends PartsInput {
  readonly id: NodeId;
  readonly cluster: string;
  readonly bind: string;
  readonly advertise: string | undefined;
  /** Its storage goes into a folder of its own below. */
  readonly data: string;
  readonly discovery: DiscoveryName;
  readonly election: ElectionName;
  readonly membership: MembershipName;
  /** Without it, nothing is authenticated between nodes. */
  readonly secret: string | undefined;
  /** Binds other addresses than loopback. */
  readonly insecure: boolean;
  /** Where clients are served; without a token anybody is who reaches it. */
  readonly http: Address & { readonly token: string | undefined };
  /** What may be under way for clients at one time. */
  readonly limits?: Partial<ClientLimits>;
  readonly logLevel: LogSink;
  readonly debug: string | undefined;
}

export interface ClientLimits {
  /** Requests, long polls and streams apart. */
  readonly maxUnderWay: number;
  /** Long polls and streams. */
  readonly maxWaiting: number;
  /** For how long nothing may move on a connection that has a request. Milliseconds. */
  readonly idleMs: number;
}

export interface RunningNode {
  readonly cluster: Cluster<BrokerReplicator>;
  /** Where clients reach it. */
  readonly url: string;
  /** Where nobody is to be told, what it has: for tests. */
  readonly local: LocalBroker;
  /** Takes nothing more, gives back what it holds, hands over what it leads, and closes. Later calls share the first. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, also because a client had it leave. Rejects when something of that has failed. */
  readonly ended: Promise<void>;
}

const DEFAULT_LIMITS: ClientLimits = { maxUnderWay: 4_096, maxWaiting: 10_000, idleMs: 90_000 };

/** The answer to a receive may have all the bodies and headers that may be handed out at once. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** About what a busy minute writes: a node that starts applies no more than that again. */
const SNAPSHOT_ENTRIES = 50_000;
/** How long a node that is to stop waits for requests under way. */
const DRAIN_MS = 5_000;
const DRAIN_LOOK_MS = 10;
const TRANSFER_MS = 10_000;

/** One node of the broker: the composition that the demo is about, and its API. */
export async function runNode(settings: NodeSettings, system: System, report: ReportSink): Promise<RunningNode> {
  const local = new LocalBroker();
  const events = new NodeEvents();
  events.on((event) => report({ type: 'event', event }));
  const telemetry = prometheus();
  const cluster = await compose(settings, { system, local, telemetry });
  events.follow(cluster);
  await cluster.start();
  const node = new BrokerNode(settings, { cluster, local, events, telemetry, report });
  try {
    await node.serve();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

interface Made {
  readonly system: System;
  readonly local: LocalBroker;
  readonly telemetry: Prometheus;
}

async function compose(settings: NodeSettings, made: Made): Promise<Cluster<BrokerReplicator>> {
  const { voters, profile, secret, advertise, debug } = settings;
  const discovery = await discoveries[settings.discovery].load();
  const election = await elections[settings.election].load();
  return createCluster<BrokerReplicator>({
    name: settings.cluster,
    nodeId: settings.id,
    bind: settings.bind,
    ...(advertise !== undefined && { advertise }),
    insecure: settings.insecure,
    ...(secret !== undefined && { secret }),
    transport: tcpTransport({ maxFrameBytes: MAX_FRAME_BYTES }),
    membership: await memberships[settings.membership](),
    storage: fileStorage({ directory: join(settings.data, settings.id) }),
    discovery: discovery.make(settings),
    election: election.make(settings),
    // With --election raft both stand on one group.
    replicator: raftReplicator({
      voters,
      profile,
      machine: made.local.make,
      snapshots: { everyEntries: SNAPSHOT_ENTRIES },
    }),
    telemetry: made.telemetry,
    system: made.system,
    logLevel: settings.logLevel,
    ...(debug !== undefined && { debug }),
  });
}

interface NodeParts {
  readonly cluster: Cluster<BrokerReplicator>;
  readonly local: LocalBroker;
  readonly events: NodeEvents;
  readonly telemetry: Prometheus;
  readonly report: ReportSink;
}

class BrokerNode implements RunningNode {
  readonly cluster: Cluster<BrokerReplicator>;
  readonly local: LocalBroker;
  readonly #settings: NodeSettings;
  readonly #parts: NodeParts;
  readonly #guard: Guard;
  readonly #dispatchers: Dispatchers;
  readonly #streams: ApiParts['streams'] = new Set();
  /** What ends before the cluster does. */
  readonly #owned = new AsyncDisposableStack();
  readonly #ended = Promise.withResolvers<void>();
  readonly #broker: Broker;
  #api: Api | undefined;
  #url = '';
  #stopping: Promise<void> | undefined;

  constructor(settings: NodeSettings, parts: NodeParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.cluster = parts.cluster;
    this.local = parts.local;
    const { maxUnderWay, maxWaiting } = { ...DEFAULT_LIMITS, ...settings.limits };
    this.#guard = new Guard({ ...settings.http, maxUnderWay });
    this.#broker = new Broker(parts.cluster.replicator);
    this.#dispatchers = new Dispatchers({ broker: this.#broker, local: parts.local, id: settings.id, maxWaiting });
  }

  get url(): string {
    return this.#url;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async serve(): Promise<void> {
    const { cluster, events, report } = this.#parts;
    void events.followLog(cluster.replicator).catch(() => undefined);
    this.#api = await createApi(this.#apiParts());
    this.#url = await listen(this.#api, this.#settings.http);
    report({ type: 'started', at: now(), address: formatAddress(cluster.self), url: this.#url });
  }

  stop(): Promise<void> {
    if (this.#stopping === undefined) {
      this.#stopping = this.#stop();
      this.#stopping.then(this.#ended.resolve, this.#ended.reject);
      // Of a client that had it leave nobody waits for either.
      for (const promise of [this.#stopping, this.#ended.promise]) promise.catch(() => undefined);
    }
    return this.#stopping;
  }

  #apiParts(): ApiParts {
    const { cluster, local, events, telemetry } = this.#parts;
    const counts = new RequestCounts();
    const { voters } = this.#settings;
    const health = this.#owned.use(healthOf(cluster, { voters: () => voters }));
    this.#owned.use(operations(cluster, { allow: 'all', stop: () => this.stop() }));
    this.#owned.use(keepHouse(cluster, local, (message) => events.tell('housekeeping', message)));
    this.#owned.use(measureBroker(telemetry, { local, counts, dispatchers: this.#dispatchers }));
    const leader = this.#owned.use(
      forwardToLeader(cluster, {
        transfer: async (to: string) => {
          if (cluster.self.id !== to) await cluster.election.transfer(to, { signal: AbortSignal.timeout(TRANSFER_MS) });
          // The same, unless the log stands on a group of its own.
          await raftOperations(cluster.replicator).transferLeadership(to, { timeoutMs: TRANSFER_MS });
        },
      }),
    );
    return {
      guard: this.#guard,
      broker: this.#broker,
      local,
      dispatchers: this.#dispatchers,
      settlements: new Settlements(this.#broker, this.#dispatchers),
      counts,
      health,
      metrics: telemetry,
      streams: this.#streams,
      status: () => nodeStatus(cluster, local, counts),
      onEvent: events.on,
      transfer: async (to) => {
        this.#checkTransfer(to);
        await leader.call('transfer', to, { timeoutMs: TRANSFER_MS });
      },
      leave: () => void this.stop(),
      idleMs: this.#settings.limits?.idleMs ?? DEFAULT_LIMITS.idleMs,
      onFault: (error, what) => cluster.system.logger.error(`${what} has failed`, error),
    };
  }

  /** @throws ClusterError before anybody is asked */
  #checkTransfer(to: string): void {
    const { election, nodes } = this.cluster;
    if (!election.supports.transfer) {
      throw new ClusterError(
        'UNSUPPORTED',
        `the election ${this.#settings.election} hands over to nobody in particular`,
      );
    }
    if (nodes.some(({ node, state }) => node.id === to && state === 'alive')) return;
    throw new ClusterError('NOT_FOUND', `no node ${to} is alive, as this one sees it`);
  }

  async #stop(): Promise<void> {
    const { events, report } = this.#parts;
    this.#guard.stop();
    events.tell('stopping', 'stopping');
    await this.#end();
    report({ type: 'stopped', at: now() });
  }

  /** Whatever of it fails, the rest is done. */
  async #end(): Promise<void> {
    await using ending = new AsyncDisposableStack();
    ending.use(this.#parts.telemetry);
    ending.defer(() => this.#closeApi());
    ending.defer(() => this.cluster.stop());
    ending.use(this.#owned);
    await this.#drain();
  }

  /** What was begun is done, as far as that takes no longer than it may. */
  async #drain(): Promise<void> {
    await this.#dispatchers.close();
    for (const stream of this.#streams) stream.close();
    const deadline = performance.now() + DRAIN_MS;
    while (this.#guard.underWay > 0 && performance.now() < deadline) await delay(DRAIN_LOOK_MS);
  }

  async #closeApi(): Promise<void> {
    if (this.#api === undefined) return;
    const closed = this.#api.close();
    this.#api.server.closeAllConnections();
    await closed;
  }
}

function now(): string {
  return new Date().toISOString();
}

import { join } from 'node:path';
import {
  type Cluster,
  createCluster,
  formatAddress,
  isClusterError,
  type Leadership,
  type Logger,
  type LogSink,
  type NodeId,
  type Transport,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { discoveries, type DiscoveryName, type ElectionName, elections, type PartsInput } from './parts.ts';
import { machineNow, type ReportSink } from './report.ts';
import { numberTickets, toMachineTime } from './ticket-job.ts';

export interface NodeSettings extends PartsInput {
  readonly id: NodeId;
  readonly cluster: string;
  readonly bind: string;
  readonly advertise: string | undefined;
  /** Its storage goes into a folder of its own below. */
  readonly data: string;
  readonly discovery: DiscoveryName;
  readonly election: ElectionName;
  /** Binds other addresses than loopback. */
  readonly insecure: boolean;
  /** Without it, the leader has nothing to do. */
  readonly ledgerUrl: string | undefined;
  readonly logLevel: LogSink;
  readonly debug: string | undefined;
}

export interface RunningNode {
  readonly cluster: Cluster;
  /** Finishes the ticket at hand, hands leadership over and closes. Later calls share the first. */
  stop(): Promise<void>;
}

/** One node of the cluster: the composition that the demo is about, and its leader-only job. */
export async function runNode(settings: NodeSettings, logger: Logger, report: ReportSink): Promise<RunningNode> {
  const system = nodeSystem({ logger });
  const cluster = createCluster({
    name: settings.cluster,
    nodeId: settings.id,
    bind: settings.bind,
    ...(settings.advertise === undefined ? {} : { advertise: settings.advertise }),
    transport: tcpTransport({ insecure: settings.insecure }),
    storage: fileStorage({ directory: join(settings.data, settings.id) }),
    discovery: discoveries[settings.discovery](settings),
    election: elections[settings.election](settings),
    system,
    logLevel: settings.logLevel,
    ...(settings.debug === undefined ? {} : { debug: settings.debug }),
  });

  const closing = new AbortController();
  let job: Promise<void> = Promise.resolve();
  const lead = (leadership: Leadership) => {
    report({ type: 'granted', at: machineNow(), token: leadership.token });
    const { ledgerUrl } = settings;
    if (ledgerUrl === undefined) return;
    const options = { ledgerUrl, clock: system.clock, report, signal: closing.signal };
    // One at a time: the job of an earlier grant may still be at its last ticket.
    job = job.then(() => numberTickets(leadership, options));
  };
  cluster.on('leadershipAcquired', ({ leadership }) => lead(leadership));
  cluster.on('leadershipLost', ({ leadership, reason }) => {
    const deadline = toMachineTime(system.clock, leadership.deadline);
    const lapsed = isClusterError(reason, 'QUORUM_LOST');
    report({ type: 'ended', at: machineNow(), token: leadership.token, deadline, lapsed, reason: reasonOf(reason) });
  });
  cluster.on('leaderChanged', ({ leader }) => report({ type: 'leader', at: machineNow(), leader }));

  await cluster.start();
  report({ type: 'started', at: machineNow(), address: formatAddress(cluster.self) });
  void reportPeers(cluster.transport, report);

  const stop = async () => {
    report({ type: 'stopping', at: machineNow() });
    closing.abort();
    await job;
    await cluster.stop();
    report({ type: 'stopped', at: machineNow() });
  };
  let stopping: Promise<void> | undefined = undefined;
  return { cluster, stop: () => (stopping ??= stop()) };
}

async function reportPeers(transport: Transport, report: ReportSink): Promise<void> {
  const events = transport.watch();
  let told: string | undefined = undefined;
  const tell = () => {
    const connected = transport.peers.filter(({ state }) => state === 'connected').map(({ node }) => node.id);
    if (told === connected.join()) return;
    told = connected.join();
    report({ type: 'peers', at: machineNow(), connected });
  };
  tell();
  for await (const { type } of events) if (type === 'connected' || type === 'disconnected') tell();
}

function reasonOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

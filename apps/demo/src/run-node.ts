import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Cluster,
  createCluster,
  formatAddress,
  isClusterError,
  type Leadership,
  type Logger,
  type LogSink,
  type Member,
  type NodeId,
  type Transport,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import { ringBell } from './bell.ts';
import { discoveries, type DiscoveryName } from './discoveries.ts';
import { type ElectionName, elections, isReplicated } from './elections.ts';
import { type MembershipName, memberships } from './memberships.ts';
import type { PartsInput } from './parts.ts';
import { ReplicatedLedger, type TicketReplicator } from './replicated-ledger.ts';
import { machineNow, type ReportSink } from './report.ts';
import { numberTickets, toMachineTime } from './ticket-job.ts';
import { httpOffice, ReplicatedOffice, type TicketOffice } from './ticket-office.ts';

export interface NodeSettings extends Omit<PartsInput, 'ledger'> {
  readonly id: NodeId;
  readonly cluster: string;
  readonly bind: string;
  readonly advertise: string | undefined;
  /** Its storage goes into a folder of its own below. */
  readonly data: string;
  readonly discovery: DiscoveryName;
  readonly election: ElectionName;
  readonly membership: MembershipName;
  /** Without it, nothing is authenticated. */
  readonly secret: string | undefined;
  /** Binds other addresses than loopback. */
  readonly insecure: boolean;
  /** Without it, and without a replicated one, the leader has nothing to do. */
  readonly ledgerUrl: string | undefined;
  readonly logLevel: LogSink;
  readonly debug: string | undefined;
}

export interface RunningNode {
  readonly cluster: Cluster<TicketReplicator>;
  /** Asks the discovery now, and reports what it finds. */
  discover(): Promise<void>;
  /** Finishes the ticket at hand, hands leadership over and closes. Later calls share the first. */
  stop(): Promise<void>;
}

/** One node of the cluster: the composition that the demo is about, and its leader-only job. */
export async function runNode(settings: NodeSettings, logger: Logger, report: ReportSink): Promise<RunningNode> {
  const system = nodeSystem({ logger });
  let isReplay = true;
  const ledger = () => new ReplicatedLedger((line) => report({ type: 'copied', at: machineNow(), line, isReplay }));
  const parts = { ...settings, ledger };
  const discovery = await discoveries[settings.discovery].load();
  const election = await elections[settings.election].load();
  const cluster = createCluster<TicketReplicator>({
    name: settings.cluster,
    nodeId: settings.id,
    bind: settings.bind,
    ...(settings.advertise === undefined ? {} : { advertise: settings.advertise }),
    insecure: settings.insecure,
    ...(settings.secret === undefined ? {} : { secret: settings.secret }),
    transport: tcpTransport(),
    membership: await memberships[settings.membership](),
    storage: fileStorage({ directory: join(settings.data, settings.id) }),
    discovery: discovery.make(parts),
    ...election.make(parts),
    system,
    logLevel: settings.logLevel,
    ...(settings.debug === undefined ? {} : { debug: settings.debug }),
  });

  const closing = new AbortController();
  const hurry = new AbortController();
  let office: TicketOffice | undefined = undefined;
  let bell: AsyncDisposable | undefined = undefined;
  let job: Promise<void> = Promise.resolve();
  const lead = (leadership: Leadership) => {
    report({ type: 'granted', at: machineNow(), token: leadership.token });
    office ??= openOffice(cluster, settings);
    if (office === undefined) return;
    const options = { office, clock: system.clock, report, signal: closing.signal, hurry: hurry.signal };
    // One at a time: the job of an earlier grant may still be at its last ticket.
    job = job.then(() => numberTickets(leadership, options));
  };
  cluster.on('leadershipAcquired', ({ leadership }) => lead(leadership));
  cluster.on('leadershipLost', ({ leadership, reason }) => {
    const deadline = toMachineTime(system.clock, leadership.deadline);
    const lapsed = isClusterError(reason, 'QUORUM_LOST');
    report({ type: 'ended', at: machineNow(), token: leadership.token, deadline, lapsed, reason: reasonOf(reason) });
  });
  cluster.on('leaderChanged', ({ leader }) => {
    isReplay &&= leader === undefined;
    report({ type: 'leader', at: machineNow(), leader });
  });

  tellOfOthers(cluster, report);

  await cluster.start();
  office ??= openOffice(cluster, settings);
  if (office !== undefined) bell = ringBell(cluster, office.claims, report);
  report({ type: 'started', at: machineNow(), address: formatAddress(cluster.self) });
  void reportPeers(cluster.transport, report);

  const stop = async () => {
    report({ type: 'stopping', at: machineNow() });
    closing.abort();
    const inTime = within(LAST_TICKET_MS, hurry);
    await bell?.[Symbol.asyncDispose]();
    await job;
    // A session that can't be closed, since too few others are left, ends by itself.
    await Promise.race([office?.close(), inTime]);
    await cluster.stop();
    report({ type: 'stopped', at: machineNow() });
  };
  let stopping: Promise<void> | undefined = undefined;
  return { cluster, discover: () => askDiscovery(cluster, report), stop: () => (stopping ??= stop()) };
}

/** How long a node that is asked to stop waits for the ledger. */
const LAST_TICKET_MS = 1_000;

/** Resolves when the time is over, having aborted. */
async function within(ms: number, controller: AbortController): Promise<void> {
  await delay(ms, undefined, { ref: false });
  controller.abort();
}

function openOffice(
  cluster: Cluster<TicketReplicator>,
  { election, ledgerUrl }: NodeSettings,
): TicketOffice | undefined {
  if (isReplicated(election)) return new ReplicatedOffice(cluster.replicator);
  return ledgerUrl === undefined ? undefined : httpOffice(ledgerUrl);
}

function tellOfOthers(cluster: Cluster<TicketReplicator>, report: ReportSink): void {
  const tell = ({ member }: { readonly member: Member }) =>
    report({ type: 'member', at: machineNow(), about: member.node.id, state: member.state });
  for (const event of ['nodeJoined', 'nodeUpdated', 'nodeSuspected', 'nodeFailed', 'nodeLeft'] as const) {
    cluster.on(event, tell);
  }
  cluster.on('connectionRefused', ({ remote, error }) => {
    report({ type: 'turned-away', at: machineNow(), remote: formatAddress(remote), reason: error.message });
  });
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

async function askDiscovery({ discovery }: Cluster<TicketReplicator>, report: ReportSink): Promise<void> {
  const told = await discovery.discoverNodes().then(
    (nodes) => ({ addresses: nodes.map(formatAddress), problem: undefined }),
    (error: unknown) => ({ addresses: [], problem: reasonOf(error) }),
  );
  report({ type: 'discovered', at: machineNow(), ...told });
}

function reasonOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

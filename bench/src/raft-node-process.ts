// One node of the Raft benchmark: SETTINGS as JSON; does what it is told over its channel, and reports there.
import { createCluster, type ReplicatorContext } from '@quorate/core';
import { staticDiscovery } from '@quorate/discovery-static';
import { readGroupOptions, sharedGroup } from '@quorate/raft-host';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { openTelemetry, prometheus } from '@quorate/telemetry';
import { tcpTransport } from '@quorate/transport-tcp';
import { closedLoop } from './closed-loop.ts';
import { CountingMachine } from './counting-machine.ts';
import { HungLookups } from './hung-lookups.ts';
import type { RaftNodeReport, RaftNodeSettings, RaftNodeTask, Usage } from './raft-node-messages.ts';
import { COMMAND_BYTES } from './raft-system.ts';

const { id, directory, ports, profile, groups, telemetry } = JSON.parse(process.argv[2] ?? '') as RaftNodeSettings;
const options = { voters: Object.keys(ports), profile };
const replicatorPlugin = raftReplicator({ ...options, machine: () => new CountingMachine() });
let context: ReplicatorContext | undefined = undefined;
const idleGroups: { readonly status: { readonly leader: string | undefined } }[] = [];

const cluster = createCluster({
  nodeId: id,
  bind: `127.0.0.1:${ports[id] ?? 0}`,
  transport: tcpTransport({ reconnect: { minMs: 50, maxMs: 1000 } }),
  storage: fileStorage({ directory }),
  discovery: staticDiscovery({ nodes: Object.entries(ports).map(([node, port]) => `${node}@127.0.0.1:${port}`) }),
  replicator: {
    ...replicatorPlugin,
    create: (given) => {
      context = given;
      return replicatorPlugin.create(given);
    },
  },
  logLevel: 'warn',
  ...(telemetry === undefined ? {} : { telemetry: telemetry === 'prometheus' ? prometheus() : openTelemetry() }),
});

const ROLE_MS = 10;
/** Idle groups that are begun before the last ones have a leader, as by a program that doesn't want to drown in them. */
const FORMING_GROUPS = 64;
const FORMING_LOOK_MS = 5;
const CATCH_UP_MS = 60_000;
const command = new Uint8Array(COMMAND_BYTES).fill(7);
const query = new Uint8Array(0);
let lookups: HungLookups | undefined = undefined;

process.on('disconnect', () => process.exit());
process.on('message', ({ task, ...what }: RaftNodeTask & { readonly task: number }) => {
  perform(what).then(
    (result) => report({ type: 'done', task, result }),
    (error: unknown) => report({ type: 'failed', task, message: String(error) }),
  );
});
await cluster.start();
const { replicator } = cluster;
await startIdleGroups(groups - 1);
report({ type: 'ready' });
tellRole();

/** Looked up now and then: who watches is told of every commit, which is not what is to be measured. */
function tellRole(told = ''): void {
  const { leader, term } = replicator.status();
  const role = `${leader} in ${term}`;
  if (role !== told) report({ type: 'role', leader, term: Number(term) });
  setTimeout(() => tellRole(role), ROLE_MS);
}

async function perform(task: RaftNodeTask): Promise<unknown> {
  switch (task.type) {
    case 'commits':
      return await closedLoop(commit, task.inFlight, task.seconds);
    case 'reads':
      return await closedLoop(read, task.inFlight, task.seconds);
    case 'commit-count':
      return await commitCount(task.inFlight, task.count);
    case 'catch-up':
      return await replicator.read(query, { consistency: 'linearizable', timeoutMs: CATCH_UP_MS });
    case 'probe':
      return void setInterval(() => void probe(), task.everyMs);
    case 'hang-lookups':
      lookups = new HungLookups(directory, task.count);
      return null;
    case 'release-lookups':
      return await lookups?.release();
    case 'usage':
      return usage();
  }
}

function commit(): Promise<Uint8Array> {
  return replicator.replicate(command);
}

function read(): Promise<Uint8Array> {
  return replicator.read(query, { consistency: 'linearizable' });
}

async function commitCount(inFlight: number, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    for (; left > 0; left -= 1) await commit();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

async function probe(): Promise<void> {
  const proposedAt = machineNow();
  try {
    await commit();
    report({ type: 'committed', proposedAt, at: machineNow() });
  } catch {
    // There is no leader now, or it has died with this one: another probe comes.
  }
}

/** Groups beside the first, which nobody uses. */
async function startIdleGroups(count: number): Promise<void> {
  if (context === undefined) throw new Error('the cluster has started');
  const settings = readGroupOptions('bench', options);
  for (let at = 0; at < count; at += 1) {
    const shared = sharedGroup(context, 2 + at);
    shared.join({ owner: 'bench', settings });
    const group = await shared.start();
    group.users.stand(shared, true);
    idleGroups.push(group);
    if (idleGroups.length % FORMING_GROUPS === 0) await haveLeaders(idleGroups.slice(-FORMING_GROUPS));
  }
}

async function haveLeaders(begun: typeof idleGroups): Promise<void> {
  while (begun.some(({ status }) => status.leader === undefined)) {
    await new Promise((resolve) => void setTimeout(resolve, FORMING_LOOK_MS));
  }
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const rssMb = process.memoryUsage.rss() / 1e6;
  const ledGroups = [replicator.status(), ...idleGroups.map(({ status }) => status)].filter(
    ({ leader }) => leader !== undefined,
  ).length;
  return { rssMb, cpuMs: (user + system) / 1000, answeredLookups: lookups?.answered ?? 0, ledGroups };
}

/** Common to all processes of the machine. */
function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function report(what: RaftNodeReport): void {
  // Who asked may be gone; then this process ends too.
  process.send?.(what, () => undefined);
}

// One node whose view of the others is watched; commands and reports go over IPC.
import { createCluster, type MemberState } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { swimMembership } from '@quorate/membership-swim';
import { tcpTransport } from '@quorate/transport-tcp';
import { CuttableNet } from './cuttable-net.ts';
import { machineTime, type MemberCommand, type MemberReport, type MemberSettings } from './member-protocol.ts';

type Draft<R = MemberReport> = R extends MemberReport ? Omit<R, 'at'> : never;

const { id, port, secret, connectAllUpTo }: MemberSettings = JSON.parse(process.argv[2] ?? '');
const system = nodeSystem();
const net = new CuttableNet(system.net);
let unreported: Record<string, MemberState> = {};

function report(draft: Draft): void {
  process.send?.({ ...draft, at: machineTime() });
}

/** Together, what one turn brings. */
function see(node: string, state: MemberState): void {
  if (Object.keys(unreported).length === 0) {
    setImmediate(() => {
      report({ type: 'seen', states: unreported });
      unreported = {};
    });
  }
  unreported[node] = state;
}

async function begin(seedNodes: readonly string[]): Promise<void> {
  const cluster = createCluster({
    nodeId: id,
    bind: { host: '127.0.0.1', port },
    seedNodes,
    ...(secret !== undefined && { secret }),
    transport: tcpTransport(),
    membership: swimMembership(connectAllUpTo === undefined ? {} : { connectAllUpTo }),
    system: { ...system, net },
    timings: { startTimeoutMs: 120_000 },
    logLevel: 'error',
  });
  await cluster.start();
  const changes = cluster.membership.watch();
  for (const { node, state } of cluster.membership.view.members.values()) see(node.id, state);
  report({ type: 'running' });
  for await (const { member } of changes) see(member.node.id, member.state);
}

function obey(command: MemberCommand): void {
  if (command.type === 'begin') void begin(command.seedNodes);
  if (command.type === 'cut') net.cut(command.ports);
  if (command.type === 'heal') net.heal();
  if (command.type === 'sample') {
    const { user, system: kernel } = process.cpuUsage();
    report({ type: 'sample', cpuMs: (user + kernel) / 1_000, rssBytes: process.memoryUsage.rss(), ...net.counts });
  }
}

process.on('disconnect', () => process.exit());
process.on('message', (command) => obey(command as MemberCommand));
report({ type: 'ready' });

// One node of the rolling restart: SETTINGS as JSON; serves clients over HTTP, and stops in order at SIGTERM.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { coordinationIn, forwardToLeader, rememberedRequests, withCoordination } from '@quorate/coordination';
import { connectionMembership, createCluster, isClusterError } from '@quorate/core';
import { staticDiscovery } from '@quorate/discovery-static';
import { raftElection } from '@quorate/election-raft';
import { swimMembership } from '@quorate/membership-swim';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import type { NodeOutcome, NodeReport } from '../processes/node-protocol.ts';
import {
  type MachineAnswer,
  type MachineCommand,
  type MachineResult,
  RegisterMachine,
} from '../processes/register-machine.ts';
import type { LeadershipLine, RollingCall, RollingSettings } from './rolling-protocol.ts';

const settings = JSON.parse(process.argv[2] ?? '') as RollingSettings;
const { id, directory, ports, clientPort, secret, membership } = settings;
// A leader that is stopped in order hands over: however long an election takes, nobody waits for one. And a machine that is
// busy with other tests renews such a lease in time.
const group = { voters: Object.keys(ports), maxClockDrift: 0.01, profile: 'wan' } as const;
const cluster = createCluster({
  name: 'rolling',
  nodeId: id,
  bind: `127.0.0.1:${ports[id] ?? 0}`,
  transport: tcpTransport(),
  membership: membership === 'swim' ? swimMembership() : connectionMembership(),
  storage: fileStorage({ directory }),
  discovery: staticDiscovery({ nodes: Object.entries(ports).map(([node, port]) => `${node}@127.0.0.1:${port}`) }),
  election: raftElection(group),
  replicator: raftReplicator({ ...group, machine: () => withCoordination(new RegisterMachine()) }),
  logLevel: 'warn',
  // Without the stacks of errors: of what a process prints, only the newest lines are kept.
  logger: { debug: print, info: print, warn: print, error: print },
  ...(secret !== undefined && { secret }),
});
cluster.on('leadershipAcquired', () => tell('acquired'));
cluster.on('leadershipLost', ({ reason }) => tell(isClusterError(reason, 'QUORUM_LOST') ? 'lapsed' : 'handed over'));

process.on('disconnect', () => process.exit());
await cluster.start();
const { replicator } = cluster;
const calls = forwardToLeader(
  cluster,
  { write: async (command: MachineCommand) => await replicate(command) },
  { memory: rememberedRequests(coordinationIn(replicator)) },
);
const server = createServer((request, response) => {
  void answer(request).then((outcome) => {
    // Or clients would ask on and on over connections that they have.
    const connection = server.listening ? 'keep-alive' : 'close';
    response.writeHead(outcome.outcome === 'ok' ? 200 : 503, { 'content-type': 'application/json', connection });
    response.end(JSON.stringify(outcome));
  });
});
// As whoever balances load asks: it has caught up, and somebody leads.
await replicator.read({ type: 'get', key: 'any' }, { consistency: 'linearizable', timeoutMs: 30_000 });
server.listen(clientPort, '127.0.0.1');
await once(server, 'listening');
process.once('SIGTERM', () => void stop());
report({ type: 'ready', clientPort });

/** Takes no more, answers what it has taken, and leaves. */
async function stop(): Promise<void> {
  await new Promise((resolve) => void server.close(resolve));
  await calls[Symbol.asyncDispose]();
  await cluster.stop();
  // Nothing else keeps it alive, or the test fails.
  process.removeAllListeners('disconnect');
  process.disconnect();
}

async function answer(request: IncomingMessage): Promise<NodeOutcome> {
  try {
    return { outcome: 'ok', result: await perform(JSON.parse(await text(request)) as RollingCall) };
  } catch (error) {
    const outcome = (isClusterError(error) ? error.outcome : undefined) ?? 'unknown';
    return { outcome, code: isClusterError(error) ? `${error.code} ${error.message}` : String(error) };
  }
}

async function perform(call: RollingCall): Promise<MachineResult | MachineAnswer> {
  switch (call.type) {
    case 'forwarded':
      return await calls.call('write', call.command, { requestId: call.command.op });
    case 'replicated':
      return await replicate(call.command);
    case 'read':
      return await replicator.read(call.query, { consistency: 'linearizable' });
  }
}

async function replicate(command: MachineCommand): Promise<MachineResult> {
  const result = await replicator.replicate({ program: command });
  if ('program' in result) return result.program;
  throw new Error('a command of the program was answered by coordination');
}

function report(what: NodeReport): void {
  process.send?.(what);
}

function print(line: string): void {
  console.error(line);
}

function tell(leadership: LeadershipLine['leadership']): void {
  const line: LeadershipLine = { leadership, atMs: Number(process.hrtime.bigint()) / 1e6 };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

import { type AnyReplicator, type Cluster, formatNode, isClusterError } from '@quorate/core';
import type { EventLog } from './event-log.ts';
import { optional } from './optional.ts';

/** Strangers can cause many: one in so much time is told, with the number of those before it. Milliseconds. */
const REFUSED_QUIET_MS = 5000;

/** Has the log told what the cluster tells, until the result is disposed. */
export function tellEvents(cluster: Cluster, log: EventLog): Disposable {
  const ending = new AbortController();
  const listening = [
    cluster.on('nodeJoined', ({ node }) => log.add('joined', `${formatNode(node)} is there`, node.id)),
    cluster.on('nodeUpdated', ({ node, member }) =>
      log.add('updated', `${formatNode(node)} is ${member.state}`, node.id),
    ),
    cluster.on('nodeSuspected', ({ node, reason }) => log.add('suspected', `${node.id} is silent: ${reason}`, node.id)),
    cluster.on('nodeFailed', ({ node, reason }) => log.add('failed', `${node.id} is gone: ${reason}`, node.id)),
    cluster.on('nodeLeft', ({ node }) => log.add('left', `${node.id} has left`, node.id)),
    cluster.on('leaderChanged', ({ leader }) => {
      if (leader === undefined) log.add('leader', 'no leader is known');
      else log.add('leader', `${leader.nodeId} leads, with the token ${leader.token}`, leader.nodeId);
    }),
    cluster.on('leadershipAcquired', ({ leadership: { token } }) =>
      log.add('leadership-acquired', `this node leads, with the token ${token}`, cluster.self.id),
    ),
    cluster.on('leadershipLost', ({ leadership: { token }, reason }) =>
      log.add(
        'leadership-lost',
        `this node leads no more, with the token ${token}: ${because(reason)}`,
        cluster.self.id,
      ),
    ),
    cluster.on('stateChanged', ({ status }) => log.add('status', `this node is ${status}`, cluster.self.id)),
    cluster.on('error', ({ error, during }) => log.add('error', `${during}: ${error.message}`, cluster.self.id)),
    ...tellRefused(cluster, log),
  ];
  const replicator = optional(() => cluster.replicator);
  if (replicator !== undefined) void tellReplication(replicator, log, ending.signal);
  return {
    [Symbol.dispose]: () => {
      ending.abort();
      for (const each of listening) each[Symbol.dispose]();
    },
  };
}

/** Connections and datagrams apart: of both it is told that there are any. */
function tellRefused(cluster: Cluster, log: EventLog): readonly Disposable[] {
  return (['connectionRefused', 'datagramRefused'] as const).map((event) => {
    const { clock } = cluster.system;
    let quietUntil = -Infinity;
    let untold = 0;
    return cluster.on(event, ({ error }) => {
      const now = clock.now();
      if (now < quietUntil) {
        untold += 1;
        return;
      }
      const more = untold === 0 ? '' : ` (and ${untold} before it)`;
      quietUntil = now + REFUSED_QUIET_MS;
      untold = 0;
      log.add('refused', `${error.message}${more}`);
    });
  });
}

/** Roles, leaders and terms; not each command. */
async function tellReplication(replicator: AnyReplicator, log: EventLog, signal: AbortSignal): Promise<void> {
  let told = '';
  try {
    for await (const { role, leader, term } of replicator.watch({ signal })) {
      const text = `${role} in term ${term}, ${leader === undefined ? 'without a leader' : `led by ${leader}`}`;
      if (text !== told) log.add('replication', text, leader);
      told = text;
    }
  } catch (error) {
    if (!signal.aborted && !isClusterError(error, 'CLOSED')) log.add('error', `replication: ${because(error)}`);
  }
}

function because(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

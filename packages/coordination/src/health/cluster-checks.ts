import { type Cluster, ClusterError, isClusterError, withDeadline } from '@quorate/core';
import type { EventLoopDelay } from './event-loop-delay.ts';
import type { HealthCheck, HealthSettings } from './health-options.ts';

/** What of a cluster its health is read from. */
export type HealthCluster = Pick<
  Cluster,
  'status' | 'election' | 'replicator' | 'storage' | 'nodes' | 'system' | 'self' | 'isLeader'
>;

const PROBE_RECORD = 'health';

/** The checks of a cluster, as far as it has the parts; all that they throw is what is wrong. */
export function clusterChecks(
  cluster: HealthCluster,
  settings: HealthSettings,
  delay: EventLoopDelay,
): ReadonlyMap<string, HealthCheck> {
  const checks = new Map<string, HealthCheck>();
  if (has(() => cluster.election)) {
    checks.set('leader', () => {
      if (cluster.election.leader === undefined) throw new Error('no leader is known');
    });
    checks.set('quorum', () => checkQuorum(cluster, settings));
  }
  if (has(() => cluster.replicator)) checks.set('replication', () => checkReplication(cluster, settings));
  if (settings.diskEveryMs > 0 && has(() => cluster.storage)) checks.set('disk', diskCheck(cluster, settings));
  checks.set('eventLoop', () => {
    const delayMs = delay.take();
    if (delayMs > settings.maxEventLoopDelayMs) throw new Error(`the event loop was ${delayMs.toFixed(0)} ms late`);
  });
  return checks;
}

/** Whether a part was chosen; it may not be there yet. */
function has(part: () => unknown): boolean {
  try {
    part();
    return true;
  } catch (error) {
    return !isClusterError(error, 'UNSUPPORTED');
  }
}

function checkQuorum(cluster: HealthCluster, { voters }: HealthSettings): void {
  const isAlive = (id: string): boolean => {
    return cluster.nodes.some(({ node, state }) => node.id === id && state === 'alive');
  };
  if (voters !== undefined) {
    const ids = voters();
    const alive = ids.filter((id) => isAlive(id)).length;
    if (alive * 2 <= ids.length) throw new Error(`${alive} of ${ids.length} voters are alive`);
    return;
  }
  // A grant is renewed by a quorum.
  if (cluster.isLeader) return;
  const { leader } = cluster.election;
  if (leader === undefined || !isAlive(leader.nodeId)) throw new Error('no leader is seen alive');
}

function checkReplication({ replicator }: HealthCluster, { maxLag }: HealthSettings): void {
  const { leader, commitIndex, appliedIndex } = replicator.status();
  if (leader === undefined) throw new Error('no leader replicates');
  const lag = commitIndex - appliedIndex;
  if (lag > BigInt(maxLag)) throw new Error(`${lag} entries are yet to be applied`);
}

/** Writes now and then, and says in between what became of the last write. */
function diskCheck({ storage, system: { clock } }: HealthCluster, settings: HealthSettings): HealthCheck {
  let askedAt = -Infinity;
  let problem: unknown;
  let probes = 0;
  /** Until it ends, no other is begun. */
  let isWriting = false;
  const write = async (): Promise<void> => {
    isWriting = true;
    probes += 1;
    try {
      await storage.records.write(PROBE_RECORD, new TextEncoder().encode(String(probes)));
    } finally {
      isWriting = false;
    }
  };
  return async () => {
    if (!isWriting && clock.now() - askedAt >= settings.diskEveryMs) {
      askedAt = clock.now();
      problem = await withDeadline(clock, settings.timeoutMs, 'a write to the disk', write).then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    if (problem !== undefined) throw new ClusterError('IO', 'a small record could not be written', { cause: problem });
  };
}

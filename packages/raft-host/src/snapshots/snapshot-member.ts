import type { RaftHost, SnapshotMember } from '../raft-host.ts';
import type { RunningGroup } from '../running-group.ts';

/** A group of this node as it is now, as whoever sends it a snapshot sees it. */
export function snapshotMember(
  host: RaftHost,
  group: number,
  running: Pick<RunningGroup<unknown>, 'formationTag' | 'acceptsSnapshot' | 'snapshotReceived'> | undefined,
): SnapshotMember {
  return {
    logOf: (formation) => (running?.formationTag === formation ? host.logOf(group) : undefined),
    accepts: (from, message) => running?.acceptsSnapshot(from, message) === true,
    received: async (message, info) => running?.snapshotReceived(message, info),
  };
}

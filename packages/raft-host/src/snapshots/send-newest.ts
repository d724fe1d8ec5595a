import { ClusterError, type GroupLog, type NodeId } from '@quorate/core';
import type { Message } from '@quorate/raft';
import type { RaftHost } from '../raft-host.ts';

/** Sends the newest snapshot of a group to a member. Whether it has it now. */
export async function sendNewestSnapshot(
  host: RaftHost,
  { log, formation, to, message }: NewestSnapshot,
): Promise<boolean> {
  const { snapshot: info } = log;
  try {
    if (info === undefined) throw new ClusterError('NOT_FOUND', 'the snapshot is gone');
    await host.snapshots.send({ to, group: log.id, formation, message, log, info });
    return true;
  } catch (error) {
    host.context.logger.debug(`group ${log.id}: a snapshot did not reach ${to}`, error);
    return false;
  }
}

interface NewestSnapshot {
  readonly log: GroupLog;
  /** Tag of the group's formation. */
  readonly formation: number;
  readonly to: NodeId;
  /** The `Snap` message that the member is to get with it. */
  readonly message: Message;
}

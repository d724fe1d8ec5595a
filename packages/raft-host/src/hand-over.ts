import { type Clock, withDeadline } from '@quorate/core';
import type { GroupStatus } from './group-status.ts';
import type { RaftGroup } from './raft-group.ts';

type LeadingGroup = Pick<
  RaftGroup<never, unknown, never, unknown>,
  'settings' | 'status' | 'successors' | 'transferLeader' | 'watch'
>;

/**
 * Before a leader closes its group: has the voter with the most of the log take over, so that nobody has to notice that
 * the leader is gone. Resolves when it leads no more, or that has taken too long.
 */
export async function handOver(group: LeadingGroup, clock: Clock): Promise<void> {
  const [successor] = group.successors();
  if (successor === undefined || !isLeading(group.status)) return;
  group.transferLeader(successor);
  const { electionMs } = group.settings.timings;
  // What doesn't come about by then does not: they elect somebody without being asked.
  await withDeadline(clock, electionMs, 'hand over', async (signal) => {
    for await (const status of group.watch({ signal })) if (!isLeading(status)) return;
  }).catch(() => undefined);
}

function isLeading({ phase, role }: GroupStatus): boolean {
  return role === 'leader' && (phase === 'running' || phase === 'halted');
}

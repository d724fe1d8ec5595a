import { type Clock, settleWithin, withDeadline } from '@quorate/core';
import type { NodeGroup } from './node-group.ts';

type LeadingGroup = Pick<
  NodeGroup<never, unknown, never, unknown>,
  'settings' | 'status' | 'successors' | 'transferLeader' | 'users' | 'isIdle'
>;

/**
 * Before a node closes its group: has the voter with the most of the log take over where this one leads, so that nobody has
 * to notice that the leader is gone; and sees to it that what the node was asked for is done, by itself or by the next
 * leader. That may be left from a leadership that was handed over before. Resolves when it is so, or has taken too long.
 */
export async function handOver(group: LeadingGroup, clock: Clock): Promise<void> {
  const [successor] = group.successors();
  const leads = group.status.role === 'leader';
  if (leads && successor === undefined) return;
  if (!leads && group.isIdle) return;
  if (successor !== undefined) group.transferLeader(successor);
  // What doesn't come about by then does not: they elect somebody without being asked.
  await withDeadline(clock, group.settings.timings.electionMs, 'hand over', (signal) => isDone(group, signal)).catch(
    () => undefined,
  );
}

/** Another leads, and nothing waits here any more. */
function isDone(group: LeadingGroup, signal: AbortSignal): Promise<void> {
  return settleWithin<void>(signal, 'hand over', (resolve) => {
    const turns = group.users.onTurn(() => {
      const { role, leader } = group.status;
      if (role !== 'leader' && leader !== undefined && group.isIdle) resolve();
    });
    return () => turns[Symbol.dispose]();
  });
}

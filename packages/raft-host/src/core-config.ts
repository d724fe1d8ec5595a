import type { Clock } from '@quorate/core';
import type { RaftConfig } from '@quorate/raft';
import { FORMING_TERM } from './formation/founding.ts';
import { type GroupChoice, inTicks } from './group-options.ts';
import { CATCH_UP_TICKS } from './ticker.ts';

/** Commands on their way, in bytes; further ones are refused. */
export const MAX_PENDING_BYTES: number = 64 * 1024 * 1024;
/**
 * Entries in one message, in bytes, and in all that are under way to one follower. Little enough that a message fits into
 * a frame of any transport, and that all groups' together fit into its queue.
 */
const MAX_MESSAGE_BYTES: number = 256 * 1024;
const MAX_INFLIGHT_BYTES: number = 4 * 1024 * 1024;
const MAX_APPLYING_BYTES: number = 4 * 1024 * 1024;

/** How consensus is set up, as far as it is the same on every node. */
export function coreConfig(
  { timings, maxClockDrift }: GroupChoice,
  clock: Clock,
): Omit<RaftConfig, 'id' | 'storage' | 'random'> {
  const electionTicks = inTicks(timings.electionMs, timings);
  return {
    electionTicks,
    heartbeatTicks: inTicks(timings.heartbeatMs, timings),
    maxSizePerMessage: MAX_MESSAGE_BYTES,
    maxInflightBytes: MAX_INFLIGHT_BYTES,
    maxCommittedSizePerReady: MAX_APPLYING_BYTES,
    maxUncommittedSize: 2 * MAX_PENDING_BYTES,
    leaderlessTerm: FORMING_TERM,
    // The host forwards them itself: it knows what became of them.
    disableProposalForwarding: true,
    // Who reads by the lease asks for it: a linearizable read depends on no clock.
    leaseReads: false,
    ...(maxClockDrift !== undefined && {
      lease: {
        now: () => clock.now(),
        tickMs: timings.tickMs,
        maxDrift: shorterBy(maxClockDrift, electionTicks),
      },
    }),
  };
}

/**
 * By what part a lease must be shorter than the ticks of a promise but for its first, which may come at once. The leader's
 * clock may be as slow and that of its followers as fast as may be; and where the first tick was late, those behind it make
 * up for that.
 */
function shorterBy(drift: number, electionTicks: number): number {
  const ofTime = (1 - drift) / (1 + drift);
  const ofTicks = 1 - CATCH_UP_TICKS / (electionTicks - 1);
  return 1 - ofTime * ofTicks;
}

import type { Clock } from '@quorate/core';
import type { RaftConfig } from '@quorate/raft';
import { FORMING_TERM } from './formation/founding.ts';
import { type GroupSettings, inTicks } from './group-options.ts';
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
  { timings, maxClockDrift }: GroupSettings,
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
        tickMs: fastestTickMs(timings.tickMs, electionTicks),
        maxDrift: betweenClocks(maxClockDrift),
      },
    }),
  };
}

/** By what part a lease must be shorter, when the leader's clock is as slow and that of its followers as fast as may be. */
function betweenClocks(drift: number): number {
  return 1 - (1 - drift) / (1 + drift);
}

/**
 * The pace of a promise's ticks, but for the first, which may come at once: where that one was late, those behind it take
 * so much less time.
 */
function fastestTickMs(tickMs: number, electionTicks: number): number {
  const others = electionTicks - 1;
  return (tickMs * (others - CATCH_UP_TICKS)) / others;
}

import type { MonotonicMs } from '@quorate/core';

/**
 * Judges one node by when it was heard from, and by nothing else: no timer, no clock, no network. Whoever asks says what
 * time it is, by one clock that never goes back; an earlier time than the latest is taken for that.
 *
 * It holds what was not heard yet for available: whoever begins to monitor a node says so by a first `heartbeat`.
 */
export interface FailureDetector {
  /** The node was heard from. */
  heartbeat(now: MonotonicMs): void;
  /** How sure it is that the node has failed: 0 just after a heartbeat, growing until the next. The scale is its own. */
  suspicion(now: MonotonicMs): number;
  /** Whether the node is taken to be there. Once false, it stays so until the next heartbeat. */
  isAvailable(now: MonotonicMs): boolean;
}

/** Makes a detector for one more node, or for another run of one: what was learned of a run goes with it. */
export type FailureDetectorFactory = () => FailureDetector;

import type { LeaderElection, Plugin } from '@quorate/core';

/** A server that runs for the length of a measurement. */
interface TakeoverServer extends AsyncDisposable {
  /** All that a process needs to know to reach it. */
  readonly place: string;
}

/** An engine whose takeovers are measured. */
export interface TakeoverEngine {
  readonly name: string;
  /** The leases to measure, in milliseconds. */
  readonly ttlsMs: readonly number[];
  /** Undefined where the server isn't to be had. */
  start(): Promise<TakeoverServer | undefined>;
  /** The election of one node, in a process of its own. */
  election(place: string, ttlMs: number): Plugin<LeaderElection, 'election'>;
}

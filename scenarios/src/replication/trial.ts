import type { Host } from '@quorate/simulator';

/**
 * What a life is about that has no faults but those which might break one promise: reads of a leader that may lead no more,
 * or what a node has said before its disk has it.
 */
export type Trial = 'reads' | 'durability';

export interface TrialOptions {
  /** Starts the host's program again after a crash. */
  readonly restart: (host: Host) => void;
  /** Who leads, or believes so. */
  readonly leaders: () => readonly Host[];
  /** Asks the host's program to hand leadership over to somebody. */
  readonly handOver: (host: Host) => void;
  readonly maxDrift: number;
}

/** What attacks are given. */
export interface AttackOptions extends TrialOptions {
  /** Goes on after so many milliseconds, unless the trial is over by then. */
  readonly later: (ms: number, step: () => void) => void;
}

/** Attacks of one kind, one after the other. */
export interface Attacks {
  /** Strikes, and tells after how many milliseconds all of it is over; undefined where there is no occasion. */
  strike(): number | undefined;
  /** The host is writing its term or vote; or its disk has that now. */
  onPromise(host: Host, isDurable: boolean): void;
}

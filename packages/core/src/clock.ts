/**
 * Milliseconds of a clock that never goes back, from an arbitrary origin. Comparable only within one process.
 */
export type MonotonicMs = number;

/** Time, handed in. Nothing in Quorate reads the system's clock by itself. */
export interface Clock {
  /**
   * Monotonic time. It counts the time during which the machine slept, so that a deadline that passed meanwhile has
   * passed, and it goes on while the process is stopped (SIGSTOP).
   */
  now(): MonotonicMs;
  /** Milliseconds since 1970 by the wall clock: to be shown to people, never to be compared with a deadline. */
  wallTime(): number;
  /** Runs the callback once, no earlier than after `delayMs`. Timers keep the process alive until cancelled. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Runs the callback after what this turn of the event loop has yet to do: the place to write what it gathered. */
  defer(callback: () => void): void;
}

/** A callback that is yet to run. */
export interface Timer {
  /** Idempotent; the callback doesn't run once this has returned. */
  cancel(): void;
}

import { uptime } from 'node:os';
import type { Clock, MonotonicMs, Timer } from '../clock.ts';

/** Where a clock gets its time from, all in milliseconds. */
export interface TimeSources {
  /** Never goes back, and may stand still while the machine sleeps. */
  monotonic(): number;
  /** Since 1970; somebody may set it. */
  wall(): number;
  /** Since boot, sleep included. Dear to read. */
  uptime(): number;
  /** The steps in which `uptime` advances. */
  readonly uptimeStepMs: number;
}

/** The clock of this machine. What it calls monotonic goes on while the machine sleeps. */
export function systemClock(): Clock {
  return clockOf({
    monotonic: () => performance.now(),
    wall: () => Date.now(),
    uptime: () => uptime() * 1000,
    uptimeStepMs: process.platform === 'linux' ? 10 : 1000,
  });
}

/** The clock over given sources, so that sleep and set clocks can be tested. */
export function clockOf(sources: TimeSources): Clock {
  const now = sleepCountingTime(sources);
  return {
    now,
    wallTime: () => sources.wall(),
    setTimer: (delayMs, callback) => new SystemTimer(now, delayMs, callback),
    defer: (callback) => void setImmediate(callback),
  };
}

/** Wall and monotonic time drifting apart by this much is worth a look at the uptime. */
const SUSPICIOUS_SKEW_MS = 500;
/** And so is this much time without a look: the wall clock may have been set during the sleep, hiding it. */
const LOOK_INTERVAL_MS = 1000;
/** A reading that took longer was interrupted between its sources, and tells little. */
const PROMPT_READING_MS = 20;
const MAX_READINGS = 4;

/**
 * Monotonic time plus what the machine slept. Sleep is never overestimated, whenever the process is interrupted: time
 * that runs ahead would end promises to other nodes too early.
 */
function sleepCountingTime(sources: TimeSources): () => MonotonicMs {
  const first = readTogether(sources);
  const awakeLead = first.uptime - first.before;
  let sleptMs = 0;
  let skew = first.wall - first.after;
  let lookedAt = first.after;

  const look = () => {
    const reading = readTogether(sources);
    const missing = reading.uptime - reading.after - awakeLead - sleptMs;
    if (missing > sources.uptimeStepMs + PROMPT_READING_MS) sleptMs += missing;
    skew = reading.wall - reading.after;
    lookedAt = reading.after;
  };

  return () => {
    const time = sources.monotonic();
    const drifted = Math.abs(sources.wall() - time - skew) > SUSPICIOUS_SKEW_MS;
    if (!drifted && time - lookedAt <= LOOK_INTERVAL_MS) return time + sleptMs;
    look();
    return sources.monotonic() + sleptMs;
  };
}

interface Reading {
  /** Monotonic time before and after the other two were read. */
  readonly before: number;
  readonly after: number;
  readonly uptime: number;
  readonly wall: number;
}

function readTogether(sources: TimeSources): Reading {
  let reading = readOnce(sources);
  for (let again = 1; again < MAX_READINGS && reading.after - reading.before > PROMPT_READING_MS; again += 1) {
    reading = readOnce(sources);
  }
  return reading;
}

function readOnce(sources: TimeSources): Reading {
  const before = sources.monotonic();
  const up = sources.uptime();
  const wall = sources.wall();
  return { before, uptime: up, wall, after: sources.monotonic() };
}

/** The longest delay that `setTimeout` takes; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** `setTimeout` that is never early, for any delay. By itself it counts from a cached time and may be early. */
class SystemTimer implements Timer {
  readonly #now: () => MonotonicMs;
  readonly #due: MonotonicMs;
  readonly #callback: () => void;
  #timeout: ReturnType<typeof setTimeout>;

  constructor(now: () => MonotonicMs, delayMs: number, callback: () => void) {
    this.#now = now;
    this.#due = now() + delayMs;
    this.#callback = callback;
    this.#timeout = this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #arm(delayMs: number): ReturnType<typeof setTimeout> {
    // Negative ones are fine by the contract, and a warning of the process.
    const wholeMs = Math.max(0, Math.min(Math.ceil(delayMs), MAX_TIMEOUT_MS));
    return setTimeout(() => this.#fire(), wholeMs);
  }

  #fire(): void {
    const remainingMs = this.#due - this.#now();
    if (remainingMs > 0) this.#timeout = this.#arm(remainingMs);
    else this.#callback();
  }
}

import { checkOptions, invalidOption, type OptionRule, type OptionRules, rule } from '@quorate/core';
import { Cron } from 'croner';

/** A moment of wall time at which something is to be done, in milliseconds since 1970. */
export type SlotTime = number;

/** Every so often: at the multiples of `everyMs` since 1970, so that all nodes mean the same moments. */
export interface IntervalSchedule {
  readonly everyMs: number;
  /**
   * By which each slot is later than a multiple.
   * @default 0
   */
  readonly offsetMs?: number;
}

/** At the moments that a cron expression names: five fields, or six with seconds first. */
export interface CronSchedule {
  readonly cron: string;
  /**
   * By whose wall clock, by its IANA name. Where clocks are put forward, what would fall into the hour that isn't there
   * comes an hour later; where they are put back, a fixed time comes once, and what repeats by the hour goes on by the hour.
   * @default 'UTC'
   */
  readonly timeZone?: string;
}

/** When a task runs: at intervals, or by a cron expression. */
export type ScheduleOptions = IntervalSchedule | CronSchedule;

/** Slots in the order of time: the same on every node. */
export interface Schedule {
  /** The first slot later than this; undefined when there is none any more. */
  next(after: SlotTime): SlotTime | undefined;
  /** The last slots not later than this, at most so many, in order. */
  latest(at: SlotTime, count: number): readonly SlotTime[];
}

const DAY_MS = 86_400_000;

const intervalRules: OptionRules<IntervalSchedule> = {
  everyMs: rule.integer({ min: 10, max: 366 * DAY_MS }),
  offsetMs: rule.integer({ min: 0, max: 366 * DAY_MS }),
};
const cronRules: OptionRules<CronSchedule> = {
  cron: rule.text('a cron expression', isCron),
  timeZone: rule.text('the IANA name of a time zone', isTimeZone),
};

/** Checks a schedule as part of the options that it is in. */
export function scheduleRule(owner: string): OptionRule<ScheduleOptions> {
  return {
    expected: 'an object with everyMs or cron',
    accept: (value) => {
      if (typeof value !== 'object' || value === null) return undefined;
      if ('cron' in value) return checkOptions(`${owner} schedule`, cronRules, value);
      return 'everyMs' in value ? checkOptions(`${owner} schedule`, intervalRules, value) : undefined;
    },
  };
}

/**
 * The slots that these options name.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function scheduleOf(options: ScheduleOptions): Schedule {
  const checked = scheduleRule('schedule').accept(options);
  if (checked === undefined) throw invalidOption('schedule', 'options', 'an object with everyMs or cron', options);
  return 'cron' in checked ? new CronSlots(checked) : new IntervalSlots(checked);
}

class IntervalSlots implements Schedule {
  readonly #everyMs: number;
  readonly #offsetMs: number;

  constructor({ everyMs, offsetMs = 0 }: IntervalSchedule) {
    this.#everyMs = everyMs;
    this.#offsetMs = offsetMs % everyMs;
  }

  next(after: SlotTime): SlotTime {
    return this.#atOrBefore(after) + this.#everyMs;
  }

  latest(at: SlotTime, count: number): readonly SlotTime[] {
    const last = this.#atOrBefore(at);
    return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * this.#everyMs);
  }

  #atOrBefore(time: SlotTime): SlotTime {
    return Math.floor((time - this.#offsetMs) / this.#everyMs) * this.#everyMs + this.#offsetMs;
  }
}

class CronSlots implements Schedule {
  readonly #cron: Cron;

  constructor({ cron, timeZone = 'UTC' }: CronSchedule) {
    this.#cron = new Cron(cron, { timezone: timeZone, paused: true });
  }

  next(after: SlotTime): SlotTime | undefined {
    return this.#cron.nextRun(dateOf(after))?.getTime();
  }

  latest(at: SlotTime, count: number): readonly SlotTime[] {
    // A run of the very second of the reference counts only when the reference is behind its beginning.
    const behind = Math.floor(at / 1000) * 1000 + 1;
    const runs = this.#cron.previousRuns(count, dateOf(behind));
    return runs.map((run) => run.getTime()).reverse();
  }
}

/** What the library takes for a moment; nothing is read from a clock. */
function dateOf(time: SlotTime): Date {
  // oxlint-disable-next-line no-restricted-globals
  return new Date(time);
}

function isCron(text: string): boolean {
  try {
    return new Cron(text, { timezone: 'UTC', paused: true }).nextRun(dateOf(0)) !== null;
  } catch {
    return false;
  }
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).format(0) !== '';
  } catch {
    return false;
  }
}

import { checkOptions, ClusterError, invalidOption, type Locks, type OptionRules, rule } from '@quorate/core';
import type { CatchUp } from '../slots/due-slots.ts';
import { type ScheduleOptions, scheduleRule } from '../slots/schedule.ts';
import type { SlotClaims } from '../slots/slot-claims.ts';

/** How a task that failed is started again. */
export interface RestartOptions {
  /**
   * The first pause after a failure; each further one is up to twice as long.
   * @default 500
   */
  readonly baseMs?: number;
  /**
   * No pause is longer.
   * @default 30000
   */
  readonly maxMs?: number;
  /**
   * A run that went on for so long counts as no failure in a row: the pauses begin with the first again.
   * @default 60000
   */
  readonly resetAfterMs?: number;
  /**
   * How often in a row it is tried.
   * @default for ever; with a schedule 3 times a slot
   */
  readonly maxAttempts?: number;
}

/** How a task that runs once is run. */
export interface SingletonOptions {
  /** When it runs. Without one it runs from the moment this node leads. */
  readonly schedule?: ScheduleOptions;
  /**
   * Keeps for all nodes which slots were claimed, so that each is claimed once whoever leads.
   * @default nobody: a slot that comes while no node leads is lost, and one may come twice where wall clocks differ
   */
  readonly claims?: SlotClaims;
  /**
   * What becomes of a slot whose claimant has died over it, or was stopped: `rerun` begins it again, so that its effects may
   * come twice; `skip` lets it be, so that they may be half done. Takes `claims`.
   * @default 'skip'
   */
  readonly onInterrupted?: 'skip' | 'rerun';
  /**
   * With `onInterrupted: 'rerun'`: how often a slot is begun at most. One that takes its process down would do so on every
   * node.
   * @default 3
   */
  readonly maxStarts?: number;
  /**
   * What becomes of slots that passed without being begun. `last` does the latest of them, `all` each, up to `maxCatchUp`.
   * @default 'last'
   */
  readonly catchUp?: CatchUp;
  /**
   * With `catchUp: 'all'`: the most slots that are made up for; older ones are skipped.
   * @default 100
   */
  readonly maxCatchUp?: number;
  /**
   * With `catchUp: 'none'`: how late a slot may begin.
   * @default 10000
   */
  readonly lateMs?: number;
  /** What to do when it fails. */
  readonly restart?: RestartOptions;
  /**
   * How long a run is waited for once its signal has aborted.
   * @default 2000
   */
  readonly stopWithinMs?: number;
  /**
   * How long a new leader waits before it begins: so that what its predecessor runs has stopped, no less than
   * `stopWithinMs` (what is less is refused), which is the same on all nodes.
   * @default the same as `stopWithinMs`
   */
  readonly startAfterMs?: number;
  /**
   * Instead of leadership, a lock of the task's name decides which node runs it: several tasks then run on several nodes.
   * @default the election's leader runs it
   */
  readonly locks?: Locks;
}

/** Options with their defaults. */
export interface SingletonSettings extends Omit<
  Required<SingletonOptions>,
  'schedule' | 'claims' | 'locks' | 'restart'
> {
  readonly schedule: ScheduleOptions | undefined;
  readonly claims: SlotClaims | undefined;
  readonly locks: Locks | undefined;
  readonly restart: Required<RestartOptions>;
}

const DAY_MS = 86_400_000;
const OWNER = 'singletonTask';

const restartRules: OptionRules<RestartOptions> = {
  baseMs: rule.duration({ min: 1, max: DAY_MS }),
  maxMs: rule.duration({ min: 1, max: DAY_MS }),
  resetAfterMs: rule.duration({ min: 0, max: DAY_MS }),
  maxAttempts: rule.integer({ min: 1 }),
};

const rules: OptionRules<SingletonOptions> = {
  schedule: scheduleRule(OWNER),
  claims: rule.value('slot claims', (value) => hasMethods(value, ['open', 'claim', 'reclaim', 'settle'])),
  onInterrupted: rule.oneOf('skip', 'rerun'),
  maxStarts: rule.integer({ min: 1, max: 1_000_000 }),
  catchUp: rule.oneOf('none', 'last', 'all'),
  maxCatchUp: rule.integer({ min: 1, max: 10_000 }),
  lateMs: rule.duration({ min: 0, max: 366 * DAY_MS }),
  restart: rule.group(`${OWNER} restart`, restartRules),
  stopWithinMs: rule.duration({ min: 0, max: DAY_MS }),
  startAfterMs: rule.duration({ min: 0, max: DAY_MS }),
  locks: rule.value('locks', (value) => hasMethods(value, ['lock', 'tryLock'])),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readSingletonOptions(given: SingletonOptions): SingletonSettings {
  const checked = checkOptions<SingletonOptions>(OWNER, rules, given);
  const { schedule, claims, locks, stopWithinMs = 2000, startAfterMs = stopWithinMs, restart = {} } = checked;
  if (schedule === undefined) refuseWithoutSchedule(checked);
  if (claims === undefined) refuseWithout(checked, ['onInterrupted', 'maxStarts'], 'claims');
  if (checked.onInterrupted !== 'rerun') refuseWithout(checked, ['maxStarts'], "onInterrupted: 'rerun'");
  if (checked.catchUp !== 'all') refuseWithout(checked, ['maxCatchUp'], "catchUp: 'all'");
  if (checked.catchUp !== 'none') refuseWithout(checked, ['lateMs'], "catchUp: 'none'");
  if (startAfterMs < stopWithinMs) {
    throw invalidOption(OWNER, 'startAfterMs', `no less than stopWithinMs, ${stopWithinMs}`, startAfterMs);
  }
  return {
    onInterrupted: 'skip',
    maxStarts: 3,
    catchUp: 'last',
    maxCatchUp: 100,
    lateMs: 10_000,
    ...checked,
    schedule,
    claims,
    locks,
    stopWithinMs,
    startAfterMs,
    restart: {
      baseMs: 500,
      maxMs: 30_000,
      resetAfterMs: 60_000,
      maxAttempts: schedule === undefined ? Infinity : 3,
      ...restart,
    },
  };
}

/** An option that would do nothing is a mistake. */
function refuseWithoutSchedule(checked: SingletonOptions): void {
  refuseWithout(checked, ['claims', 'catchUp', 'maxCatchUp', 'lateMs'], 'schedule');
}

function refuseWithout(checked: SingletonOptions, names: readonly (keyof SingletonOptions)[], needed: string): void {
  const given = names.find((name) => checked[name] !== undefined);
  if (given === undefined) return;
  throw new ClusterError('INVALID_OPTIONS', `${OWNER}: ${given} means nothing without ${needed}`);
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'function');
}

import { checkOptions, type OptionRules, rule } from '@quorate/core';

/** Resolves when all is well; what it throws, or rejects with, is the problem. */
export type HealthCheck = (options: { readonly signal: AbortSignal }) => unknown;

/** What `healthOf` is told. */
export interface HealthOptions {
  /**
   * How often everything is looked at.
   * @default 1000
   */
  readonly everyMs?: number;
  /**
   * After how many failures in a row a check counts as failed.
   * @default 3
   */
  readonly failures?: number;
  /**
   * After how many successes in a row it is well again.
   * @default 1
   */
  readonly successes?: number;
  /**
   * The ids of those who vote, for the check `quorum`: more than half of them must be alive as this node sees it.
   * @default unknown: this node must lead, or see the leader alive
   */
  readonly voters?: () => readonly string[];
  /**
   * How many committed entries a replica may have yet to apply, for the check `replication`.
   * @default 1000
   */
  readonly maxLag?: number;
  /**
   * How late timers may be, for the check `eventLoop`.
   * @default 500
   */
  readonly maxEventLoopDelayMs?: number;
  /**
   * How often the check `disk` writes the small record `health` to the cluster's storage; 0 for never.
   * @default 10000
   */
  readonly diskEveryMs?: number;
  /**
   * How long such a write, or a check of your own, may take.
   * @default 2000
   */
  readonly timeoutMs?: number;
  /** More checks, by name. */
  readonly checks?: Readonly<Record<string, HealthCheck>>;
  /**
   * The names of checks without which a process isn't live: those that a restart would mend.
   * @default none: it is live until its cluster has stopped
   */
  readonly live?: readonly string[];
}

export type HealthSettings = Required<Omit<HealthOptions, 'voters'>> & Pick<HealthOptions, 'voters'>;

const OWN_CHECKS = ['leader', 'quorum', 'replication', 'disk', 'eventLoop'] as const;

const DAY_MS = 86_400_000;
const isName = (name: string): boolean => /^[A-Za-z0-9._-]{1,64}$/u.test(name);

const rules: OptionRules<HealthOptions> = {
  everyMs: rule.duration({ min: 10, max: DAY_MS }),
  failures: rule.integer({ min: 1, max: 1000 }),
  successes: rule.integer({ min: 1, max: 1000 }),
  voters: rule.value('a function to the ids of the voters', (value) => typeof value === 'function'),
  maxLag: rule.integer({ min: 0 }),
  maxEventLoopDelayMs: rule.duration({ min: 1, max: DAY_MS }),
  diskEveryMs: rule.duration({ min: 0, max: DAY_MS }),
  timeoutMs: rule.duration({ min: 1, max: DAY_MS }),
  checks: rule.value('functions by names of their own, of letters, digits, ".", "_" and "-"', areChecks),
  live: rule.list(rule.text('the name of a check', isName)),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readHealthOptions(options: HealthOptions): HealthSettings {
  return {
    everyMs: 1000,
    failures: 3,
    successes: 1,
    maxLag: 1000,
    maxEventLoopDelayMs: 500,
    diskEveryMs: 10_000,
    timeoutMs: 2000,
    checks: {},
    live: [],
    ...checkOptions<HealthOptions>('healthOf', rules, options),
  };
}

function areChecks(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const isOwn = (name: string): boolean => (OWN_CHECKS as readonly string[]).includes(name);
  return Object.entries(value).every(([name, each]) => isName(name) && !isOwn(name) && typeof each === 'function');
}

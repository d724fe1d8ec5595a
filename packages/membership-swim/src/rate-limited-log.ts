import type { Clock, Logger } from '@quorate/core';

const QUIET_MS = 5000;
/** Topics are literals of the code, and ids of members in conflict. */
const MAX_TOPICS = 256;

/** Warns of what others can cause: of each topic at most once in five seconds, with the number of times it came up. */
export class RateLimitedLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #topics = new Map<string, { quietUntil: number; suppressed: number }>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether it was logged. */
  warn(topic: string, message: string, ...details: readonly unknown[]): boolean {
    const now = this.#clock.now();
    const known = this.#topics.get(topic);
    if (known !== undefined && now < known.quietUntil) {
      known.suppressed += 1;
      return false;
    }
    if (known === undefined && this.#topics.size >= MAX_TOPICS) this.#topics.clear();
    this.#topics.set(topic, { quietUntil: now + QUIET_MS, suppressed: 0 });
    const more = known === undefined || known.suppressed === 0 ? '' : ` (and ${known.suppressed} more like it)`;
    this.#logger.warn(`membership-swim: ${message}${more}`, ...details);
    return true;
  }
}

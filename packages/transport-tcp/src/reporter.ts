import { type Clock, type Logger, plainText } from '@quorate/core';

const QUIET_MS = 5000;
/** Of a message: peers choose parts of it. */
const MAX_LENGTH = 1000;

/** Logs what peers can cause: each topic at most once in five seconds, with the number of times it came up. */
export class Reporter {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** A handful: topics are literals of the code. */
  readonly #topics = new Map<string, { quietUntil: number; suppressed: number }>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  debug(topic: string, message: string): void {
    const text = this.#admit(topic, message);
    if (text !== undefined) this.#logger.debug(text);
  }

  warn(topic: string, message: string): void {
    const text = this.#admit(topic, message);
    if (text !== undefined) this.#logger.warn(text);
  }

  error(topic: string, message: string, error: unknown): void {
    const text = this.#admit(topic, message);
    if (text !== undefined) this.#logger.error(text, error);
  }

  #admit(topic: string, message: string): string | undefined {
    const now = this.#clock.now();
    const entry = this.#topics.get(topic) ?? { quietUntil: 0, suppressed: 0 };
    this.#topics.set(topic, entry);
    if (now < entry.quietUntil) {
      entry.suppressed += 1;
      return undefined;
    }
    const more = entry.suppressed === 0 ? '' : ` (and ${entry.suppressed} more like it)`;
    entry.quietUntil = now + QUIET_MS;
    entry.suppressed = 0;
    return `transport-tcp: ${plainText(message, MAX_LENGTH)}${more}`;
  }
}

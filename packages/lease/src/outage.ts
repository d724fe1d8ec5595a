import type { Logger } from '@quorate/core';

/** What of an engine fails now. Told once when it begins and once when it is over, whatever is tried in between. */
export class Outage {
  readonly #logger: Logger;
  readonly #what: string;
  readonly #failing = new Set<string>();

  /** @param what whose lease it is, for the log */
  constructor(logger: Logger, what: string) {
    this.#logger = logger;
    this.#what = what;
  }

  failed(call: string, error: unknown): void {
    if (this.#failing.size === 0) {
      const message = error instanceof Error ? error.message : String(error);
      this.#logger.warn(`${this.#what}: ${call} failed, trying again: ${message}`, error);
    }
    this.#failing.add(call);
  }

  succeeded(call: string): void {
    if (this.#failing.delete(call) && this.#failing.size === 0) this.#logger.info(`${this.#what}: the engine answers`);
  }
}

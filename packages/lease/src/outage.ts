import type { Logger } from '@quorate/core';

/** The calls of a lease that fail for the same reason or another, and what is followed, which may work all the while. */
type Part = 'calls' | 'follow';

/** Which leases of an engine it fails for. Told once when it begins and once when it is over, whatever is tried between. */
export class Outage {
  readonly #logger: Logger;
  readonly #what: string;
  readonly #failing = new Set<LeaseOutage>();

  /** @param what whose leases they are, for the log */
  constructor(logger: Logger, what: string) {
    this.#logger = logger;
    this.#what = what;
  }

  began(lease: LeaseOutage, call: string, error: unknown): void {
    if (this.#failing.size === 0) {
      const message = error instanceof Error ? error.message : String(error);
      this.#logger.warn(`${this.#what}: ${call} failed, trying again: ${message}`, error);
    }
    this.#failing.add(lease);
  }

  ended(lease: LeaseOutage): void {
    if (this.#failing.delete(lease) && this.#failing.size === 0) this.#logger.info(`${this.#what}: the engine answers`);
  }

  forget(lease: LeaseOutage): void {
    this.#failing.delete(lease);
  }
}

/** What fails of one lease. Disposing of it forgets it. */
export class LeaseOutage implements Disposable {
  readonly #outage: Outage;
  readonly #failing = new Set<Part>();
  #disposed = false;

  constructor(outage: Outage) {
    this.#outage = outage;
  }

  failed(call: string, error: unknown): void {
    if (this.#disposed) return;
    if (this.#failing.size === 0) this.#outage.began(this, call, error);
    this.#failing.add(partOf(call));
  }

  succeeded(call: string): void {
    if (this.#failing.delete(partOf(call)) && this.#failing.size === 0) this.#outage.ended(this);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#outage.forget(this);
  }
}

function partOf(call: string): Part {
  return call === 'follow' ? 'follow' : 'calls';
}

import type { Lease, LeaseStore } from '../src/lease-store.ts';

/** Stands for the database, with a clock and a delay of its own. */
export class MemoryLeaseStore implements LeaseStore {
  #lease: Lease | undefined;
  #endsAt = 0;
  #token = 0n;

  async acquire(holder: string, ttlMs: number): Promise<Lease> {
    await delay();
    const held = this.#current();
    if (held !== undefined && held.holder !== holder) return held;
    this.#endsAt = performance.now() + ttlMs;
    if (held === undefined) this.#token += 1n;
    this.#lease = { holder, token: this.#token };
    return this.#lease;
  }

  async read(): Promise<Lease | undefined> {
    await delay();
    return this.#current();
  }

  async release(holder: string): Promise<void> {
    await delay();
    if (this.#lease?.holder === holder) this.#lease = undefined;
  }

  #current(): Lease | undefined {
    if (performance.now() >= this.#endsAt) this.#lease = undefined;
    return this.#lease;
  }
}

function delay(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

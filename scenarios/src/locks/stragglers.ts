import type { Locks } from '@quorate/core';
import type { Host, World } from '@quorate/simulator';
import type { LockRules } from './lock-rules.ts';

const NAME = 'z';
/** From when one asks until it hears nothing more: its claim may have come to be in its log or not, applied or not. */
const MAX_ASKING_MS = 12;
/** A lock lasts for its least time, some of which is over by the end of most cuts. */
const SHORT_TTL_MS = 1;
const LONG_TTL_MS = 60_000;
const MAX_CUT_MS = 3_500;
/** How long the disk of one that hears others again takes for what it has missed. */
const MAX_STALL_MS = 1_000;
const MAX_PAUSE_MS = 1_500;

/**
 * Members that ask for a lock and then hear nothing, for longer than the log keeps it for them; when they hear others
 * again their disk is slow, so that what they know of the locks is long past while what they ask is answered at once.
 * Meanwhile another has had the lock.
 */
export class Stragglers {
  readonly #world: World;
  readonly #voters: readonly Host[];
  readonly #rules: LockRules;
  readonly #locksOf: (host: Host) => Locks | undefined;
  readonly #stalledUntil = new Map<Host, number>();
  readonly #over = new AbortController();

  constructor(
    world: World,
    parts: {
      readonly voters: readonly Host[];
      readonly rules: LockRules;
      readonly locksOf: (host: Host) => Locks | undefined;
    },
  ) {
    this.#world = world;
    this.#voters = parts.voters;
    this.#rules = parts.rules;
    this.#locksOf = parts.locksOf;
  }

  start(): void {
    this.#later(MAX_PAUSE_MS, () => {
      const cutMs = this.#world.random.next() * MAX_CUT_MS;
      this.#strike(this.#world.random.int(this.#voters.length), cutMs);
      this.#world.after(cutMs + MAX_STALL_MS, () => this.start());
    });
  }

  /** It begins nothing more, and what was taken is given back. */
  stop(): void {
    this.#over.abort();
    this.#stalledUntil.clear();
  }

  /** By how much longer a write to the host's disk takes that begins now. */
  writeMs(host: Host): number {
    return Math.max(0, (this.#stalledUntil.get(host) ?? 0) - this.#world.now);
  }

  #strike(at: number, cutMs: number): void {
    const host = this.#voters[at] as Host;
    const other = this.#voters[(at + 1) % this.#voters.length] as Host;
    const others = this.#world.hosts.filter((each) => each !== host);
    const holdMs = cutMs + MAX_STALL_MS;
    void this.#hold(host, SHORT_TTL_MS, holdMs);
    this.#later(MAX_ASKING_MS, () => {
      this.#world.block(others, host);
      void this.#hold(other, LONG_TTL_MS, holdMs);
      this.#world.after(cutMs, () => {
        this.#world.unblock(others, host);
        this.#stalledUntil.set(host, this.#world.now + this.#world.random.next() * MAX_STALL_MS);
      });
    });
  }

  async #hold(host: Host, ttlMs: number, holdMs: number): Promise<void> {
    const { signal } = this.#over;
    const lock = await this.#locksOf(host)
      ?.lock(NAME, { ttlMs, signal })
      .catch(() => undefined);
    if (lock === undefined) return;
    this.#rules.granted(host, lock, 'exclusive');
    const release = (): void => void lock.release().catch(() => undefined);
    this.#world.after(holdMs, release);
    signal.addEventListener('abort', release, { once: true });
  }

  #later(withinMs: number, step: () => void): void {
    this.#world.after(this.#world.random.next() * withinMs, () => {
      if (!this.#over.signal.aborted) step();
    });
  }
}

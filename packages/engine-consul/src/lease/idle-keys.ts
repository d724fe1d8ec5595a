import { type Clock, type MonotonicMs, type Timer, withDeadline } from '@quorate/core';

import type { LockKey } from './lock-key.ts';

interface IdleKey {
  readonly key: LockKey;
  /** Of the write by which it was given back: whoever has had it since has changed it. */
  readonly modifyIndex: bigint;
  readonly due: MonotonicMs;
}

/** What is beyond this stays where it is. */
const MAX_KEYS = 10_000;
/** Of keys that are removed at one time. */
const BATCH = 16;
/** For the rest, at the end. */
const END_TIMEOUT_MS = 1_000;

/**
 * Keys of locks that were given back, which are removed when nobody has wanted them for a while. Not at once: where there is
 * no key, who comes next has to ask for everybody's sessions.
 */
export class IdleKeys {
  readonly #clock: Clock;
  /** By name, in the order in which they are due. */
  readonly #keys = new Map<string, IdleKey>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: LockKey, modifyIndex: bigint, idleMs: number): void {
    this.#keys.delete(key.name);
    if (this.#closed || this.#keys.size >= MAX_KEYS) return;
    this.#keys.set(key.name, { key, modifyIndex, due: this.#clock.now() + idleMs });
    this.#arm();
  }

  /** It is wanted again. */
  delete(key: LockKey): void {
    this.#keys.delete(key.name);
  }

  /** Removes what is left, as far as that is done soon. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const remove = (): Promise<void> => this.#remove(Infinity);
    await withDeadline(this.#clock, END_TIMEOUT_MS, 'remove idle keys', remove).catch(() => undefined);
  }

  #arm(): void {
    const [first] = this.#keys.values();
    if (this.#timer !== undefined || first === undefined || this.#closed) return;
    this.#timer = this.#clock.setTimer(Math.max(0, first.due - this.#clock.now()), () => {
      void this.#remove(this.#clock.now()).finally(() => {
        this.#timer = undefined;
        this.#arm();
      });
    });
  }

  /** Those that are due. What fails is tried no more: a key that is left is in nobody's way. */
  async #remove(now: MonotonicMs): Promise<void> {
    for (;;) {
      const due = [...this.#keys.values()].filter((key) => key.due <= now).slice(0, BATCH);
      if (due.length === 0) return;
      for (const { key } of due) this.#keys.delete(key.name);
      await Promise.allSettled(due.map(({ key, modifyIndex }) => key.remove(modifyIndex, {})));
    }
  }
}

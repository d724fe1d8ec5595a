import {
  Backoff,
  type CallOptions,
  type Clock,
  ClusterError,
  type MonotonicMs,
  sleep,
  type System,
  withDeadline,
} from '@quorate/core';

interface Release {
  /** From when on the log has given it up by itself. */
  readonly until: MonotonicMs;
  readonly done: PromiseWithResolvers<void>;
}

/** Gives claims back: those of one turn with one command, and again until it is known to be done, or not needed. */
export class LockReleases {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #send: (claims: readonly number[]) => Promise<void>;
  readonly #ending = new AbortController();
  readonly #pending = new Map<number, Release>();
  #running: Promise<void> | undefined;

  /** @param send rejects when it isn't known whether they are released */
  constructor({ clock, random }: Pick<System, 'clock' | 'random'>, send: (claims: readonly number[]) => Promise<void>) {
    this.#clock = clock;
    this.#backoff = new Backoff(random, { baseMs: 10, maxMs: 500 });
    this.#send = send;
  }

  /**
   * Resolves when the log has given it up. After the end nothing is given back any more.
   * @throws ClusterError `QUORUM_LOST`: it runs out
   */
  add(number: number, until: MonotonicMs): Promise<void> {
    const known = this.#pending.get(number);
    if (known !== undefined) return known.done.promise;
    const done = Promise.withResolvers<void>();
    // Nobody need listen.
    done.promise.catch(() => undefined);
    if (this.#ending.signal.aborted) {
      done.reject(ranOut(this.#ending.signal.reason));
      return done.promise;
    }
    this.#pending.set(number, { until, done });
    this.#running ??= this.#run();
    return done.promise;
  }

  /**
   * What is left is tried for so long: should that fail, it runs out.
   * @param released resolves when those who have something have been answered
   */
  async end(released: Promise<unknown>, graceMs: number): Promise<void> {
    const over = withDeadline(this.#clock, graceMs, 'give back what is left', async () => {
      await released;
      // What nobody waits for.
      await this.#running;
    });
    await over.catch((error: unknown) => {
      this.#ending.abort();
      for (const [number, release] of this.#pending) this.#settle(number, release, error);
    });
    this.#ending.abort();
    await released;
  }

  async #run(): Promise<void> {
    // Not within the turn that this is called in: it may be one in which the log is applied.
    await Promise.resolve();
    while (this.#pending.size > 0) {
      const sent = [...this.#pending];
      // oxlint-disable-next-line no-await-in-loop -- one at a time: what comes meanwhile goes with the next
      const error = await this.#try(sent.map(([number]) => number));
      for (const [number, release] of sent) this.#settle(number, release, error);
      // oxlint-disable-next-line no-await-in-loop -- before the next attempt
      if (error !== undefined) await this.#pause();
    }
    this.#running = undefined;
  }

  async #try(numbers: readonly number[]): Promise<unknown> {
    try {
      await this.#send(numbers);
      this.#backoff.reset();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #settle(number: number, { until, done }: Release, error: unknown): void {
    const isOver = this.#ending.signal.aborted || this.#clock.now() >= until;
    if (error !== undefined && !isOver) return;
    this.#pending.delete(number);
    if (error === undefined) done.resolve();
    else done.reject(ranOut(error));
  }

  async #pause(): Promise<void> {
    const options: CallOptions = { signal: this.#ending.signal };
    await sleep(this.#clock, this.#backoff.next(), options).catch(() => undefined);
  }
}

function ranOut(cause: unknown): ClusterError {
  return new ClusterError('QUORUM_LOST', 'the lock could not be given back: it runs out', { cause });
}

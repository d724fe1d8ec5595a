import type { Clock } from '@quorate/core';
import { withDeadline } from '@quorate/core';

import type { EtcdClient, EtcdListing, FollowOptions } from '../../src/index.ts';

/** Follows a prefix as a discovery does: anew when following fails. */
export class Following implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;
  #last: readonly string[] = [];
  #waiting: { readonly isMet: (keys: readonly string[]) => boolean; readonly resolve: () => void } | undefined;
  /** How often following failed, and was begun anew. */
  failures = 0;
  /** How often something was told. */
  told = 0;

  constructor(clock: Clock, client: EtcdClient, prefix: string, options: Partial<FollowOptions> = {}) {
    this.#clock = clock;
    this.#done = this.#run(client, prefix, options);
  }

  /** The keys told last, without the prefix. */
  get keys(): readonly string[] {
    return this.#last;
  }

  async until(isMet: (keys: readonly string[]) => boolean, withinMs = 10_000): Promise<void> {
    if (isMet(this.#last)) return;
    const met = () => new Promise<void>((resolve) => (this.#waiting = { isMet, resolve }));
    await withDeadline(this.#clock, withinMs, `the keys, which are ${this.#last.join()}`, met);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#done;
  }

  async #run(client: EtcdClient, prefix: string, options: Partial<FollowOptions>): Promise<void> {
    const { signal } = this.#stopped;
    const tell = ({ entries }: EtcdListing) => this.#take(entries.map(({ key }) => key.slice(prefix.length)));
    while (!signal.aborted) {
      try {
        await client.follow(prefix, tell, { ...options, signal });
        return;
      } catch {
        this.failures += 1;
      }
    }
  }

  #take(keys: readonly string[]): void {
    this.told += 1;
    this.#last = keys;
    if (this.#waiting?.isMet(keys) !== true) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }
}

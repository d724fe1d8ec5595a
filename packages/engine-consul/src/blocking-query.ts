import { type CallOptions, ClusterError, isClusterError, type MonotonicMs, sleep } from '@quorate/core';

import type { ConsulAnswer, ConsulClient, ConsulQuery } from './consul-client.ts';
import type { HttpLine } from './http-exchange.ts';

/** How a blocking query of Consul waits. */
export interface BlockingQueryOptions {
  readonly query?: ConsulQuery;
  /** As those of a call. */
  readonly answers?: readonly number[];
  /** How long Consul is to hold an answer that has not changed. */
  readonly waitMs: number;
  /** How long Consul may take to answer, beyond that. */
  readonly timeoutMs: number;
}

/** An index that grows all the time must not turn waiting into asking without a pause. */
const MIN_SPACING_MS = 100;

/** Consul adds up to this part of the wait, so that not everybody asks again at once. */
const JITTER = 1 / 16;

/**
 * A question that Consul answers when the answer may have changed (https://developer.hashicorp.com/consul/api-docs/features/blocking).
 * The index is kept here: after a failure, and when it goes backwards, the next answer comes at once.
 *
 * It has a connection of its own, and an index counts as long as that lasts. An agent that was replaced meanwhile by one that
 * knows less would hold a question beyond an index that it has yet to reach, and tell nothing of what happens before.
 */
export class BlockingQuery implements Disposable {
  readonly #client: ConsulClient;
  readonly #path: readonly string[];
  readonly #options: BlockingQueryOptions;
  readonly #line: HttpLine;
  /** 0: the next answer is not waited for. */
  #index = 0;
  #askedAt: MonotonicMs | undefined;

  constructor(client: ConsulClient, path: readonly string[], options: BlockingQueryOptions) {
    this.#client = client;
    this.#path = path;
    this.#options = options;
    this.#line = client.openLine();
  }

  /**
   * The first time, the answer; then the next one that may differ, or the same after `waitMs`. To be called again when it
   * has settled, not before.
   * @throws ClusterError as `ConsulClient.get`, and `PROTOCOL` when the answer has no index
   */
  async next(options: CallOptions = {}): Promise<ConsulAnswer> {
    const asked = this.#index;
    this.#index = 0;
    await this.#space(options);
    const { answer, index } = await this.#askFrom(asked, options);
    if (answer.index === undefined) {
      const path = this.#path.join('/');
      throw new ClusterError('PROTOCOL', `consul ${this.#client.address}: /v1/${path}: the answer has no index`);
    }
    this.#index = followingIndex(index, answer.index);
    return answer;
  }

  /** Closes its connection. */
  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }

  /** @returns the index that was asked with in the end */
  async #askFrom(
    index: number,
    options: CallOptions,
  ): Promise<{ readonly answer: ConsulAnswer; readonly index: number }> {
    try {
      return { answer: await this.#ask(index, options), index };
    } catch (error) {
      if (index === 0 || !isClusterError(error, 'DISCONNECTED')) throw error;
      return { answer: await this.#ask(0, options), index: 0 };
    }
  }

  #ask(index: number, { signal }: CallOptions): Promise<ConsulAnswer> {
    const { query = {}, answers = [], waitMs, timeoutMs } = this.#options;
    const via = { line: this.#line, continues: index > 0 };
    if (index === 0) return this.#client.get(this.#path, { query, answers, timeoutMs, signal, via });
    return this.#client.get(this.#path, {
      query: { ...query, index, wait: `${Math.ceil(waitMs)}ms` },
      answers,
      timeoutMs: waitMs * (1 + JITTER) + timeoutMs,
      signal,
      via,
    });
  }

  async #space({ signal }: CallOptions): Promise<void> {
    const { clock } = this.#client;
    const due = (this.#askedAt ?? -Infinity) + MIN_SPACING_MS;
    if (due > clock.now()) await sleep(clock, due - clock.now(), { signal });
    this.#askedAt = clock.now();
  }
}

/**
 * What to ask with next. An index that went backwards is of another state (a restored or replaced Consul), in which
 * nothing is known of what happened between; 0 would never block.
 */
export function followingIndex(asked: number, answered: number): number {
  return answered < asked ? 0 : Math.max(1, answered);
}

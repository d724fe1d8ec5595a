import { Broadcast, type CallOptions, type Clock, ClusterError, type LeaderInfo, settleWithin } from '@quorate/core';

/** Who was last seen to lead, and the readers who want to know. */
export class ObservedLeader {
  readonly #readers = new Broadcast<LeaderInfo | undefined>(1);
  #current: LeaderInfo | undefined;
  #ended: ClusterError | undefined;

  get current(): LeaderInfo | undefined {
    return this.#current;
  }

  show(leader: LeaderInfo | undefined): void {
    if (leader?.nodeId === this.#current?.nodeId && leader?.token === this.#current?.token) return;
    this.#current = leader;
    this.#readers.publish(leader);
  }

  watch(options: CallOptions): AsyncIterable<LeaderInfo | undefined> {
    return this.#readers.watch(options, [this.#current]);
  }

  /**
   * The first leader with a greater token.
   * @throws ClusterError `TIMEOUT`, `ABORTED`, or what `end` was given
   */
  next(token: bigint, clock: Clock, timeoutMs: number, { signal }: CallOptions): Promise<LeaderInfo> {
    return settleWithin<LeaderInfo>(signal, 'hand-over', (resolve, reject) => {
      const stop = new AbortController();
      const timer = clock.setTimer(timeoutMs, () => {
        reject(new ClusterError('TIMEOUT', `no other leader was seen within ${timeoutMs} ms`));
      });
      void this.#firstAfter(token, stop.signal).then((leader) =>
        leader === undefined ? reject(this.#ended) : resolve(leader),
      );
      return () => {
        timer.cancel();
        stop.abort();
      };
    });
  }

  /** Nobody is observed any more: readers end, and who waits is told why. */
  end(reason: ClusterError): void {
    this.#ended = reason;
    this.#current = undefined;
    this.#readers[Symbol.dispose]();
  }

  async #firstAfter(token: bigint, signal: AbortSignal): Promise<LeaderInfo | undefined> {
    for await (const leader of this.watch({ signal })) {
      if (leader !== undefined && leader.token > token) return leader;
    }
    return undefined;
  }
}

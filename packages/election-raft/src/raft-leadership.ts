import type { ClusterError, Leadership, MonotonicMs, NodeId } from '@quorate/core';

/** A grant that is read from the group's lease each time it is asked about. */
export class RaftLeadership implements Leadership {
  readonly nodeId: NodeId;
  readonly token: bigint;
  readonly #leaseUntil: () => MonotonicMs;
  readonly #now: () => MonotonicMs;
  readonly #controller = new AbortController();

  /** @param leaseUntil until when this node's lease in the term of the grant holds; -Infinity when it leads no more */
  constructor(parts: {
    readonly nodeId: NodeId;
    readonly token: bigint;
    readonly now: () => MonotonicMs;
    readonly leaseUntil: () => MonotonicMs;
  }) {
    this.nodeId = parts.nodeId;
    this.token = parts.token;
    this.#now = parts.now;
    this.#leaseUntil = parts.leaseUntil;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get deadline(): MonotonicMs {
    return this.signal.aborted ? -Infinity : this.#leaseUntil();
  }

  isValid(): boolean {
    return !this.signal.aborted && this.#now() < this.#leaseUntil();
  }

  end(reason: ClusterError): void {
    this.#controller.abort(reason);
  }
}

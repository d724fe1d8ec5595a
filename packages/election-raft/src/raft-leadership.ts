import { ClusterError, type Leadership, type MonotonicMs, type NodeId } from '@quorate/core';

/** A grant that is read from the group's lease each time it is asked about. */
export class RaftLeadership implements Leadership {
  readonly nodeId: NodeId;
  readonly token: bigint;
  readonly #leaseUntil: () => MonotonicMs;
  readonly #now: () => MonotonicMs;
  readonly #controller = new AbortController();
  /** Of the lease when it was seen last; once the grant has ended, of that. */
  #deadline: MonotonicMs;

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
    this.#deadline = parts.leaseUntil();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get deadline(): MonotonicMs {
    if (!this.signal.aborted) this.#deadline = Math.max(this.#deadline, this.#leaseUntil());
    return this.#deadline;
  }

  isValid(): boolean {
    return !this.signal.aborted && this.#now() < this.#leaseUntil();
  }

  /** To be called whenever the lease may have changed. Undefined while the grant holds; else why it has ended. */
  check(): ClusterError | undefined {
    const { deadline } = this;
    if (this.isValid()) return undefined;
    return this.#now() < deadline
      ? new ClusterError('NOT_LEADER', `the leadership of term ${this.token} has ended`)
      : new ClusterError('QUORUM_LOST', `the grant ${this.token} ended: it was not renewed in time`);
  }

  end(reason: ClusterError): void {
    if (this.signal.aborted) return;
    this.#deadline = Math.min(this.deadline, this.#now());
    this.#controller.abort(reason);
  }
}

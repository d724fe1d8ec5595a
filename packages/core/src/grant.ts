import type { Clock, MonotonicMs, Timer } from './clock.ts';
import { ClusterError } from './cluster-error.ts';
import type { NodeId } from './cluster-node.ts';
import type { Leadership } from './election.ts';

/** A grant as the election that holds it sees it: renewed, and ended. `Leadership` is what others see of it. */
export class Grant implements Leadership {
  readonly nodeId: NodeId;
  readonly token: bigint;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #onEnd: (reason: ClusterError) => void;
  #deadline: MonotonicMs;
  /** Undefined once the grant has ended. */
  #timer: Timer | undefined;

  /**
   * @param grant whose, its token, and the moment at which it ends unless renewed
   * @param onEnd called once, when the grant has ended by whatever cause
   */
  constructor(
    clock: Clock,
    grant: { readonly nodeId: NodeId; readonly token: bigint; readonly deadline: MonotonicMs },
    onEnd: (reason: ClusterError) => void,
  ) {
    this.#clock = clock;
    this.nodeId = grant.nodeId;
    this.token = grant.token;
    this.#deadline = grant.deadline;
    this.#onEnd = onEnd;
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get deadline(): MonotonicMs {
    return this.#deadline;
  }

  isValid(): boolean {
    return this.#timer !== undefined && this.#clock.now() < this.#deadline;
  }

  /** Moves the deadline; an earlier one is ignored. False when the grant has ended: it can't be revived. */
  renew(deadline: MonotonicMs): boolean {
    if (!this.isValid()) {
      this.#expire();
      return false;
    }
    this.#deadline = Math.max(this.#deadline, deadline);
    return true;
  }

  /** Ends the grant now. Idempotent. */
  end(reason: ClusterError): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#deadline = Math.min(this.#deadline, this.#clock.now());
    try {
      this.#onEnd(reason);
    } finally {
      this.#controller.abort(reason);
    }
  }

  /** One timer for the life of the grant: when it fires early because of renewals, it is set again. */
  #arm(): void {
    const remaining = this.#deadline - this.#clock.now();
    this.#timer = this.#clock.setTimer(Math.max(0, remaining), () => {
      if (this.#clock.now() < this.#deadline) this.#arm();
      else this.#expire();
    });
  }

  #expire(): void {
    this.end(new ClusterError('QUORUM_LOST', `the grant ${this.token} ended: it was not renewed in time`));
  }
}

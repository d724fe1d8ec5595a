import {
  type Clock,
  type CallOptions,
  ClusterError,
  Grant,
  type HeldLock,
  type LockRequest,
  type MonotonicMs,
  type NodeId,
} from '@quorate/core';
import type { Standing } from './lock-command.ts';

/** Of the time that a claim lasts in the log, what its holder believes in: the rest is for clocks that differ. */
const VALID_PART = 0.8;
/** With less of it left than this part, a lock is not begun before it has been renewed. */
const LEAST_PART = 0.3;
/** Signs of life in the time that a claim lasts. */
const SIGNS_PER_TTL = 6;

/** What became of waiting: the lock, or the place in the queue is lost. */
export type Outcome = HeldLock | 'gone';

/** A lock that this node asks for, waits for or has, under one number. */
export class OpenClaim {
  readonly number: number;
  readonly request: LockRequest;
  readonly outcome: Promise<Outcome>;
  readonly #clock: Clock;
  readonly #nodeId: NodeId;
  readonly #onEnd: (claim: OpenClaim) => Promise<void>;
  readonly #resolve: (outcome: Outcome) => void;
  /** When the last sign of life was sent that the log is known to have; undefined while it isn't known to be there. */
  #signAt: MonotonicMs | undefined;
  /** What it is granted has a token from here on: lower ones are of a time when the log had not yet given it up. */
  #leastToken = 0;
  #grant: Grant | undefined;
  /** Set once it is over. */
  #ended: Promise<void> | undefined;

  /** @param onEnd called once, when the lock is not had any more: sees to it that the log says so too */
  constructor(parts: {
    readonly number: number;
    readonly request: LockRequest;
    readonly clock: Clock;
    readonly nodeId: NodeId;
    readonly onEnd: (claim: OpenClaim) => Promise<void>;
  }) {
    this.number = parts.number;
    this.request = parts.request;
    this.#clock = parts.clock;
    this.#nodeId = parts.nodeId;
    this.#onEnd = parts.onEnd;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
  }

  /** Whether the log has it, as far as is known. */
  get isEntered(): boolean {
    return this.#signAt !== undefined;
  }

  /** Whether the log has it, and it was not seen to be granted. */
  get isWaiting(): boolean {
    return this.isEntered && this.#grant === undefined;
  }

  /** When the next sign of life is due. */
  get dueAt(): MonotonicMs {
    return (this.#signAt ?? Infinity) + this.request.ttlMs / SIGNS_PER_TTL;
  }

  /** When the log has given it up at the latest, if it hears nothing more and time goes on there. */
  get overAt(): MonotonicMs {
    return (this.#signAt ?? this.#clock.now()) + 2 * this.request.ttlMs;
  }

  /** The log has a sign of life that was sent then, and says how it stands. False when the lock had ended before. */
  signed(sentAt: MonotonicMs, state: Standing): boolean {
    this.#signAt = Math.max(this.#signAt ?? -Infinity, sentAt);
    this.#leastToken = Math.max(this.#leastToken, state.type === 'held' ? state.token : state.after + 1);
    return this.#grant?.renew(this.#deadline) ?? true;
  }

  /** Whether being held with this token is what came of it since its last sign of life. */
  isNews(token: number): boolean {
    return this.isWaiting && token >= this.#leastToken;
  }

  /** The log says that it is held. Whether that is of use yet: otherwise another sign is to be sent before. */
  granted(token: number): boolean {
    if (this.#grant !== undefined || this.#ended !== undefined) return true;
    if (this.#deadline - this.#clock.now() < this.request.ttlMs * LEAST_PART) return false;
    const about = { nodeId: this.#nodeId, token: BigInt(token), deadline: this.#deadline };
    const grant = new Grant(this.#clock, about, () => void this.#end());
    this.#grant = grant;
    this.#resolve(new RaftLock(grant, async (options) => this.#release(grant, options)));
    return true;
  }

  /** The log has it no more. */
  lost(): void {
    this.#ended ??= Promise.resolve();
    this.#grant?.end(
      new ClusterError('QUORUM_LOST', `the lock ${this.request.name} has run out: it was not renewed in time`),
    );
    this.#resolve('gone');
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#grant?.end(new ClusterError('ABORTED', `nobody waits for ${this.request.name} any more`));
    this.#end().catch(() => undefined);
  }

  get #deadline(): MonotonicMs {
    return (this.#signAt ?? -Infinity) + this.request.ttlMs * VALID_PART;
  }

  async #release(grant: Grant, { signal }: CallOptions): Promise<void> {
    grant.end(new ClusterError('CLOSED', `the lock ${this.request.name} was given back`));
    const released = this.#end();
    if (signal === undefined) return await released;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void =>
      reject(new ClusterError('ABORTED', `release ${this.request.name}: aborted by the caller`));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    await Promise.race([released, promise]).finally(() => signal.removeEventListener('abort', onAbort));
  }

  #end(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = this.#onEnd(this);
      // Whoever releases it hears of a failure; nobody else asked.
      this.#ended.catch(() => undefined);
    }
    return this.#ended;
  }
}

class RaftLock implements HeldLock {
  readonly #grant: Grant;
  readonly release: (options: CallOptions) => Promise<void>;

  constructor(grant: Grant, release: (options: CallOptions) => Promise<void>) {
    this.#grant = grant;
    this.release = release;
  }

  get token(): bigint {
    return this.#grant.token;
  }

  get deadline(): MonotonicMs {
    return this.#grant.deadline;
  }

  get signal(): AbortSignal {
    return this.#grant.signal;
  }

  isValid(): boolean {
    return this.#grant.isValid();
  }
}

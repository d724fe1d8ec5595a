import type { CallOptions } from './call-options.ts';
import type { MonotonicMs } from './clock.ts';
import { ClusterError } from './cluster-error.ts';
import type { Lock } from './locks.ts';

/** A lock as its backend holds it for this node. */
export interface HeldLock {
  readonly token: bigint;
  readonly deadline: MonotonicMs;
  /** Aborts when it is held no more, for whatever reason. */
  readonly signal: AbortSignal;
  /** Whether it is held now, by the clock. */
  isValid(): boolean;
  /** Called once. From this call on it is not valid, whatever becomes of the call. */
  release(options: CallOptions): Promise<void>;
}

/** One caller's hold on a lock, which several callers may share. */
export class LockHandle implements Lock {
  readonly name: string;
  readonly #held: HeldLock;
  readonly #release: (options: CallOptions) => Promise<void>;
  readonly #onEnd: () => void;
  readonly #controller = new AbortController();
  readonly #onHeldEnd = (): void => this.#end(this.#held.signal.reason);
  #releasing: Promise<void> | undefined;

  /** @param onEnd called once, when this handle has ended, by its release or with the lock */
  constructor(name: string, held: HeldLock, release: (options: CallOptions) => Promise<void>, onEnd: () => void) {
    this.name = name;
    this.#held = held;
    this.#release = release;
    this.#onEnd = onEnd;
    held.signal.addEventListener('abort', this.#onHeldEnd, { once: true });
    if (held.signal.aborted) this.#onHeldEnd();
  }

  get token(): bigint {
    return this.#held.token;
  }

  get deadline(): MonotonicMs {
    return this.#held.deadline;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  isValid(): boolean {
    return this.#releasing === undefined && this.#held.isValid();
  }

  async release(options: CallOptions = {}): Promise<void> {
    this.#releasing ??= this.#release(options);
    this.#end(new ClusterError('CLOSED', `the lock ${this.name} was given back`));
    await this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Where it can't be given back it runs out.
    await this.release().catch(() => undefined);
  }

  #end(reason: unknown): void {
    if (this.#controller.signal.aborted) return;
    this.#held.signal.removeEventListener('abort', this.#onHeldEnd);
    this.#onEnd();
    this.#controller.abort(reason);
  }
}

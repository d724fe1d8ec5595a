import { BaseLocks, type LockRequest } from './base-locks.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterContext } from './context.ts';
import { settleWithin } from './deadline.ts';
import type { HeldLock } from './lock-handle.ts';
import { type LockClaim, LockQueue } from './lock-queue.ts';
import type { Locks, LockSupport } from './locks.ts';
import type { Plugin } from './plugin.ts';

/** The locks of a cluster of one: they keep the tasks of this node apart. */
export const soloLocks: Plugin<Locks, 'locks'> = {
  name: 'solo-locks',
  kind: 'locks',
  requires: [],
  create: (context) => new SoloLocks(context),
};

interface SoloClaim extends LockClaim {
  readonly granted: (held: HeldLock) => void;
}

class SoloLocks extends BaseLocks {
  readonly supports: LockSupport = { fair: true, shared: true, semaphore: true };
  /** Of the names in use. */
  readonly #queues = new Map<string, LockQueue<SoloClaim>>();
  #token = 0n;

  constructor({ clock }: ClusterContext) {
    super(soloLocks.name, clock);
  }

  protected async open(): Promise<void> {}

  protected async close(released: Promise<unknown>): Promise<void> {
    await released;
  }

  protected async acquire(
    { name, share, waits }: LockRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<HeldLock | undefined> {
    return await settleWithin<HeldLock | undefined>(signal, `solo-locks: wait for ${name}`, (resolve, reject) => {
      const queue = this.#queues.get(name) ?? new LockQueue<SoloClaim>();
      const claim: SoloClaim = { share, granted: resolve };
      if (!queue.fits(claim)) {
        reject(new ClusterError('INVALID_OPTIONS', `solo-locks: ${name} is in use, and not as ${describe(share)}`));
        return () => undefined;
      }
      if (!waits && !queue.isFree(claim)) {
        resolve(undefined);
        return () => undefined;
      }
      this.#queues.set(name, queue);
      queue.waiting.add(claim);
      this.#grant(name, queue);
      return () => {
        if (queue.waiting.delete(claim)) this.#grant(name, queue);
      };
    });
  }

  #grant(name: string, queue: LockQueue<SoloClaim>): void {
    for (const claim of queue.grants()) {
      this.#token += 1n;
      const release = (): void => {
        if (queue.remove(claim)) this.#grant(name, queue);
      };
      claim.granted(new SoloHeld(this.#token, release));
    }
    if (queue.isEmpty && this.#queues.get(name) === queue) this.#queues.delete(name);
  }
}

function describe(share: LockRequest['share']): string {
  return share.kind === 'permit' ? `one of ${share.permits} permits` : share.kind;
}

/** Not leased from anybody, so it has no deadline. */
class SoloHeld implements HeldLock {
  readonly token: bigint;
  readonly #release: () => void;
  readonly #controller = new AbortController();

  constructor(token: bigint, release: () => void) {
    this.token = token;
    this.#release = release;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get deadline(): number {
    return this.signal.aborted ? -Infinity : Infinity;
  }

  isValid(): boolean {
    return !this.signal.aborted;
  }

  async release(): Promise<void> {
    this.#controller.abort(new ClusterError('CLOSED', 'the lock was given back'));
    this.#release();
  }
}

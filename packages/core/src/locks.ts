import type { CallOptions } from './call-options.ts';
import type { MonotonicMs } from './clock.ts';

/** How a lock is taken. */
export interface LockOptions extends CallOptions {
  /**
   * How long the lock outlives a holder that can't renew it. It is renewed while it is held; a backend may take more
   * than it is asked for, never less.
   * @default 15000
   */
  readonly ttlMs?: number;
  /**
   * How long to wait for it. 0 asks once.
   * @default for ever
   */
  readonly waitMs?: number;
  /**
   * Whoever gives the same owner on this node while the lock is held gets the same lock, which is free again when each
   * of them has released it. Without one each call is an owner of its own, so that to lock twice is to wait for oneself.
   */
  readonly owner?: string;
}

/** How a permit of a semaphore is taken. */
export interface SemaphoreOptions extends LockOptions {
  /** How many may hold it at one time: the same wherever the name is used. */
  readonly permits: number;
}

/**
 * A lock that is held: a grant with an end, as leadership is. It holds if and only if `isValid()`, read at the moment of
 * use. Whatever is written elsewhere under it carries `token` along, so that the receiver can refuse who comes late.
 * (Gray and Cheriton, "Leases", 1989; Kleppmann, "How to do distributed locking", 2016.)
 */
export interface Lock extends AsyncDisposable {
  readonly name: string;
  /** Greater than that of every lock of this name that was granted before. */
  readonly token: bigint;
  /** The lock ends here; renewals move it. */
  readonly deadline: MonotonicMs;
  /** Aborts soon after the lock has ended: a notice, possibly late, never a proof that it holds. */
  readonly signal: AbortSignal;
  /** Whether it is held now, by the clock. */
  isValid(): boolean;
  /** Gives it back, and lets the next one have it at once. Idempotent; disposing does the same and never rejects. */
  release(options?: CallOptions): Promise<void>;
}

/** What a lock backend can do, for programs and contract suites to ask. */
export interface LockSupport {
  /** Whether those who wait get it in the order in which they came. */
  readonly fair: boolean;
  /** Whether `readLock` and `writeLock` are there; otherwise they reject with `UNSUPPORTED`. */
  readonly shared: boolean;
  /** Whether `semaphore` is there. */
  readonly semaphore: boolean;
}

/**
 * Locks by name, for all nodes of a cluster. The three kinds don't mix: one name is a lock, a read/write lock or a
 * semaphore. A backend extends `BaseLocks`, which leaves it to take one lock.
 */
export interface Locks extends AsyncDisposable {
  readonly supports: LockSupport;
  /** Called once, before the transport starts: it must not wait for peers. */
  start(options?: CallOptions): Promise<void>;
  /**
   * Waits until the lock is this caller's.
   * @throws ClusterError `TIMEOUT` after `waitMs`, `ABORTED`, `CLOSED`; while the backend can't be reached it waits
   */
  lock(name: string, options?: LockOptions): Promise<Lock>;
  /** Like `lock`, and undefined when somebody else has it. */
  tryLock(name: string, options?: Omit<LockOptions, 'waitMs'>): Promise<Lock | undefined>;
  /** Any number of readers at one time, and no writer. Who asks to write isn't overtaken by readers that come later. */
  readLock(name: string, options?: LockOptions): Promise<Lock>;
  /** One writer, and no reader beside it. */
  writeLock(name: string, options?: LockOptions): Promise<Lock>;
  /** One of the permits. */
  semaphore(name: string, options: SemaphoreOptions): Promise<Lock>;
}

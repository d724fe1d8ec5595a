import type { CallOptions, MonotonicMs, NodeId } from '@quorate/core';

/** Who asks for a lease. Another run of a node is another holder: what the last one had isn't its. */
export interface LeaseIdentity {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  /** Tells apart what one run of a node asks for at one time. */
  readonly claim: number;
}

/** How many may hold a lease at one time. Readers and writers keep each other out; readers don't keep out readers. */
export type LeaseShare =
  | { readonly kind: 'exclusive' }
  | { readonly kind: 'read' }
  | { readonly kind: 'write' }
  | { readonly kind: 'permit'; readonly permits: number };

/** What is wanted of an engine: which lease, for whom and for how long. */
export interface LeaseRequest {
  /** As the engine's users know it: a key, a prefix, the name of an object. */
  readonly name: string;
  readonly identity: LeaseIdentity;
  /** How long the lease outlives a holder that doesn't renew it. */
  readonly ttlMs: number;
  readonly share: LeaseShare;
}

/** Who holds an exclusive lease. */
export interface LeaseHolder {
  /** The node; of a holder that isn't Quorate's, what it calls itself. */
  readonly nodeId: NodeId;
  readonly token: bigint;
}

/** What an engine has said. */
export interface LeaseView {
  readonly holder: LeaseHolder | undefined;
  /** Of the engine's state that was looked at, comparable with tokens: what is older than a token knows nothing of it. */
  readonly revision: bigint;
}

/** Another holds the lease, or is before us. */
export interface LeaseRefusal {
  /**
   * When it is worth asking again though `follow` has told nothing: another's lease may have run out by then. Undefined
   * where the engine tells of that too.
   */
  readonly retryAt?: MonotonicMs | undefined;
}

/**
 * A lease that was taken. The token is what Chubby calls a sequencer, and the time until it may be used its lock-delay.
 * (Burrows, "The Chubby lock service for loosely-coupled distributed systems", OSDI 2006, section 2.4.)
 */
export interface LeaseHold {
  /** Greater than that of any holder before, also when an operator has deleted all there was in between. */
  readonly token: bigint;
  /** When the request by which it was taken was sent. */
  readonly sentAt: MonotonicMs;
  /**
   * From when on it may be used: until then whoever had it before, and was not seen to give it back, may still take it to
   * be its own. Often past already.
   */
  readonly usableFrom: MonotonicMs;
  /**
   * Keeps it for another `ttlMs` from when the request was sent, which is what this resolves with.
   * @throws ClusterError `NOT_FOUND` when the engine says that it is over. Anything else means that nobody knows: it is
   * tried again while it can still be held
   */
  renew(options: CallOptions): Promise<MonotonicMs>;
  /**
   * Gives it back such that the next one may use it at once. Where that fails it runs out. Called when no grant rests on
   * it any more, and never before `usableFrom`; also when it seems to have been lost, so that it may only touch what is
   * this hold's own. Idempotent.
   */
  release(options: CallOptions): Promise<void>;
}

/**
 * One lease of an engine, as one holder sees it. It decides nothing by itself: when to ask, to renew and to step down is
 * up to who uses it. Every call settles soon after its signal has aborted. Those who use it make one call at a time, but
 * for renewals and `follow`, which go on beside others.
 */
export interface LeaseStore extends AsyncDisposable {
  /**
   * Tells what the engine says, at once and after each change, until the signal aborts; what `tell` gets with `read`,
   * `write` and `permit` has no holder: it only says that something has changed. A connection on which nothing comes may
   * be dead: that it is alive is for the store to see to.
   * @throws ClusterError when the engine can't be reached: what was told may have changed since
   */
  follow(tell: (view: LeaseView) => void, options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Asks for it once, keeping the place in the queue that an earlier call has got, where the engine has one. After a hold
   * of this store has been given up, another one has a greater token: what is left of the former is taken away first.
   * @throws ClusterError when nobody knows whether it was taken, too: the next call finds out
   */
  acquire(options: CallOptions): Promise<LeaseHold | LeaseRefusal>;
  /**
   * Gives up the place, and what `acquire` may have taken without saying so; of that, what may not be used yet is left to
   * run out, as whoever got it next would use it at once. Idempotent.
   */
  withdraw(options: CallOptions): Promise<void>;
}

/** An engine with leases. */
export interface LeaseEngine extends AsyncDisposable {
  readonly supports: { readonly fair: boolean; readonly shared: boolean; readonly semaphore: boolean };
  open(request: LeaseRequest): LeaseStore;
}

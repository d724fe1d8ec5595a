import {
  Broadcast,
  type CallOptions,
  checkOptions,
  type ClusterContext,
  ClusterError,
  Grant,
  invalidOption,
  type LeaderElection,
  type LeaderInfo,
  type Leadership,
  type Plugin,
  rule,
  settleWithin,
  throwIfAborted,
  type Timer,
  toClusterError,
  withDeadline,
} from '@quorate/core';

import type { Lease, LeaseStore } from './lease-store.ts';

export interface LeaseElectionOptions {
  readonly store: LeaseStore;
  /**
   * For how long a lease is taken. A leader that dies is missed for about so long.
   * @default 3000
   */
  readonly ttlMs?: number;
}

/** Elects whoever holds a lease in a store. */
export function leaseElection(options: LeaseElectionOptions): Plugin<LeaderElection, 'election'> {
  const { store, ttlMs = 3000 } = checkOptions<LeaseElectionOptions>('leaseElection', rules, options);
  if (store === undefined) throw invalidOption('leaseElection', 'store', rules.store.expected, store);
  return {
    name: 'election-lease',
    kind: 'election',
    requires: [],
    create: (context) => new LeaseElection(context, store, ttlMs),
  };
}

const rules = {
  store: rule.value<LeaseStore>('a lease store', (value) => typeof value === 'object' && value !== null),
  ttlMs: rule.duration({ min: 100, max: 3_600_000 }),
};
/** By how much of the time to live the clocks of this machine and of the store may differ. */
const DRIFT = 0.02;

interface Candidacy {
  readonly resolve: (leadership: Leadership) => void;
  readonly reject: (error: ClusterError) => void;
}

class LeaseElection implements LeaderElection {
  readonly supports = { transfer: false };
  readonly #context: ClusterContext;
  readonly #store: LeaseStore;
  readonly #ttlMs: number;
  /** Another run of this node is another holder: it must not take the lease of the former one for its own. */
  readonly #holder: string;
  readonly #closing = new AbortController();
  readonly #candidacies = new Set<Candidacy>();
  readonly #leaders = new Broadcast<LeaderInfo | undefined>(1);
  #leader: LeaderInfo | undefined;
  #grant: Grant | undefined;
  /** Of the last grant: the store may still know its lease when it has ended here. */
  #spent = -1n;
  #timer: Timer | undefined;
  #asking = false;

  constructor(context: ClusterContext, store: LeaseStore, ttlMs: number) {
    this.#context = context;
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#holder = `${context.self.id}/${context.incarnation}`;
  }

  get leader(): LeaderInfo | undefined {
    return this.#leader;
  }

  get leadership(): Leadership | undefined {
    return this.#grant?.isValid() === true ? this.#grant : undefined;
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'start');
    this.#askIn(0);
  }

  async campaign(options: CallOptions = {}): Promise<Leadership> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'campaign');
    if (this.leadership !== undefined) return this.leadership;
    return await settleWithin<Leadership>(options.signal, 'campaign', (resolve, reject) => {
      const candidacy = { resolve, reject };
      this.#candidacies.add(candidacy);
      this.#askIn(0);
      return () => this.#candidacies.delete(candidacy);
    });
  }

  async resign(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'resign');
    for (const { reject } of this.#candidacies) reject(new ClusterError('ABORTED', 'campaign: resigned'));
    if (this.#grant === undefined) return;
    this.#grant.end(new ClusterError('NOT_LEADER', 'resigned'));
    await this.#release();
  }

  async transfer(_to: string, options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'transfer');
    throw new ClusterError('UNSUPPORTED', 'a lease goes to whoever takes it first');
  }

  watch(options: CallOptions = {}): AsyncIterable<LeaderInfo | undefined> {
    return this.#leaders.watch(options, [this.#leader]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const closed = new ClusterError('CLOSED', 'the election was disposed');
    this.#closing.abort(closed);
    this.#timer?.cancel();
    for (const { reject } of this.#candidacies) reject(closed);
    this.#leaders[Symbol.dispose]();
    const led = this.#grant !== undefined;
    this.#grant?.end(closed);
    if (led) await this.#release();
  }

  /** There is one timer, and one question at a time. */
  #askIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#asking || this.#closing.signal.aborted) return;
    this.#timer = this.#context.clock.setTimer(delayMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      await withDeadline(this.#context.clock, this.#ttlMs, 'the lease store', (signal) => this.#askStore(signal), {
        signal: this.#closing.signal,
      });
    } catch (error) {
      const failure = toClusterError(error, 'IO', 'the lease store failed');
      if (!this.#closing.signal.aborted) this.#context.logger.warn('the lease is not known', failure);
    } finally {
      this.#asking = false;
      this.#askIn(this.#ttlMs / 4);
    }
  }

  async #askStore(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    // The lease began after this moment, whenever the answer comes.
    const deadline = clock.now() + this.#ttlMs * (1 - DRIFT);
    const lease = this.#stands
      ? await this.#store.acquire(this.#holder, this.#ttlMs, { signal })
      : await this.#store.read({ signal });
    if (signal.aborted) return;
    if (lease?.holder === this.#holder) await this.#hold(lease, deadline);
    else this.#grant?.end(new ClusterError('NOT_LEADER', 'the lease is gone'));
    this.#observe(lease?.holder === this.#holder && this.#grant === undefined ? undefined : lease);
  }

  get #stands(): boolean {
    return this.#candidacies.size > 0 || this.#grant !== undefined;
  }

  /** The store says that the lease is this node's. Whether it is still wanted is asked now, after the wait. */
  async #hold(lease: Lease, deadline: number): Promise<void> {
    if (this.#grant?.token === lease.token && this.#grant.renew(deadline)) return;
    const { self, clock } = this.#context;
    const late = clock.now() >= deadline;
    if (this.#candidacies.size === 0 || late || lease.token <= this.#spent) return await this.#release();
    this.#spent = lease.token;
    const grant = new Grant(clock, { nodeId: self.id, token: lease.token, deadline }, (reason) => this.#ended(reason));
    this.#grant = grant;
    for (const { resolve } of this.#candidacies) resolve(grant);
  }

  #ended(reason: ClusterError): void {
    this.#context.logger.info(`no longer leader: ${reason.message}`);
    this.#grant = undefined;
    this.#observe(undefined);
  }

  /** What is not released ends by itself. */
  async #release(): Promise<void> {
    try {
      await withDeadline(this.#context.clock, this.#ttlMs, 'release of the lease', (signal) =>
        this.#store.release(this.#holder, { signal }),
      );
    } catch (error) {
      this.#context.logger.warn('the lease was not released', error);
    }
  }

  #observe(lease: Lease | undefined): void {
    if (lease?.token === this.#leader?.token) return;
    const nodeId = lease?.holder.split('/')[0] ?? '';
    this.#leader = lease === undefined ? undefined : { nodeId, token: lease.token };
    this.#leaders.publish(this.#leader);
  }

  #throwIfClosed(): void {
    if (this.#closing.signal.aborted) throw new ClusterError('CLOSED', 'the election was disposed');
  }
}

import {
  BaseLocks,
  type ClusterContext,
  ClusterError,
  type HeldLock,
  isClusterError,
  type LockRequest,
  type Locks,
  type LockSupport,
  type Plugin,
  settleWithin,
  telemetryOf,
  withDeadline,
} from '@quorate/core';
import { type LeaseInstruments, leaseInstruments } from './lease-instruments.ts';
import { type KeeperEvents, LeaseKeeper } from './lease-keeper.ts';
import type { LeaseEngine } from './lease-store.ts';
import { leaseTimings } from './lease-timings.ts';
import { LeasedLock } from './leased-lock.ts';
import { LeaseOutage, Outage } from './outage.ts';

/** What locks over an engine's leases are made of. */
export interface LeasedLocksParts {
  /** Makes the engine, without I/O. The locks dispose of it. */
  readonly open: (context: ClusterContext) => LeaseEngine;
  /** What the lease of a lock is called in the engine: another for each name, the same on every node of the cluster. */
  readonly leaseName: (context: ClusterContext, lock: string) => string;
  /** The shortest time for which the engine keeps a lease; who asks for less gets this. */
  readonly minTtlMs: number;
  /** How many locks this node may hold and wait for at one time. More are refused with `OVERLOADED`. */
  readonly maxLocks: number;
}

/** How long the engine may take to let go of its connections. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Locks each of which is a lease of the engine.
 * @param name as the package is called, for messages: `lock-etcd`
 */
export function leasedLocks(name: string, parts: LeasedLocksParts): Plugin<Locks, 'locks'> {
  return { name, kind: 'locks', requires: [], create: (context) => new LeasedLocks(name, context, parts) };
}

class LeasedLocks extends BaseLocks {
  readonly supports: LockSupport;
  readonly #name: string;
  readonly #context: ClusterContext;
  readonly #parts: LeasedLocksParts;
  readonly #engine: LeaseEngine;
  readonly #outage: Outage;
  readonly #instruments: LeaseInstruments;
  /** Of all locks that are held, waited for, or being given back. */
  readonly #keepers = new Set<LeaseKeeper>();
  #claims = 0;

  constructor(name: string, context: ClusterContext, parts: LeasedLocksParts) {
    super(name, context.clock, telemetryOf(context));
    this.#name = name;
    this.#context = context;
    this.#parts = parts;
    this.#engine = parts.open(context);
    this.supports = this.#engine.supports;
    this.#outage = new Outage(context.logger, name);
    this.#instruments = leaseInstruments(telemetryOf(context), name);
  }

  protected async open(): Promise<void> {}

  protected async acquire(
    request: LockRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<HeldLock | undefined> {
    const { maxLocks } = this.#parts;
    if (this.#keepers.size >= maxLocks) {
      throw new ClusterError('OVERLOADED', `${this.#name}: ${maxLocks} locks are held or waited for on this node`);
    }
    return await settleWithin<HeldLock | undefined>(
      signal,
      `${this.#name}: wait for ${request.name}`,
      (resolve, reject) => {
        const keeper = this.#keeper(request, {
          began: (grant) => resolve(new LeasedLock(grant, keeper)),
          ended: () => this.#retire(keeper),
          refused: () => {
            if (!request.waits) resolve(undefined);
          },
          failed: (error) => {
            // Asked once, or in vain however often it is asked.
            if (!request.waits || isClusterError(error, 'INVALID_OPTIONS') || isClusterError(error, 'UNSUPPORTED'))
              reject(error);
          },
          observed: () => undefined,
        });
        keeper.stand();
        return () => {
          if (keeper.grant === undefined) this.#retire(keeper);
        };
      },
    );
  }

  protected async close(released: Promise<unknown>): Promise<void> {
    await released;
    await Promise.all([...this.#keepers].map(async (keeper) => keeper[Symbol.asyncDispose]()));
    const dispose = async (): Promise<void> => this.#engine[Symbol.asyncDispose]();
    await withDeadline(this.#context.clock, CLOSE_TIMEOUT_MS, 'close', dispose).catch((error: unknown) =>
      this.#context.logger.warn(`${this.#name}: the engine was not closed: ${String(error)}`),
    );
  }

  #keeper({ name, share, ttlMs }: LockRequest, events: KeeperEvents): LeaseKeeper {
    const { clock, random, logger, self, incarnation } = this.#context;
    const timings = leaseTimings(this.#name, { ttlMs: Math.max(ttlMs, this.#parts.minTtlMs) });
    const identity = { nodeId: self.id, incarnation, claim: (this.#claims += 1) };
    const lease = this.#parts.leaseName(this.#context, name);
    const store = this.#engine.open({ name: lease, identity, ttlMs: timings.ttlMs, share });
    const outage = new LeaseOutage(this.#outage);
    const machine = { clock, random, logger, nodeId: self.id, timings, outage, instruments: this.#instruments };
    const keeper = new LeaseKeeper(machine, store, { exclusive: share.kind === 'exclusive' }, events);
    this.#keepers.add(keeper);
    return keeper;
  }

  #retire(keeper: LeaseKeeper): void {
    keeper.withdraw(new ClusterError('ABORTED', 'nobody waits for it any more'));
    void keeper
      .settled()
      .catch(() => undefined)
      .then(async () => keeper[Symbol.asyncDispose]())
      .finally(() => this.#keepers.delete(keeper));
  }
}

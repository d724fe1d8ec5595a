import {
  Broadcast,
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type Grant,
  isClusterError,
  type LeaderElection,
  type LeaderInfo,
  type Leadership,
  type NodeId,
  type Plugin,
  settleWithin,
  telemetryOf,
  throwIfAborted,
  withDeadline,
} from '@quorate/core';
import { leaseInstruments } from './lease-instruments.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { LeaseEngine, LeaseView } from './lease-store.ts';
import type { LeaseTimings } from './lease-timings.ts';
import { LeaseOutage, Outage } from './outage.ts';

/** What an election over an engine's lease is made of. */
export interface LeasedElectionParts {
  /** Makes the engine, without I/O. The election disposes of it. */
  readonly open: (context: ClusterContext) => LeaseEngine;
  /** What the lease is called in the engine: the same on every node of the cluster. */
  readonly leaseName: (context: ClusterContext) => string;
  /** From `leaseTimings`. */
  readonly timings: LeaseTimings;
}

interface Campaigner {
  resolve(leadership: Leadership): void;
  reject(error: ClusterError): void;
}

/**
 * An election whose leader is who holds a lease of the engine.
 * @param name as the package is called, for messages: `election-etcd`
 */
export function leasedElection(name: string, parts: LeasedElectionParts): Plugin<LeaderElection, 'election'> {
  return { name, kind: 'election', requires: [], create: (context) => new LeasedElection(name, context, parts) };
}

class LeasedElection implements LeaderElection {
  readonly supports = { transfer: false } as const;
  readonly #name: string;
  readonly #context: ClusterContext;
  readonly #parts: LeasedElectionParts;
  readonly #engine: LeaseEngine;
  readonly #leaders = new Broadcast<LeaderInfo | undefined>(1);
  readonly #campaigners = new Set<Campaigner>();
  /** Undefined until started. */
  #keeper: LeaseKeeper | undefined;
  /** What the engine has told last. */
  #view: LeaseView | undefined;
  #leader: LeaderInfo | undefined;
  #disposing: Promise<void> | undefined;

  constructor(name: string, context: ClusterContext, parts: LeasedElectionParts) {
    this.#name = name;
    this.#context = context;
    this.#parts = parts;
    this.#engine = parts.open(context);
  }

  get leader(): LeaderInfo | undefined {
    return this.#leader;
  }

  get leadership(): Leadership | undefined {
    return this.#keeper?.grant;
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'start');
    const { clock, random, logger, self, incarnation } = this.#context;
    const { timings } = this.#parts;
    const identity = { nodeId: self.id, incarnation, claim: 0 };
    const name = this.#parts.leaseName(this.#context);
    const store = this.#engine.open({ name, identity, ttlMs: timings.ttlMs, share: { kind: 'exclusive' } });
    const outage = new LeaseOutage(new Outage(logger, this.#name));
    const instruments = leaseInstruments(telemetryOf(this.#context), this.#name);
    const machine = { clock, random, logger, nodeId: self.id, timings, outage, instruments };
    this.#keeper = new LeaseKeeper(
      machine,
      store,
      { exclusive: true },
      {
        began: (grant) => this.#began(grant),
        ended: (reason) => this.#ended(reason),
        refused: () => undefined,
        failed: () => undefined,
        observed: (view) => this.#observed(view),
      },
    );
    this.#keeper.follow();
  }

  async campaign(options: CallOptions = {}): Promise<Leadership> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'campaign');
    const keeper = this.#started();
    if (keeper.grant?.isValid() === true) return keeper.grant;
    return settleWithin<Leadership>(options.signal, 'campaign', (resolve, reject) => {
      const campaigner = { resolve, reject };
      this.#campaigners.add(campaigner);
      keeper.stand();
      return () => {
        this.#campaigners.delete(campaigner);
        if (keeper.grant === undefined) this.#withdrawIfNobodyCampaigns();
      };
    });
  }

  async resign(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'resign');
    const keeper = this.#started();
    const reason = new ClusterError('ABORTED', 'campaign: resigned');
    for (const campaigner of this.#campaigners) campaigner.reject(reason);
    this.#campaigners.clear();
    keeper.withdraw(new ClusterError('NOT_LEADER', 'the leader resigned'));
    try {
      await keeper.settled(options);
    } catch (error) {
      this.#throwIfClosed();
      if (isClusterError(error, 'ABORTED')) throw error;
      // The engine can't be told now, or it isn't needed any more: the lease runs out.
      this.#context.logger.warn(`${this.#name}: resign: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#throwIfClosed();
  }

  async transfer(_to: NodeId, options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'transfer');
    throw new ClusterError('UNSUPPORTED', `${this.#name}: the engine decides who comes next; resign instead`);
  }

  watch(options: CallOptions = {}): AsyncIterable<LeaderInfo | undefined> {
    return this.#leaders.watch(options, [this.#leader]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    const reason = new ClusterError('CLOSED', `${this.#name}: disposed`);
    // The grant ends before anything else is done.
    const given = this.#keeper?.[Symbol.asyncDispose]();
    for (const campaigner of this.#campaigners) campaigner.reject(reason);
    this.#campaigners.clear();
    this.#leader = undefined;
    this.#leaders[Symbol.dispose]();
    await given;
    const { clock, logger } = this.#context;
    await withDeadline(clock, this.#parts.timings.callTimeoutMs, 'dispose', async () => {
      await this.#engine[Symbol.asyncDispose]();
    }).catch((error: unknown) => logger.warn(`${this.#name}: the engine was not closed: ${String(error)}`));
  }

  #began(grant: Grant): void {
    this.#context.logger.info(`${this.#name}: granted, token ${grant.token}`);
    this.#show();
    const waiting = [...this.#campaigners];
    this.#campaigners.clear();
    for (const campaigner of waiting) campaigner.resolve(grant);
  }

  #ended(reason: ClusterError): void {
    this.#context.logger.info(`${this.#name}: granted no longer: ${reason.message}`);
    this.#show();
    this.#withdrawIfNobodyCampaigns();
  }

  #withdrawIfNobodyCampaigns(): void {
    if (this.#campaigners.size > 0) return;
    this.#keeper?.withdraw(new ClusterError('ABORTED', 'nobody campaigns any more'));
  }

  #observed(view: LeaseView): void {
    this.#view = view;
    this.#show();
  }

  /** Whoever holds the lease by the engine; of this node, which knows better, its grant. */
  #show(): void {
    if (this.#disposing !== undefined) return;
    const grant = this.#keeper?.grant;
    const holder = this.#view?.holder;
    // The engine may tell of this node's hold before it answers the node that asked for it, and keeps that of its last run.
    const isOwn = holder?.nodeId === this.#context.self.id;
    const seen = isOwn || holder === undefined ? undefined : { nodeId: holder.nodeId, token: holder.token };
    const leader = grant === undefined ? seen : { nodeId: grant.nodeId, token: grant.token };
    if (leader?.nodeId === this.#leader?.nodeId && leader?.token === this.#leader?.token) return;
    this.#leader = leader;
    this.#leaders.publish(leader);
  }

  #started(): LeaseKeeper {
    if (this.#keeper === undefined) throw new ClusterError('CLOSED', `${this.#name} is not started`);
    return this.#keeper;
  }

  #throwIfClosed(): void {
    if (this.#disposing !== undefined) throw new ClusterError('CLOSED', `${this.#name} is disposed`);
  }
}

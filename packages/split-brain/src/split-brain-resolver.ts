import {
  Broadcast,
  type CallOptions,
  type Cluster,
  ClusterError,
  isClusterError,
  type Logger,
  type Member,
  type MembershipChange,
  type MembershipView,
  messageKind,
  type NodeId,
  type Timer,
} from '@quorate/core';

import { decodeRemoval, encodeRemoval } from './messages.ts';
import {
  type SettledOptions,
  settleOptions,
  type SplitBrainDecision,
  type SplitBrainResolverOptions,
} from './options.ts';
import { RemovedRuns } from './removed-runs.ts';
import { type Situation, situationOf, textOf } from './situation.ts';
import { StabilityMargin } from './stability.ts';
import type { Arbiter, ArbitratedCluster, DownReason, Objection, Verdict } from './strategy.ts';

/** What the resolver needs of a cluster that runs. */
export type ResolvedCluster = ArbitratedCluster & Pick<Cluster, 'membership' | 'stop'>;

/** Watches who is unreachable, and says which side goes on. */
export interface SplitBrainResolver extends AsyncDisposable {
  /** The nodes that were removed and have neither been started again nor been forgotten, with the incarnation that was meant. */
  readonly removed: ReadonlyMap<NodeId, number>;
  /** Decisions from the call on; at most 64 unread, then the oldest are dropped. It ends after `down`. */
  decisions(options?: CallOptions): AsyncIterable<SplitBrainDecision>;
}

const MAX_UNREAD_DECISIONS = 64;
const MAX_LOOK_EVERY_MS = 1_000;
/** How often it is looked within the margin. */
const LOOKS = 10;
/** What a look may be late by at least before that counts as having stood still: busy machines are late by some of it. */
const MIN_PAUSE_MS = 100;

/**
 * Decides what becomes of a cluster whose nodes don't reach each other: for parts that need an owner to be gone for good
 * before they give to another what it had. A cluster has none unless a program makes one, on each of its nodes, with the same
 * options, once `start` has resolved. It ends with the membership.
 * @throws ClusterError `INVALID_OPTIONS`, also when the membership doesn't tell what the strategy needs
 */
export function splitBrainResolver(cluster: ResolvedCluster, options: SplitBrainResolverOptions): SplitBrainResolver {
  return new Resolver(cluster, settleOptions(options));
}

class Resolver implements SplitBrainResolver {
  readonly #cluster: ResolvedCluster;
  readonly #options: SettledOptions;
  readonly #logger: Logger;
  readonly #clock: ResolvedCluster['system']['clock'];
  readonly #lookEveryMs: number;
  readonly #margin: StabilityMargin;
  readonly #arbiter: Arbiter | undefined;
  readonly #decisions = new Broadcast<SplitBrainDecision>(MAX_UNREAD_DECISIONS);
  readonly #closed = new AbortController();
  readonly #removed = new RemovedRuns();
  readonly #listening: Disposable;
  #timer: Timer | undefined;
  #lookedAt: number;
  /** As of the last look. */
  #view: MembershipView;
  /** Of `#view` and `#removed`. */
  #situation: Situation;
  /** Of who was there, and how, at the last look. */
  #seen = '';
  /** The arbitration that is under way; aborts when the situation is another one. */
  #arbitration: AbortController | undefined;
  #objected: string | undefined;

  constructor(cluster: ResolvedCluster, options: SettledOptions) {
    const { system, membership } = cluster;
    this.#cluster = cluster;
    this.#options = options;
    this.#logger = system.logger;
    this.#clock = system.clock;
    this.#lookEveryMs = Math.min(options.stableAfterMs / LOOKS, MAX_LOOK_EVERY_MS);
    this.#margin = new StabilityMargin(options);
    this.#view = membership.view;
    this.#situation = this.#situate();
    const objection = this.#objection();
    if (objection?.isFatal === true) {
      throw new ClusterError('INVALID_OPTIONS', `splitBrainResolver: ${options.strategy.name}: ${objection.what}`);
    }
    this.#listening = listen(cluster, (from, payload) => this.#heard(from, payload));
    this.#arbiter = options.strategy.arbiter?.(cluster);
    this.#lookedAt = this.#clock.now();
    void this.#follow(membership.watch({ signal: this.#closed.signal }));
    this.#arm();
  }

  get removed(): ReadonlyMap<NodeId, number> {
    return this.#removed.known;
  }

  decisions(options: CallOptions = {}): AsyncIterable<SplitBrainDecision> {
    return this.#decisions.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#arbiter?.[Symbol.asyncDispose]();
  }

  #end(): void {
    this.#closed.abort();
    this.#listening[Symbol.dispose]();
    this.#timer?.cancel();
    this.#arbitration?.abort();
    this.#decisions[Symbol.dispose]();
  }

  /** Between two looks a state may come and go. */
  async #follow(changes: AsyncIterable<MembershipChange>): Promise<void> {
    for await (const { type } of changes) if (type !== 'updated') this.#changed();
    // The membership is over, and so is this.
    await this[Symbol.asyncDispose]();
  }

  #changed(): void {
    this.#margin.changed(this.#clock.now());
    this.#arbitration?.abort();
    this.#arbitration = undefined;
    this.#arbiter?.reset();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#lookEveryMs, () => this.#look());
  }

  #look(): void {
    const now = this.#clock.now();
    this.#arm();
    // What happened meanwhile is yet to be read.
    if (now - this.#lookedAt > Math.max(2 * this.#lookEveryMs, MIN_PAUSE_MS)) this.#margin.paused(now);
    this.#lookedAt = now;
    const { view } = this.#cluster.membership;
    try {
      if (view !== this.#view) this.#read(view);
      this.#expel();
      this.#judge(now);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** A strategy may be anybody's. Where it can't say what becomes of this side, the other one may go on. */
  #failed(error: unknown): void {
    this.#logger.error(`split-brain: ${this.#options.strategy.name} failed: ${String(error)}`, error);
    void this.#down('strategy_failed');
  }

  #read(view: MembershipView): void {
    this.#view = view;
    this.#removed.see(view);
    this.#situation = this.#situate();
    const seen = stateText(view);
    if (seen !== this.#seen) this.#changed();
    this.#seen = seen;
    const objection = this.#objection()?.what;
    if (objection !== undefined && objection !== this.#objected) {
      this.#logger.warn(`split-brain: ${this.#options.strategy.name}: ${objection}`);
    }
    this.#objected = objection;
  }

  #judge(now: number): void {
    const { reachable, unreachable } = this.#situation;
    const split = unreachable.length > 0;
    const settled = reachable.every(({ state }) => state === 'alive');
    const stability = this.#margin.judge(now, { split, settled });
    if (stability === 'calm' && this.#removed.known.size === 0) this.#arbiter?.healed();
    if (stability === 'unstable') void this.#down('unstable');
    else if (stability === 'stable' && this.#arbitration === undefined) this.#decide(this.#situation);
  }

  #decide(situation: Situation): void {
    const verdict = checkVerdict(this.#options.strategy.decide(situation), ['survive', 'down', 'arbitrate']);
    if (verdict.type === 'arbitrate') void this.#arbitrate(situation, verdict.waitMs);
    else this.#conclude(situation, verdict);
  }

  async #arbitrate(situation: Situation, waitMs: number): Promise<void> {
    const arbitration = new AbortController();
    this.#arbitration = arbitration;
    const { signal } = arbitration;
    try {
      if (this.#arbiter === undefined) throw new ClusterError('UNSUPPORTED', 'the strategy has nobody who arbitrates');
      const verdict = await this.#arbiter.arbitrate(situation, waitMs, { signal });
      if (!signal.aborted) this.#conclude(situation, checkVerdict(verdict, ['survive', 'down']));
    } catch (error) {
      if (signal.aborted || isClusterError(error, 'ABORTED')) return;
      this.#failed(error);
    }
  }

  #conclude({ unreachable }: Situation, verdict: Verdict): void {
    if (this.#closed.signal.aborted || verdict.type === 'arbitrate') return;
    if (verdict.type === 'down') {
      void this.#down(verdict.reason);
      return;
    }
    for (const { node, incarnation } of unreachable) this.#removed.add(node.id, incarnation);
    this.#situation = this.#situate();
    this.#arbitration = undefined;
    const nodes = unreachable.map(({ node }) => node);
    this.#logger.warn(`split-brain: ${this.#options.strategy.name}: removed ${nodes.map(({ id }) => id).join(', ')}`);
    void this.#publish({ type: 'remove', nodes });
  }

  async #down(reason: DownReason): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const { strategy, onDown = 'stop' } = this.#options;
    this.#logger.error(`split-brain: ${strategy.name}: this node goes down: ${reason}`);
    const told = this.#publish({ type: 'down', reason });
    this.#end();
    await told;
    if (onDown === 'stop') await this.#cluster.stop();
  }

  async #publish(decision: SplitBrainDecision): Promise<void> {
    this.#decisions.publish(decision);
    try {
      await this.#options.onDecision?.(decision);
    } catch (error) {
      this.#logger.error(`split-brain: onDecision threw: ${String(error)}`, error);
    }
  }

  #heard(from: NodeId, payload: Uint8Array): void {
    const { self } = this.#cluster;
    const own = this.#view.members.get(self.id);
    if (own !== undefined && decodeRemoval(payload) === own.incarnation) void this.#down('removed');
    else this.#arbiter?.heard(from, payload);
  }

  /** What they had may belong to others by now. Again and again: it may be sent in vain, and nobody answers. */
  #expel(): void {
    for (const [id, incarnation] of this.#removed.returned) {
      const isSent = this.#cluster.transport.send(id, messageKind.SPLIT_BRAIN, encodeRemoval(incarnation));
      this.#logger.debug(`split-brain: ${id} was removed, is back, and is told${isSent ? '' : ' in vain'}`);
    }
  }

  #situate(): Situation {
    return situationOf(this.#view, this.#cluster.self.id, this.#removed.known);
  }

  #objection(): Objection | undefined {
    const { reachable, unreachable } = this.#situation;
    return this.#options.strategy.objection?.([...reachable, ...unreachable]);
  }
}

function stateText(view: MembershipView): string {
  const { reachable, unreachable } = situationOf(view, '');
  const suspects = reachable.filter(({ state }: Member) => state === 'suspect');
  return `${textOf({ self: '', reachable, unreachable })}|${suspects.map(({ node }) => node.id).join()}`;
}

/** One resolver a cluster: what it says to others is said once, and heard once. */
function listen({ transport }: ResolvedCluster, heard: (from: NodeId, payload: Uint8Array) => void): Disposable {
  try {
    return transport.onMessage(messageKind.SPLIT_BRAIN, heard);
  } catch (error) {
    if (!isClusterError(error, 'INVALID_OPTIONS')) throw error;
    const message = 'splitBrainResolver: this cluster has a resolver already, which has to be disposed of first';
    throw new ClusterError('INVALID_OPTIONS', message, { cause: error });
  }
}

/** Whatever the types say: only what is said to survive does. */
function checkVerdict(verdict: Verdict | undefined, types: readonly Verdict['type'][]): Verdict {
  if (verdict !== undefined && types.includes(verdict.type)) return verdict;
  throw new ClusterError('PROTOCOL', `a verdict is of the type ${types.join(' or ')}, not ${String(verdict?.type)}`);
}

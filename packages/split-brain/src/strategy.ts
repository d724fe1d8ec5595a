import type { Cluster, Member, NodeId } from '@quorate/core';

import type { Situation } from './situation.ts';

/** Why a node is to go down. */
export type DownReason =
  /** Its side has no majority. */
  | 'minority'
  /** Its side has fewer nodes than the quorum. */
  | 'below_quorum'
  /** There are so many nodes that two sides could have the quorum. */
  | 'quorum_too_small'
  /** The oldest node is on another side. */
  | 'without_oldest'
  /** It is the oldest, and alone. */
  | 'oldest_alone'
  /** The membership doesn't tell in which order nodes joined. */
  | 'no_join_order'
  /** Another side got the lease. */
  | 'lease_lost'
  /** The engine that keeps the lease could not be asked. */
  | 'lease_unavailable'
  /** It threw, or said what is no verdict. */
  | 'strategy_failed'
  /** Nobody of its side told whether it got the lease. */
  | 'no_verdict'
  /** Whoever sees a partition goes down. */
  | 'down_all'
  /** Who is reachable kept changing for too long. */
  | 'unstable'
  /** It was removed by others while they could not reach it, and has met them again before it went down. */
  | 'removed';

/** What is to become of the side that a node is on. */
export type Verdict =
  | { readonly type: 'survive' }
  | { readonly type: 'down'; readonly reason: DownReason }
  /** The view alone doesn't say: who gets what only one can have survives. */
  | { readonly type: 'arbitrate'; readonly waitMs: number };

/** Decides which side of a partition goes on. The same situation gives the same verdict: there is no clock and no chance in it. */
export interface SplitBrainStrategy {
  /** As its factory is called, for messages: `keepMajority`. */
  readonly name: string;
  /** Called with at least one unreachable member. */
  decide(situation: Situation): Verdict;
  /** What is wrong with this cluster before anything has happened; undefined when nothing is. */
  objection?(members: readonly Member[]): Objection | undefined;
  /** Makes who arbitrates, where `decide` asks for that. */
  arbiter?(cluster: ArbitratedCluster): Arbiter;
}

/** Why a strategy doesn't suit a cluster. */
export interface Objection {
  /** As a sentence. */
  readonly what: string;
  /** Whether no resolver is made for such a cluster; otherwise it is logged. */
  readonly isFatal: boolean;
}

/** What an arbiter needs of its cluster. */
export type ArbitratedCluster = Pick<Cluster, 'self' | 'system' | 'transport'>;

/** Decides between sides that can't see each other. */
export interface Arbiter extends AsyncDisposable {
  /** Resolves to `survive` or `down`. Rejects when the signal aborts: then the situation is another one. */
  arbitrate(situation: Situation, waitMs: number, options: { readonly signal: AbortSignal }): Promise<Verdict>;
  /** What a node has sent as kind `SPLIT_BRAIN`. Anybody may have written it. */
  heard(from: NodeId, payload: Uint8Array): void;
  /** Another situation begins: what was said of one before doesn't count. */
  reset(): void;
  /** All who were removed have come back, or are forgotten: nobody is kept out any more. */
  healed(): void;
}

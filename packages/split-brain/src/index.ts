/**
 * @packageDocumentation
 *
 * Which side of a partition goes on. A cluster does nothing of this by itself: a program makes a resolver where it needs one.
 */
export { downAll } from './down-all.ts';
export { keepMajority, type KeepMajorityOptions } from './keep-majority.ts';
export { keepOldest, type KeepOldestOptions } from './keep-oldest.ts';
export { leaseMajority, type LeaseMajorityOptions } from './lease-majority.ts';
export type { SplitBrainDecision, SplitBrainResolverOptions } from './options.ts';
export { type Situation, situationOf } from './situation.ts';
export { type ResolvedCluster, splitBrainResolver, type SplitBrainResolver } from './split-brain-resolver.ts';
export { staticQuorum, type StaticQuorumOptions } from './static-quorum.ts';
export type { Arbiter, ArbitratedCluster, DownReason, Objection, SplitBrainStrategy, Verdict } from './strategy.ts';

import { checkOptions, ClusterError, type ClusterNode, type OptionRules, rule } from '@quorate/core';
import type { DownReason, SplitBrainStrategy } from './strategy.ts';

/** What became of a situation. There is one for each. */
export type SplitBrainDecision =
  /** This side goes on, and these nodes are not part of the cluster any more: what they owned may be given to others. */
  | { readonly type: 'remove'; readonly nodes: readonly ClusterNode[] }
  /** This node must not go on. It is the last decision. */
  | { readonly type: 'down'; readonly reason: DownReason };

/** What `splitBrainResolver` is told. */
export interface SplitBrainResolverOptions {
  /** Which side goes on; the same on all nodes. */
  readonly strategy: SplitBrainStrategy;
  /**
   * What is done when this node has to go down: the cluster is stopped, or it is told, and nothing is done.
   * @default 'stop'
   */
  readonly onDown?: 'stop' | 'report';
  /**
   * How long all members must have stayed as they are, with none suspect, before anything is decided; the same on all nodes.
   * @default 20000
   */
  readonly stableAfterMs?: number;
  /**
   * How long members may go on changing while some are unreachable; then this node goes down whatever the strategy says.
   * `Infinity`: for ever.
   * @default four times `stableAfterMs`
   */
  readonly downAllWhenUnstableMs?: number;
  /** Told of each decision, before the cluster is stopped, which waits for it. What it throws is logged. */
  readonly onDecision?: (decision: SplitBrainDecision) => unknown;
}

/** With the times that were left out. */
export type SettledOptions = SplitBrainResolverOptions &
  Required<Pick<SplitBrainResolverOptions, 'stableAfterMs' | 'downAllWhenUnstableMs'>>;

const DAY_MS = 86_400_000;

const rules: OptionRules<SplitBrainResolverOptions> = {
  strategy: rule.value<SplitBrainStrategy>('a strategy, as keepMajority() makes one', isStrategy),
  onDown: rule.oneOf('stop', 'report'),
  stableAfterMs: rule.duration({ min: 10, max: DAY_MS }),
  downAllWhenUnstableMs: rule.value<number>('a number of milliseconds from 10, or Infinity', (value) => {
    return typeof value === 'number' && value >= 10;
  }),
  onDecision: rule.value<(decision: SplitBrainDecision) => unknown>('a function', (it) => typeof it === 'function'),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function settleOptions(options: SplitBrainResolverOptions): SettledOptions {
  const checked = checkOptions<SplitBrainResolverOptions>('splitBrainResolver', rules, options);
  // Whatever the types say: a program in JavaScript may have left it out.
  const { strategy }: Partial<SplitBrainResolverOptions> = checked;
  if (strategy === undefined) throw new ClusterError('INVALID_OPTIONS', 'splitBrainResolver: there is no strategy');
  const { stableAfterMs = 20_000, downAllWhenUnstableMs = 4 * stableAfterMs } = checked;
  if (downAllWhenUnstableMs <= stableAfterMs) {
    throw new ClusterError('INVALID_OPTIONS', 'splitBrainResolver: downAllWhenUnstableMs must be above stableAfterMs');
  }
  return { ...checked, stableAfterMs, downAllWhenUnstableMs };
}

function isStrategy(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'decide' in value && typeof value.decide === 'function';
}

import { checkOptions, invalidOption, type OptionRules, rule } from '@quorate/core';

import type { Operation, SequentialModel } from './model.ts';
import { type DeadEnd, Search, type SearchResult } from './search.ts';

/** How long a history may be looked at. */
export interface LinearizabilityOptions {
  /**
   * The most configurations that are visited for one part of the object before the check gives up. Each takes some
   * hundred bytes.
   * @default 1000000
   */
  readonly maxConfigurations?: number;
}

/** Whether a history could have happened in one order, or that it took too long to tell. */
export type LinearizabilityVerdict<S, I, O> =
  | LinearizableHistory<I, O>
  | LinearizabilityViolation<S, I, O>
  | UndecidedHistory;

/** The history can be explained: all happened in one order, each operation at one moment between call and return. */
export interface LinearizableHistory<I, O> {
  readonly verdict: 'linearizable';
  /** Such an order for each part; unknown operations that nobody noticed are not in it. */
  readonly orders: ReadonlyMap<string, readonly Operation<I, O>[]>;
  readonly configurations: number;
}

/** No order explains the history of this part of the object. */
export interface LinearizabilityViolation<S, I, O> extends DeadEnd<S, I, O> {
  readonly verdict: 'not-linearizable';
  readonly partition: string;
  /** Those that overlap with the one that can't be placed, in the order of their calls. */
  readonly concurrent: readonly Operation<I, O>[];
  readonly configurations: number;
}

/** Nothing is wrong so far, but the check gave up. */
export interface UndecidedHistory {
  readonly verdict: 'undecided';
  /** The parts that it gave up. */
  readonly partitions: readonly string[];
  readonly configurations: number;
}

const rules: OptionRules<LinearizabilityOptions> = { maxConfigurations: rule.integer({ min: 1 }) };
const DEFAULT_MAX_CONFIGURATIONS = 1_000_000;

/**
 * Whether a concurrent history could have come from an object that does one operation after another, each at some moment
 * between its call and its return (Herlihy and Wing, "Linearizability", 1990). The verdict is sure, whatever the history;
 * the time that it takes grows with the operations that overlap, and may be exponential in them.
 * @throws ClusterError `INVALID_OPTIONS`, also for an operation that returned before its call
 */
export function checkLinearizable<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  options: LinearizabilityOptions = {},
): LinearizabilityVerdict<S, I, O> {
  const checked = checkOptions<LinearizabilityOptions>('checkLinearizable', rules, options);
  const { maxConfigurations = DEFAULT_MAX_CONFIGURATIONS } = checked;
  history.forEach(checkOperation);
  const orders = new Map<string, readonly Operation<I, O>[]>();
  const undecided: string[] = [];
  let configurations = 0;
  for (const [partition, part] of partitionsOf(model, history)) {
    const search = new Search(model, part);
    const result = search.run(maxConfigurations);
    configurations += search.configurations;
    if (result.verdict === 'not-linearizable') return violation(result, { partition, part, configurations });
    if (result.verdict === 'linearizable') orders.set(partition, result.order);
    else undecided.push(partition);
  }
  if (undecided.length > 0) return { verdict: 'undecided', partitions: undecided, configurations };
  return { verdict: 'linearizable', orders, configurations };
}

function checkOperation({ calledAt, returnedAt }: Operation<unknown, unknown>, at: number): void {
  if (Number.isFinite(calledAt) && calledAt <= returnedAt) return;
  const expected = 'called at a finite time and returned no earlier';
  throw invalidOption('checkLinearizable', `history[${at}]`, expected, `${calledAt} to ${returnedAt}`);
}

function partitionsOf<I, O>(
  { partition }: Pick<SequentialModel<unknown, I, O>, 'partition'>,
  history: readonly Operation<I, O>[],
): ReadonlyMap<string, readonly Operation<I, O>[]> {
  return Map.groupBy(history, ({ input }) => partition?.(input) ?? '');
}

interface Where<I, O> {
  readonly partition: string;
  readonly part: readonly Operation<I, O>[];
  readonly configurations: number;
}

function violation<S, I, O>(
  result: Extract<SearchResult<S, I, O>, { readonly verdict: 'not-linearizable' }>,
  { partition, part, configurations }: Where<I, O>,
): LinearizabilityViolation<S, I, O> {
  const { unplaced } = result;
  const concurrent = part
    .filter((operation) => operation !== unplaced && overlaps(operation, unplaced))
    .toSorted((a, b) => a.calledAt - b.calledAt);
  return { ...result, partition, concurrent, configurations };
}

function overlaps(a: Operation<unknown, unknown>, b: Operation<unknown, unknown>): boolean {
  return a.calledAt <= endOf(b) && b.calledAt <= endOf(a);
}

/** What is unknown may still be under way when its client has given it up. */
function endOf({ output, returnedAt }: Operation<unknown, unknown>): number {
  return output === 'unknown' ? Infinity : returnedAt;
}

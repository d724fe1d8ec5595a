import { isEqual } from '../expectations.ts';
import { EntryList } from './entry-list.ts';
import type { Operation, SequentialModel } from './model.ts';

/** A history, in the order in which the search goes through it. */
export class Timeline<I, O> {
  /** Those that returned, by the times of their calls. */
  readonly completed: readonly Operation<I, O>[];
  /** Those that may have taken effect or not, by the times of their calls; without reads, which explain nothing. */
  readonly pending: readonly Operation<I, O>[];
  readonly entries: EntryList;
  /** For each completed operation, how many pending ones were called no later than it returned. */
  readonly #pendingBefore: readonly number[];
  /** For each pending operation, the place of the last one before it with an equal input, or -1. */
  readonly #twins: readonly number[];

  constructor({ isRead }: Pick<SequentialModel<unknown, I, O>, 'isRead'>, history: readonly Operation<I, O>[]) {
    const byCall = history.toSorted((a, b) => a.calledAt - b.calledAt);
    this.completed = byCall.filter(({ output }) => output !== 'unknown');
    this.pending = byCall.filter(({ output, input }) => output === 'unknown' && isRead?.(input, output) !== true);
    this.entries = new EntryList(orderOf(this.completed));
    this.#pendingBefore = countCalls(this.completed, this.pending);
    this.#twins = this.pending.map(({ input }, at) =>
      this.pending.slice(0, at).findLastIndex((other) => isEqual(other.input, input)),
    );
  }

  /**
   * The pending operations that can be placed next, by their places. Of equal ones the first: they can stand for each
   * other.
   */
  *placeablePending(used: bigint): Generator<number, void> {
    const count = this.#pendingBefore[this.entries.firstToReturn] ?? 0;
    const isUsed = (at: number) => (used & bitOf(at)) !== 0n;
    for (let at = 0; at < count; at += 1) {
      const twin = this.#twins[at] ?? -1;
      if (!isUsed(at) && (twin < 0 || isUsed(twin))) yield at;
    }
  }
}

export function bitOf(pending: number): bigint {
  return 1n << BigInt(pending);
}

/** Each operation twice, where it is called and where it returns. What happens at one time overlaps: calls come first. */
function orderOf(completed: readonly Operation<unknown, unknown>[]): readonly number[] {
  const events = completed.flatMap(({ calledAt, returnedAt }, operation) => [
    { operation, at: calledAt, isReturn: false },
    { operation, at: returnedAt, isReturn: true },
  ]);
  events.sort((a, b) => a.at - b.at || Number(a.isReturn) - Number(b.isReturn));
  return events.map(({ operation }) => operation);
}

function countCalls<I, O>(
  completed: readonly Operation<I, O>[],
  pending: readonly Operation<I, O>[],
): readonly number[] {
  const byReturn = [...completed.keys()].sort((a, b) => returnOf(completed, a) - returnOf(completed, b));
  const counts: number[] = [];
  let count = 0;
  for (const operation of byReturn) {
    const returnedAt = returnOf(completed, operation);
    while ((pending[count]?.calledAt ?? Infinity) <= returnedAt) count += 1;
    counts[operation] = count;
  }
  return counts;
}

function returnOf(completed: readonly Operation<unknown, unknown>[], operation: number): number {
  return completed[operation]?.returnedAt ?? Infinity;
}

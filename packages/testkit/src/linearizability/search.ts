import type { Entry } from './entry-list.ts';
import type { Operation, SequentialModel } from './model.ts';
import { OperationSet } from './operation-set.ts';
import { bitOf, Timeline } from './timeline.ts';
import { VisitedConfigurations } from './visited-configurations.ts';

export type SearchResult<S, I, O> =
  | { readonly verdict: 'linearizable'; readonly order: readonly Operation<I, O>[] }
  | ({ readonly verdict: 'not-linearizable' } & DeadEnd<S, I, O>)
  | { readonly verdict: 'undecided' };

/** Where the search could not go on. */
export interface DeadEnd<S, I, O> {
  /** What had been placed. */
  readonly prefix: readonly Operation<I, O>[];
  /** The state behind it. */
  readonly state: S;
  /** What must come before anything else that begins later, and can't. */
  readonly unplaced: Operation<I, O>;
}

/** An operation that can come next: a completed one by its call, a pending one by its place. */
interface Candidate<S> {
  readonly call: Entry | undefined;
  readonly pending: number;
  readonly state: S;
  readonly key: string;
}

/** A candidate that was taken, what it was taken from, and what else there is to try there. */
interface Placement<S> {
  readonly taken: Candidate<S>;
  readonly state: S;
  readonly key: string;
  readonly others: Iterator<Candidate<S>, void>;
}

/**
 * Looks for an order of one history's operations that the model allows and that keeps the order of time: depth first, over
 * a list of entries (Wing and Gong, "Testing and verifying concurrent objects", 1993), never twice through one
 * configuration (Lowe, "Testing for linearizability", 2017).
 *
 * Pending operations need not be placed, which gives more rules. None of them loses an order, as there is one with the
 * fewest operations, if there is any:
 * - completed operations are tried first;
 * - what comes behind a pending operation must go otherwise than without it, or that one is not needed;
 * - a configuration that used what one visited used, and more, finds nothing new.
 *
 * A completed read that fits where it can be placed is placed there and nowhere else, because it changes nothing.
 */
export class Search<S, I, O> {
  readonly #model: SequentialModel<S, I, O>;
  readonly #timeline: Timeline<I, O>;
  readonly #placed: OperationSet;
  readonly #visited = new VisitedConfigurations();
  /** How the current configuration came about. */
  readonly #path: Placement<S>[] = [];
  #usedPending = 0n;
  #state: S;
  #key: string;
  #deadEnd: (DeadEnd<S, I, O> & { readonly completed: number }) | undefined;

  constructor(model: SequentialModel<S, I, O>, history: readonly Operation<I, O>[]) {
    this.#model = model;
    this.#timeline = new Timeline(model, history);
    this.#placed = new OperationSet(this.#timeline.completed.length);
    this.#state = model.init();
    this.#key = model.key(this.#state);
  }

  /** How many configurations were visited. */
  get configurations(): number {
    return this.#visited.size;
  }

  run(maxConfigurations: number): SearchResult<S, I, O> {
    let candidates: Iterator<Candidate<S>, void> = this.#candidates();
    while (!this.#timeline.entries.isEmpty) {
      const before = this.#path.length;
      this.#takeNext(candidates);
      if (this.#path.length > before) {
        if (this.#visited.size > maxConfigurations) return { verdict: 'undecided' };
        candidates = this.#candidates();
        continue;
      }
      this.#noteDeadEnd();
      const undone = this.#undo();
      if (undone === undefined) return this.#failure();
      candidates = undone.others;
    }
    return { verdict: 'linearizable', order: this.#order() };
  }

  /** Takes the first of the candidates that leads where the search has not been, if there is one. */
  #takeNext(others: Iterator<Candidate<S>, void>): void {
    for (let next = others.next(); next.done !== true; next = others.next()) {
      const { value: taken } = next;
      this.#path.push({ taken, state: this.#state, key: this.#key, others });
      this.#place(taken);
      if (this.#visited.add(this.#placed.key() + this.#key, this.#usedPending)) return;
      this.#undo();
    }
  }

  #place({ call, pending, state, key }: Candidate<S>): void {
    if (call === undefined) {
      this.#usedPending |= bitOf(pending);
    } else {
      this.#timeline.entries.lift(call);
      this.#placed.add(call.operation);
    }
    this.#state = state;
    this.#key = key;
  }

  /** Goes back by one placement. */
  #undo(): Placement<S> | undefined {
    const placement = this.#path.pop();
    if (placement === undefined) return undefined;
    const { call, pending } = placement.taken;
    if (call === undefined) {
      this.#usedPending ^= bitOf(pending);
    } else {
      this.#placed.delete(call.operation);
      this.#timeline.entries.unlift(call);
    }
    this.#state = placement.state;
    this.#key = placement.key;
    return placement;
  }

  /** Resumed only where it was begun: what comes between has been undone by then. */
  *#candidates(): Generator<Candidate<S>, void> {
    const read = this.#fittingRead();
    if (read !== undefined) {
      yield read;
      return;
    }
    const { completed, pending, entries } = this.#timeline;
    for (const call of entries.placeable()) {
      const candidate = this.#attempt(completed[call.operation], { call, pending: -1 });
      if (candidate !== undefined) yield candidate;
    }
    for (const at of this.#timeline.placeablePending(this.#usedPending)) {
      const candidate = this.#attempt(pending[at], { call: undefined, pending: at });
      if (candidate !== undefined) yield candidate;
    }
  }

  #fittingRead(): Candidate<S> | undefined {
    if (this.#model.isRead === undefined) return undefined;
    const { completed, entries } = this.#timeline;
    for (const call of entries.placeable()) {
      const operation = completed[call.operation];
      if (operation === undefined || !this.#model.isRead(operation.input, operation.output)) continue;
      const { ok } = this.#model.step(this.#state, operation.input, operation.output);
      if (ok) return { call, pending: -1, state: this.#state, key: this.#key };
    }
    return undefined;
  }

  #attempt(
    operation: Operation<I, O> | undefined,
    which: Pick<Candidate<S>, 'call' | 'pending'>,
  ): Candidate<S> | undefined {
    if (operation === undefined) return undefined;
    const step = this.#model.step(this.#state, operation.input, operation.output);
    if (!step.ok) return undefined;
    const key = this.#model.key(step.state);
    return this.#wouldGoWithoutLast(operation, key) ? undefined : { ...which, state: step.state, key };
  }

  /** Whether what was placed last is pending, and the operation has the same effect without it. */
  #wouldGoWithoutLast({ input, output }: Operation<I, O>, key: string): boolean {
    const last = this.#path.at(-1);
    if (last === undefined || last.taken.call !== undefined) return false;
    const step = this.#model.step(last.state, input, output);
    return step.ok && this.#model.key(step.state) === key;
  }

  /** Keeps the one with the most completed operations before it. */
  #noteDeadEnd(): void {
    const completed = this.#placed.size;
    if (this.#deadEnd !== undefined && this.#deadEnd.completed >= completed) return;
    const unplaced = this.#timeline.completed[this.#timeline.entries.firstToReturn];
    if (unplaced === undefined) return;
    this.#deadEnd = { completed, prefix: this.#order(), state: this.#state, unplaced };
  }

  #failure(): SearchResult<S, I, O> {
    if (this.#deadEnd === undefined) throw new Error('a search failed without a dead end');
    const { prefix, state, unplaced } = this.#deadEnd;
    return { verdict: 'not-linearizable', prefix, state, unplaced };
  }

  #order(): readonly Operation<I, O>[] {
    const { completed, pending } = this.#timeline;
    return this.#path.flatMap(({ taken }) => {
      const operation = taken.call === undefined ? pending[taken.pending] : completed[taken.call.operation];
      return operation === undefined ? [] : [operation];
    });
  }
}

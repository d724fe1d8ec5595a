import type { NodeId } from '@quorate/core';
import type { History } from './history.ts';
import type { LedgerEntry } from './ledger.ts';
import type { LedgerLine } from './replicated-ledger.ts';
import type { MachineMs, NodeReport } from './report.ts';

/** Lines that are kept to be compared: a copy that is further behind is compared from where it has caught up. */
const MAX_LINES = 20_000;
const MAX_PROBLEMS = 10;

/**
 * The replicated ledger, as its copies show it: the first that has a line tells what the ledger says from then on, and
 * every other must have the same.
 */
export class LedgerCopies {
  readonly #history: History;
  readonly #lines = new Map<number, LedgerLine>();
  readonly #counts = new Map<NodeId, number>();
  readonly #problems: string[] = [];
  #last = 0;
  /** Whether there was a line that is not of an earlier run of the demo. */
  #hasBegun = false;

  constructor(history: History) {
    this.#history = history;
  }

  /** Tickets in each copy that was heard of. */
  get counts(): ReadonlyMap<NodeId, number> {
    return this.#counts;
  }

  /** Where copies differ. Each is a sentence; none is good. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  hear(node: NodeId, { at, line, isReplay }: NodeReport & { readonly type: 'copied' }): void {
    this.#counts.set(node, line.count);
    const known = this.#lines.get(line.position);
    if (known !== undefined) this.#compare(node, known, line);
    if (line.position <= this.#last) return;
    this.#keep(line);
    this.#hasBegun ||= !isReplay;
    if (this.#hasBegun) this.#history.record({ source: 'ledger', ...entryOf(line, at) });
  }

  #keep(line: LedgerLine): void {
    this.#last = line.position;
    this.#lines.set(line.position, line);
    this.#lines.delete(line.position - MAX_LINES);
  }

  #compare(node: NodeId, known: LedgerLine, line: LedgerLine): void {
    if (describe(known) === describe(line) || this.#problems.length >= MAX_PROBLEMS) return;
    this.#problems.push(
      `line ${line.position} is ${describe(line)} in ${node}'s copy, and ${describe(known)} in another`,
    );
  }
}

function entryOf({ ticket, verdict }: LedgerLine, at: MachineMs): LedgerEntry {
  const { id, node, token } = ticket;
  return verdict.type === 'accepted'
    ? { type: 'accepted', at, node, token, number: verdict.number, id }
    : { type: 'refused', at, node, token, highest: verdict.highest };
}

function describe({ ticket, verdict }: LedgerLine): string {
  return `${ticket.id}, ${verdict.type === 'accepted' ? `numbered ${verdict.number}` : 'refused'}`;
}

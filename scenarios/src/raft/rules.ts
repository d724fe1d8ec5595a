import type { Entry } from '@quorate/raft';
import type { LogView } from './log-view.ts';

/** What Raft promises of a group (Raft, figure 3), judged from outside while it lives. */
export class RaftRules {
  readonly #leaders = new Map<number, number>();
  /** By index and term: what an entry holds and the term before it. The same everywhere, or logs don't match. */
  readonly #entries = new Map<string, string>();
  /** By index: the term of what was committed there, and the earliest term in which that was seen. */
  readonly #committed: { readonly term: number; seenIn: number }[] = [];
  readonly #states = new Map<number, string>();
  /** The highest index seen committed anywhere: no read that begins from here on may miss it. */
  highestCommitted = 0;
  highestApplied = 0;

  leads(id: number, term: number): void {
    const known = this.#leaders.get(term) ?? id;
    if (known !== id) throw new Error(`election safety: ${known} and ${id} lead term ${term}`);
    this.#leaders.set(term, id);
  }

  writes(id: number, { index, term, type, data }: Entry, termBefore: number | undefined): void {
    const name = `${index} of term ${term}`;
    const entry = `${termBefore} ${type} ${new TextDecoder().decode(data)}`;
    const known = this.#entries.get(name) ?? entry;
    if (known !== entry) throw new Error(`log matching: ${id} has ${entry} at ${name}, another ${known}`);
    this.#entries.set(name, entry);
  }

  commits(id: number, inTerm: number, index: number, term: number | undefined): void {
    const known = this.#committed[index];
    if (known !== undefined && term !== known.term)
      throw new Error(`commit safety: ${id} commits term ${term} at ${index}, another ${known.term}`);
    if (term === undefined) throw new Error(`commit safety: ${id} commits ${index}, which it does not have`);
    if (known === undefined) this.#committed[index] = { term, seenIn: inTerm };
    else known.seenIn = Math.min(known.seenIn, inTerm);
    this.highestCommitted = Math.max(this.highestCommitted, index);
  }

  /** A new leader has all that was committed in terms before its own. */
  isComplete(id: number, inTerm: number, log: LogView): void {
    for (let index = log.base; index < this.#committed.length; index += 1) {
      const known = this.#committed[index];
      if (known === undefined || known.seenIn >= inTerm || log.term(index) === known.term) continue;
      throw new Error(`leader completeness: ${id} leads term ${inTerm} without ${index} of term ${known.term}`);
    }
  }

  isInState(id: number, index: number, state: string): void {
    const known = this.#states.get(index) ?? state;
    if (known !== state) throw new Error(`state machine safety: ${id} at ${index} is not in the state another was in`);
    this.#states.set(index, state);
    this.highestApplied = Math.max(this.highestApplied, index);
  }

  /** What a leader may answer at this moment without asking anyone. */
  readsByLease(id: number, index: number): void {
    const { highestCommitted } = this;
    if (index < highestCommitted)
      throw new Error(`stale lease: ${id} would read at ${index} while ${highestCommitted} is committed`);
  }

  reads(id: number, index: number, floor: number): void {
    if (index < floor) throw new Error(`stale read: ${id} reads at ${index} what began when ${floor} was committed`);
  }
}

/** Fails unless `later` is `earlier` or more. */
export function neverGoesBack(what: string, earlier: number, later: number): void {
  if (later < earlier) throw new Error(`went back: ${what} from ${earlier} to ${later}`);
}

import type { MonotonicMs, NodeId } from '@quorate/core';
import { Ballot } from './ballot.ts';
import type { ElectionTimer } from './election-timer.ts';
import type { Electors } from './electors.ts';
import type { MessageOf } from './messages.ts';
import type { Outbox } from './outbox.ts';

/** What the electorate is asked: whether it would vote for this node, and then whether it does. */
type Question = 'pre-vote' | 'vote';

/** A candidate denies its pre-vote to one that it comes before, until it failed this often itself. */
const MAX_FAILURES_TO_OUTRANK = 3;

interface CandidacyParts {
  readonly self: NodeId;
  readonly priority: number;
  readonly electors: Electors;
  readonly outbox: Outbox;
  readonly timer: ElectionTimer;
}

/** A node's attempts to be elected: the question that is open, and how it is answered. */
export class Candidacy {
  readonly #parts: CandidacyParts;
  #open: { readonly question: Question; readonly ballot: Ballot } | undefined;
  /** The leadership that was released to this candidate; 0 if none was. */
  #releasedTerm = 0;
  /** Attempts since a leader was there. */
  #failures = 0;

  constructor(parts: CandidacyParts) {
    this.#parts = parts;
  }

  /** What is open; undefined when nothing is. */
  get question(): Question | undefined {
    return this.#open?.question;
  }

  get ballot(): Ballot | undefined {
    return this.#open?.ballot;
  }

  /** Asks whether others would vote for this node in a term; its own answer is counted. */
  askFirst(term: number, now: MonotonicMs): void {
    this.#failures += 1;
    this.#put('pre-vote', term, now).count(this.#parts.self, true);
  }

  /**
   * Asks for the votes of a term.
   * @param releasedTerm the leadership that was handed over to this node; 0 if none was
   */
  askForVotes(term: number, releasedTerm: number, now: MonotonicMs): void {
    this.#releasedTerm = releasedTerm;
    this.#put('vote', term, now);
  }

  #put(question: Question, term: number, now: MonotonicMs): Ballot {
    const { electors, timer } = this.#parts;
    const ballot = new Ballot(term, now, electors.size);
    this.#open = { question, ballot };
    timer.restart(now);
    for (const id of electors.reachable) this.askVoter(id);
    return ballot;
  }

  /** Puts the open question, if any, to one voter. */
  askVoter(id: NodeId): void {
    if (this.#open === undefined) return;
    const { outbox, priority } = this.#parts;
    const { question, ballot } = this.#open;
    if (question === 'pre-vote') outbox.send(id, { type: question, term: ballot.term, priority });
    else outbox.send(id, { type: question, term: ballot.term, releasedTerm: this.#releasedTerm });
  }

  /** False when the reply is not one to the question that is open. */
  count(
    question: Question,
    from: NodeId,
    reply: MessageOf<'vote-reply' | 'pre-vote-reply'>,
    now: MonotonicMs,
  ): boolean {
    const { electors, timer } = this.#parts;
    const { ballot } = this;
    if (this.question !== question || reply.term !== ballot?.term || !electors.has(from)) return false;
    ballot.count(from, reply.granted);
    if (reply.granted) return true;
    if (reply.retryAfterMs > 0) timer.retry(0, reply.retryAfterMs, now);
    else if (this.#isHopeless(ballot)) timer.retry(electors.turn(), 0, now);
    return true;
  }

  /** Whether whoever can answer has answered. */
  #isHopeless(ballot: Ballot): boolean {
    return this.#parts.electors.reachable.every((id) => ballot.hasAnswered(id));
  }

  /** Whether this node comes before a candidate. Of two that stand at one time, one steps back, or both would vote for themselves. */
  outranks(candidate: NodeId, priority: number): boolean {
    const { self, priority: own } = this.#parts;
    if (this.#failures > MAX_FAILURES_TO_OUTRANK) return false;
    return priority === own ? this.#open !== undefined && self < candidate : priority < own;
  }

  /** The attempt is over, whoever was elected. */
  close(): void {
    this.#open = undefined;
  }

  /** There is a leader: what failed before that no longer counts. */
  succeeded(): void {
    this.#failures = 0;
  }
}

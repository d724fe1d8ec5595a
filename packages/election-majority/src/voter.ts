import type { MonotonicMs, NodeId } from '@quorate/core';
import type { VoteRecord } from './vote-record.ts';

/** Not to vote for anyone but `to` before `until`. */
interface VoterPromise {
  /** Undefined: nobody knows to whom, because it was made before a restart. */
  readonly to: NodeId | undefined;
  /** The promise was made to a leader or candidate of this term, or of an earlier one. */
  readonly term: number;
  readonly until: MonotonicMs;
}

const NO_PROMISE: VoterPromise = { to: undefined, term: 0, until: -Infinity };

/**
 * One voter: its term, its vote in that term, and its promise. Term and vote are durable (the owner sees to it); the
 * promise is not, and so a restarted voter keeps a full one to whoever had it.
 * (Terms and votes as in Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, section
 * 5.2; promises as the leases of Gray and Cheriton, 1989.)
 */
export class Voter {
  readonly #promiseMs: number;
  /**
   * Whether terms survive restarts. Only then does a later term mean that the grants of earlier ones have ended; where
   * they don't, nothing but time, or who has a promise, ends it.
   */
  readonly #durable: boolean;
  /** Never decreases. */
  #term: number;
  /** Set at most once a term. */
  #votedFor: NodeId | undefined;
  #promise: VoterPromise = NO_PROMISE;

  constructor(promiseMs: number, durable: boolean, { term, votedFor }: Pick<VoteRecord, 'term' | 'votedFor'>) {
    this.#promiseMs = promiseMs;
    this.#durable = durable;
    this.#term = term;
    this.#votedFor = votedFor;
  }

  get term(): number {
    return this.#term;
  }

  get votedFor(): NodeId | undefined {
    return this.#votedFor;
  }

  get promisedTo(): NodeId | undefined {
    return this.#promise.to;
  }

  get promisedUntil(): MonotonicMs {
    return this.#promise.until;
  }

  /** After a restart: a promise made before it may still have to be kept. */
  resumePromise(now: MonotonicMs): void {
    this.#promise = { to: undefined, term: this.#term, until: now + this.#promiseMs };
  }

  /** How long from now a promise forbids to vote for the candidate; 0 if none does. */
  heldFor(candidate: NodeId, now: MonotonicMs): number {
    return this.#promise.to === candidate ? 0 : Math.max(0, this.#promise.until - now);
  }

  /** Whether it could vote for the candidate in the term, promises aside. */
  isFree(candidate: NodeId, term: number): boolean {
    if (term !== this.#term) return term > this.#term;
    return this.#votedFor === undefined || this.#votedFor === candidate;
  }

  /** Votes, and promises. The caller has asked `heldFor` and `isFree`. */
  vote(candidate: NodeId, term: number, now: MonotonicMs): void {
    this.#term = term;
    this.#votedFor = candidate;
    this.#promise = { to: candidate, term, until: now + this.#promiseMs };
  }

  /** Heard the leader of the term, which is not below this voter's. */
  follow(leader: NodeId, term: number, now: MonotonicMs): void {
    this.adopt(term);
    this.#promise = { to: leader, term, until: now + this.#promiseMs };
  }

  /** Learned of a later term. */
  adopt(term: number): void {
    if (term <= this.#term) return;
    this.#term = term;
    this.#votedFor = undefined;
  }

  /**
   * The leader of the term has ended its grant. Promises to it are void, and so are those of earlier terms: their
   * grants had ended before its own began.
   * @param by that leader; undefined when another tells of it
   */
  release(term: number, by: NodeId | undefined): void {
    const { to, term: promisedIn } = this.#promise;
    const isVoid = this.#durable ? promisedIn <= term : by !== undefined && to === by && promisedIn === term;
    if (isVoid) this.#promise = NO_PROMISE;
  }
}

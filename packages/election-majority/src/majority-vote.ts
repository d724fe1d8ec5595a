import type { Electorate, LeaderInfo, MonotonicMs, NodeId, Random } from '@quorate/core';
import { Candidacy } from './candidacy.ts';
import { ElectionTimer } from './election-timer.ts';
import { Electors } from './electors.ts';
import { HeldGrant } from './held-grant.ts';
import type { ElectionMessage, MessageOf } from './messages.ts';
import { Outbox, type OutgoingMessage } from './outbox.ts';
import { Succession } from './succession.ts';
import { isPlausibleTerm } from './term-range.ts';
import type { ElectionTimings } from './timings.ts';
import type { VoteRecord } from './vote-record.ts';
import { Voter } from './voter.ts';

export interface MajorityVoteConfig {
  readonly self: NodeId;
  readonly electorate: Electorate;
  /** What messages carry so that only equal ones are counted together. */
  readonly rules: number;
  readonly timings: ElectionTimings;
  /** How long a grant lasts from the sending of what renewed it; shorter than the voters' promise. */
  readonly leaseMs: number;
  readonly priority: number;
  readonly random: Random;
  /** What was stored. */
  readonly record: VoteRecord;
  /** Whether a promise may have been made before this process started. */
  readonly mayHavePromised: boolean;
  /** Whether the record outlives this process. */
  readonly durable: boolean;
}

/**
 * The decisions of one node, as a synchronous function of what it hears and of the time. It sends, stores and waits
 * for nothing: its caller
 * 1. calls one of the inputs (`receive`, `tick`, `recorded`, `peerConnected`, `peerLost`, `stand`, `withdraw`, `handOver`);
 * 2. looks at `leading`, and ends or renews the grant it shows to others, before anything is sent;
 * 3. stores `record` if `recordVersion` has changed, and then calls `recorded`;
 * 4. sends what `takeMessages` returns, each once its record is durable;
 * 5. calls `tick` at `nextTick`.
 *
 * Terms, votes and randomized timeouts are Raft's (Ongaro and Ousterhout 2014, section 5.2), pre-vote is that of
 * Ongaro's dissertation (2014, section 9.6), and a voter's promise is a lease (Gray and Cheriton 1989).
 */
export class MajorityVote {
  readonly #config: MajorityVoteConfig;
  readonly #voter: Voter;
  readonly #electors: Electors;
  readonly #succession: Succession;
  readonly #outbox: Outbox;
  readonly #timer: ElectionTimer;
  readonly #candidacy: Candidacy;
  #recordVersion = 0;
  /** While this node leads, and only then; no question of its own is open meanwhile. */
  #leading: HeldGrant | undefined;
  #leader: { readonly nodeId: NodeId; readonly term: number } | undefined;
  #leaderForgottenAt: MonotonicMs = Infinity;
  #stands = false;

  constructor(config: MajorityVoteConfig, now: MonotonicMs) {
    const { record, timings, self, priority } = config;
    this.#config = config;
    this.#electors = new Electors(self, config.electorate.voters);
    this.#succession = new Succession(priority, timings.electionMaxMs);
    this.#voter = new Voter(timings.electionMinMs, config.durable, record);
    if (config.mayHavePromised) this.#voter.resumePromise(now);
    this.#outbox = new Outbox(config.electorate.generation, config.rules);
    this.#timer = new ElectionTimer(timings, config.random, now);
    this.#candidacy = new Candidacy({
      self,
      priority,
      electors: this.#electors,
      outbox: this.#outbox,
      timer: this.#timer,
    });
  }

  get isVoter(): boolean {
    return this.#electors.has(this.#config.self);
  }

  get record(): VoteRecord {
    const { term, votedFor } = this.#voter;
    const { electorate, timings } = this.#config;
    return { term, votedFor, electorate, promiseMs: timings.electionMinMs };
  }

  /** Grows with each change of the record; 0 is what was stored at the start. */
  get recordVersion(): number {
    return this.#recordVersion;
  }

  get leader(): LeaderInfo | undefined {
    return this.#leader && { nodeId: this.#leader.nodeId, token: BigInt(this.#leader.term) };
  }

  /** The grant that this node holds. */
  get leading(): Pick<HeldGrant, 'term' | 'deadline'> | undefined {
    return this.#leading;
  }

  /** Who can be handed the leadership, best first. */
  get successors(): readonly NodeId[] {
    return this.#succession.candidates.filter((id) => this.#electors.isConnected(id));
  }

  get nextTick(): MonotonicMs {
    if (this.#leading !== undefined) return Math.min(this.#leading.heartbeatDue, this.#leading.deadline);
    return Math.min(this.#stands ? this.#timer.due : Infinity, this.#leaderForgottenAt);
  }

  takeMessages(): readonly OutgoingMessage[] {
    return this.#outbox.take();
  }

  /** False when the message was ignored, because its sender's term cannot be. */
  receive(from: NodeId, message: ElectionMessage, now: MonotonicMs): boolean {
    this.#expire(now);
    if (!this.#isPlausible(message)) return false;
    this.#answer(from, message, now);
    return true;
  }

  #answer(from: NodeId, message: ElectionMessage, now: MonotonicMs): void {
    switch (message.type) {
      case 'heartbeat':
        return this.#onHeartbeat(from, message, now);
      case 'heartbeat-ack':
        return this.#onHeartbeatAck(from, message, now);
      case 'pre-vote':
        return this.#onPreVote(from, message, now);
      case 'pre-vote-reply':
        return this.#onPreVoteReply(from, message, now);
      case 'vote':
        return this.#onVote(from, message, now);
      case 'vote-reply':
        return this.#onVoteReply(from, message, now);
      case 'hand-over':
        return this.#onHandOver(from, message, now);
      case 'release':
        return this.#onRelease(from, message, now);
    }
  }

  tick(now: MonotonicMs): void {
    this.#expire(now);
    if (this.#leading !== undefined) {
      if (now >= this.#leading.heartbeatDue) this.#sendHeartbeats(now);
    } else if (this.#stands && now >= this.#timer.due) {
      this.#startPreVote(now);
    }
    if (now >= this.#leaderForgottenAt) this.#observe(undefined, now);
  }

  /** The record of this version, or a later one, is durable. */
  recorded(version: number, now: MonotonicMs): void {
    this.#expire(now);
    if (this.#candidacy.question !== 'vote' || version < this.#recordVersion) return;
    this.#candidacy.ballot?.count(this.#config.self, true);
    this.#lead(now);
  }

  peerConnected(id: NodeId, now: MonotonicMs): void {
    this.#expire(now);
    this.#electors.connected(id);
    if (this.#leading !== undefined) this.#sendHeartbeat(id, this.#leading.round);
    else if (this.#electors.has(id)) this.#candidacy.askVoter(id);
  }

  /**
   * The connection to a peer was lost. When it was the leader that is a hint, no proof: the promise made to it is kept
   * to the end, and just the random delay is replaced by the candidates' order.
   */
  peerLost(id: NodeId, now: MonotonicMs): void {
    this.#expire(now);
    this.#electors.lost(id);
    this.#succession.lost(id);
    if (this.#leader?.nodeId === id && this.#isFollower) this.#standInTurn(id, this.#voter.promisedUntil, now);
  }

  /** Stands for election from now on. */
  stand(now: MonotonicMs): void {
    this.#expire(now);
    if (this.#stands) return;
    this.#stands = true;
    this.#timer.notBefore(now);
  }

  /** Stands no longer; a grant that is held goes on to its end. */
  withdraw(now: MonotonicMs): void {
    this.#expire(now);
    this.#stands = false;
    if (this.#candidacy.question !== undefined) this.#becomeFollower(now);
  }

  /** Ends the grant: in favour of a successor, or of whoever comes first. */
  handOver(to: NodeId | undefined, now: MonotonicMs): void {
    this.#expire(now);
    if (this.#leading === undefined) return;
    const { term } = this.#leading;
    this.#becomeFollower(now);
    this.#observe(undefined, now);
    // This node would win as easily.
    this.#timer.yield(now);
    const successor = to !== undefined;
    for (const id of this.#electors.reachable) {
      if (id === to) this.#outbox.send(id, { type: 'hand-over', term });
      // The successor's request frees the others; but where terms may be forgotten, only the leader's own word does.
      else if (!successor || !this.#config.durable) this.#outbox.send(id, { type: 'release', term, successor });
    }
  }

  #isPlausible(message: ElectionMessage): boolean {
    const highest = 'voterTerm' in message ? Math.max(message.term, message.voterTerm) : message.term;
    return isPlausibleTerm(this.#config.electorate.generation, this.#voter.term, highest);
  }

  #onHeartbeat(from: NodeId, { term, round }: MessageOf<'heartbeat'>, now: MonotonicMs): void {
    if (!this.#electors.has(from) || !this.#mayFollow(from, now)) return;
    if (term >= this.#voter.term) {
      if (!this.#isFollower) this.#becomeFollower(now);
      const before = this.#voter.term;
      this.#voter.follow(from, term, now);
      if (before !== term) this.#recordVersion += 1;
      this.#observe({ nodeId: from, term }, now);
      this.#succession.hasLed(from);
      this.#timer.restart(now);
      this.#candidacy.succeeded();
    }
    if (!this.isVoter) return;
    const { priority } = this.#config;
    // The promise binds once it is told, and must outlast a crash: the term that it belongs to is durable first.
    this.#outbox.sendOnceStored(
      from,
      {
        type: 'heartbeat-ack',
        term: this.#voter.term,
        round,
        candidate: this.#stands,
        priority,
      },
      this.#recordVersion,
    );
  }

  #onHeartbeatAck(from: NodeId, message: MessageOf<'heartbeat-ack'>, now: MonotonicMs): void {
    if (this.#learnTerm(message.term, now)) return;
    const leading = this.#leading;
    if (leading === undefined || message.term !== leading.term || !this.#electors.has(from)) return;
    if (!leading.acknowledge(from, message.round, now)) return;
    this.#succession.note(from, message);
    if (this.#succession.yieldsTo(from, message, now)) this.handOver(from, now);
  }

  #startPreVote(now: MonotonicMs): void {
    const held = this.#voter.heldFor(this.#config.self, now);
    if (held > 0) {
      this.#timer.setTo(now + held);
      return;
    }
    this.#observe(undefined, now);
    this.#candidacy.askFirst(this.#voter.term + 1, now);
    if (this.#candidacy.ballot?.isWon === true) this.#startVote(0, now);
  }

  #onPreVote(from: NodeId, { term, priority }: MessageOf<'pre-vote'>, now: MonotonicMs): void {
    if (!this.isVoter || !this.#electors.has(from)) return;
    const retryAfterMs = this.#heldFor(from, now);
    const outranked = this.#outranks(from, priority, now);
    const granted = retryAfterMs === 0 && this.#voter.isFree(from, term) && !outranked;
    this.#outbox.send(from, { type: 'pre-vote-reply', term, granted, voterTerm: this.#voter.term, retryAfterMs });
    // Whoever asks has missed the leader's heartbeats.
    if (this.#leading !== undefined) this.#sendHeartbeat(from, this.#leading.round);
    if (outranked && this.#isFollower) this.#timer.setTo(now);
  }

  #outranks(candidate: NodeId, priority: number, now: MonotonicMs): boolean {
    if (!this.#stands || this.#heldFor(this.#config.self, now) > 0) return false;
    return this.#candidacy.outranks(candidate, priority);
  }

  #onPreVoteReply(from: NodeId, message: MessageOf<'pre-vote-reply'>, now: MonotonicMs): void {
    if (this.#learnTerm(message.voterTerm, now)) return;
    if (!this.#candidacy.count('pre-vote', from, message, now)) return;
    if (this.#candidacy.ballot?.isWon === true) this.#startVote(0, now);
  }

  /** @param releasedTerm the leadership that was handed over to this node; 0 if none was */
  #startVote(releasedTerm: number, now: MonotonicMs): void {
    const term = this.#voter.term + 1;
    this.#succession.begin();
    this.#voter.vote(this.#config.self, term, now);
    this.#recordVersion += 1;
    // Asked while the own vote is on its way to the disk; that counts only once it is there (`recorded`).
    this.#candidacy.askForVotes(term, releasedTerm, now);
  }

  #onVote(from: NodeId, { term, releasedTerm }: MessageOf<'vote'>, now: MonotonicMs): void {
    if (!this.isVoter || !this.#electors.has(from)) return;
    if (releasedTerm > 0) this.#voter.release(releasedTerm, undefined);
    const retryAfterMs = this.#heldFor(from, now);
    const granted = retryAfterMs === 0 && this.#voter.isFree(from, term);
    if (granted) {
      this.#becomeFollower(now);
      if (this.#voter.term !== term || this.#voter.votedFor !== from) this.#recordVersion += 1;
      this.#voter.vote(from, term, now);
      if (this.#leader !== undefined && this.#leader.term < term) this.#observe(undefined, now);
    }
    const { priority } = this.#config;
    const answer = { granted, voterTerm: this.#voter.term, retryAfterMs };
    this.#outbox.sendOnceStored(
      from,
      { type: 'vote-reply', term, ...answer, candidate: this.#stands, priority },
      this.#recordVersion,
    );
  }

  #onVoteReply(from: NodeId, message: MessageOf<'vote-reply'>, now: MonotonicMs): void {
    if (this.#learnTerm(message.voterTerm, now)) return;
    // An answer that comes after the election was won still tells who stands.
    const isOfThisTerm = message.term === this.#candidacy.ballot?.term || message.term === this.#leading?.term;
    if (isOfThisTerm && this.#electors.has(from)) this.#succession.note(from, message);
    if (this.#candidacy.count('vote', from, message, now)) this.#lead(now);
  }

  #onHandOver(from: NodeId, { term }: MessageOf<'hand-over'>, now: MonotonicMs): void {
    if (!this.#electors.has(from) || term < this.#voter.term || this.#leading !== undefined) return;
    if (this.#learnTerm(term, now)) this.#observe(undefined, now);
    this.#voter.release(term, from);
    if (this.#stands && this.#voter.heldFor(this.#config.self, now) === 0) this.#startVote(term, now);
  }

  #onRelease(from: NodeId, { term, successor }: MessageOf<'release'>, now: MonotonicMs): void {
    if (!this.#electors.has(from)) return;
    this.#voter.release(term, from);
    if (this.#leader?.nodeId !== from || this.#leader.term > term) return;
    this.#observe(undefined, now);
    if (!successor) this.#standInTurn(from, now, now);
  }

  /** Takes the leadership if the vote is won: by a majority, the own durable vote among it, with time left. */
  #lead(now: MonotonicMs): void {
    const { ballot } = this.#candidacy;
    const { self, leaseMs, random, timings } = this.#config;
    if (ballot === undefined || !ballot.isWon || !ballot.granted.has(self)) return;
    const { heartbeatMs } = timings;
    const grant = new HeldGrant({ self, voters: this.#electors.size, leaseMs, heartbeatMs, random }, ballot, now);
    if (now >= grant.deadline) {
      this.#becomeFollower(now);
      return;
    }
    this.#candidacy.close();
    this.#candidacy.succeeded();
    this.#leading = grant;
    this.#observe({ nodeId: self, term: grant.term }, now);
    this.#sendHeartbeats(now);
  }

  /** After the loss of a leader that others noticed too: no earlier than `from`, in an order that all agree on. */
  #standInTurn(lost: NodeId, from: MonotonicMs, now: MonotonicMs): void {
    this.#timer.standInTurn(this.#electors.turn(lost), Math.max(from, now));
  }

  /** True when the term was later than this node's, which then follows it. */
  #learnTerm(term: number, now: MonotonicMs): boolean {
    if (term <= this.#voter.term) return false;
    this.#voter.adopt(term);
    this.#recordVersion += 1;
    this.#becomeFollower(now);
    return true;
  }

  get #isFollower(): boolean {
    return this.#leading === undefined && this.#candidacy.question === undefined;
  }

  #becomeFollower(now: MonotonicMs): void {
    if (this.#leading !== undefined) this.#observe(undefined, now);
    this.#leading = undefined;
    this.#candidacy.close();
    this.#timer.restart(now);
  }

  /** The grant ends by itself, whatever woke this node up. */
  #expire(now: MonotonicMs): void {
    if (this.#leading !== undefined && now >= this.#leading.deadline) this.#becomeFollower(now);
  }

  /** How long this node's promise, or its own grant, forbids to vote for the candidate. */
  #heldFor(candidate: NodeId, now: MonotonicMs): number {
    if (this.#leading !== undefined) return this.#leading.deadline - now;
    return this.#voter.promisedTo === this.#config.self ? 0 : this.#voter.heldFor(candidate, now);
  }

  /** Without durable terms, a promise to another, or an own grant, is kept to its end whatever term a leader tells. */
  #mayFollow(leader: NodeId, now: MonotonicMs): boolean {
    return this.#config.durable || !this.isVoter || this.#heldFor(leader, now) === 0;
  }

  #observe(leader: { readonly nodeId: NodeId; readonly term: number } | undefined, now: MonotonicMs): void {
    this.#leader = leader;
    const lasts = leader !== undefined && leader.nodeId !== this.#config.self;
    this.#leaderForgottenAt = lasts ? now + this.#config.timings.electionMaxMs : Infinity;
  }

  #sendHeartbeats(now: MonotonicMs): void {
    if (this.#leading === undefined) return;
    const round = this.#leading.openRound(now);
    for (const id of this.#electors.listeners) this.#sendHeartbeat(id, round);
  }

  #sendHeartbeat(to: NodeId, round: number): void {
    this.#outbox.send(to, { type: 'heartbeat', term: this.#voter.term, round });
  }
}

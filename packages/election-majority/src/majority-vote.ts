import type { Electorate, LeaderInfo, MonotonicMs, NodeId, Random } from '@quorate/core';
import { Ballot } from './ballot.ts';
import { ElectionTimer } from './election-timer.ts';
import { LeaseLedger } from './lease-ledger.ts';
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

/** The grant that this node holds. */
export interface Leading {
  readonly term: number;
  readonly deadline: MonotonicMs;
}

type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** A candidate denies its pre-vote to one that it comes before, until it failed this often itself. */
const MAX_FAILURES_TO_OUTRANK = 3;

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
  readonly #voters: ReadonlySet<NodeId>;
  readonly #connected = new Set<NodeId>();
  readonly #succession: Succession;
  readonly #outbox: Outbox;
  readonly #timer: ElectionTimer;
  #recordVersion = 0;
  #role: Role = 'follower';
  /** Set in the role of the same name, and only then. */
  #leading:
    | { readonly term: number; readonly ledger: LeaseLedger; deadline: MonotonicMs; heartbeatDue: MonotonicMs }
    | undefined;
  /** Set while pre-candidate or candidate, and only then. */
  #ballot: Ballot | undefined;
  /** The leadership that was released to this candidate; 0 if none was. */
  #releasedTerm = 0;
  #leader: { readonly nodeId: NodeId; readonly term: number } | undefined;
  #leaderForgottenAt: MonotonicMs = Infinity;
  #stands = false;
  #failures = 0;

  constructor(config: MajorityVoteConfig, now: MonotonicMs) {
    const { record, timings } = config;
    this.#config = config;
    this.#voters = new Set(config.electorate.voters);
    this.#succession = new Succession(config.priority, timings.electionMaxMs);
    this.#voter = new Voter(timings.electionMinMs, config.durable, record);
    if (config.mayHavePromised) this.#voter.resumePromise(now);
    this.#outbox = new Outbox(config.electorate.generation, config.rules);
    this.#timer = new ElectionTimer(timings, config.random, now);
  }

  get isVoter(): boolean {
    return this.#voters.has(this.#config.self);
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

  get leading(): Leading | undefined {
    return this.#leading;
  }

  /** Who can be handed the leadership, best first. */
  get successors(): readonly NodeId[] {
    return this.#succession.candidates.filter((id) => this.#connected.has(id));
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
    if (this.#role !== 'candidate' || version < this.#recordVersion) return;
    this.#ballot?.count(this.#config.self, true);
    this.#lead(now);
  }

  peerConnected(id: NodeId, now: MonotonicMs): void {
    this.#expire(now);
    this.#connected.add(id);
    if (this.#leading !== undefined) this.#sendHeartbeat(id, this.#leading.ledger.round);
    else if (this.#ballot !== undefined && this.#voters.has(id)) this.#ask(id, this.#ballot.term);
  }

  /**
   * The connection to a peer was lost. When it was the leader that is a hint, no proof: the promise made to it is kept
   * to the end, and just the random delay is replaced by the candidates' order.
   */
  peerLost(id: NodeId, now: MonotonicMs): void {
    this.#expire(now);
    this.#connected.delete(id);
    this.#succession.lost(id);
    if (this.#leader?.nodeId === id && this.#role === 'follower') this.#standInTurn(id, this.#voter.promisedUntil, now);
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
    if (this.#role === 'pre-candidate' || this.#role === 'candidate') this.#becomeFollower(now);
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
    for (const id of this.#connectedVoters()) {
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
    if (!this.#voters.has(from) || !this.#mayFollow(from, now)) return;
    if (term >= this.#voter.term) {
      if (this.#role !== 'follower') this.#becomeFollower(now);
      const before = this.#voter.term;
      this.#voter.follow(from, term, now);
      if (before !== term) this.#recordVersion += 1;
      this.#observe({ nodeId: from, term }, now);
      this.#succession.hasLed(from);
      this.#timer.restart(now);
      this.#failures = 0;
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
    if (leading === undefined || message.term !== leading.term || !this.#voters.has(from)) return;
    if (!leading.ledger.acknowledge(from, message.round)) return;
    leading.deadline = Math.max(leading.deadline, leading.ledger.heldSince(now) + this.#config.leaseMs);
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
    this.#failures += 1;
    this.#openBallot('pre-candidate', this.#voter.term + 1, now);
    this.#ballot?.count(this.#config.self, true);
    if (this.#ballot?.isWon === true) this.#startVote(0, now);
  }

  #onPreVote(from: NodeId, { term, priority }: MessageOf<'pre-vote'>, now: MonotonicMs): void {
    if (!this.isVoter || !this.#voters.has(from)) return;
    const retryAfterMs = this.#heldFor(from, now);
    const outranked = this.#outranks(from, priority, now);
    const granted = retryAfterMs === 0 && this.#voter.isFree(from, term) && !outranked;
    this.#outbox.send(from, { type: 'pre-vote-reply', term, granted, voterTerm: this.#voter.term, retryAfterMs });
    // Whoever asks has missed the leader's heartbeats.
    if (this.#leading !== undefined) this.#sendHeartbeat(from, this.#leading.ledger.round);
    if (outranked && this.#role === 'follower') this.#timer.setTo(now);
  }

  /** Of two that stand at one time, one steps back, or both would vote for themselves. */
  #outranks(candidate: NodeId, priority: number, now: MonotonicMs): boolean {
    const { self, priority: own } = this.#config;
    if (!this.#stands || this.#failures > MAX_FAILURES_TO_OUTRANK || this.#heldFor(self, now) > 0) return false;
    return priority === own ? this.#ballot !== undefined && self < candidate : priority < own;
  }

  #onPreVoteReply(from: NodeId, message: MessageOf<'pre-vote-reply'>, now: MonotonicMs): void {
    if (this.#learnTerm(message.voterTerm, now)) return;
    if (!this.#countReply('pre-candidate', from, message, now)) return;
    if (this.#ballot?.isWon === true) this.#startVote(0, now);
  }

  /** @param releasedTerm the leadership that was handed over to this node; 0 if none was */
  #startVote(releasedTerm: number, now: MonotonicMs): void {
    const term = this.#voter.term + 1;
    this.#releasedTerm = releasedTerm;
    this.#succession.begin();
    this.#voter.vote(this.#config.self, term, now);
    this.#recordVersion += 1;
    // Asked while the own vote is on its way to the disk; that counts only once it is there (`recorded`).
    this.#openBallot('candidate', term, now);
  }

  #onVote(from: NodeId, { term, releasedTerm }: MessageOf<'vote'>, now: MonotonicMs): void {
    if (!this.isVoter || !this.#voters.has(from)) return;
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
    const isOfThisTerm = message.term === this.#ballot?.term || message.term === this.#leading?.term;
    if (isOfThisTerm && this.#voters.has(from)) this.#succession.note(from, message);
    if (this.#countReply('candidate', from, message, now)) this.#lead(now);
  }

  #onHandOver(from: NodeId, { term }: MessageOf<'hand-over'>, now: MonotonicMs): void {
    if (!this.#voters.has(from) || term < this.#voter.term || this.#leading !== undefined) return;
    if (this.#learnTerm(term, now)) this.#observe(undefined, now);
    this.#voter.release(term, from);
    if (this.#stands && this.#voter.heldFor(this.#config.self, now) === 0) this.#startVote(term, now);
  }

  #onRelease(from: NodeId, { term, successor }: MessageOf<'release'>, now: MonotonicMs): void {
    if (!this.#voters.has(from)) return;
    this.#voter.release(term, from);
    if (this.#leader?.nodeId !== from || this.#leader.term > term) return;
    this.#observe(undefined, now);
    if (!successor) this.#standInTurn(from, now, now);
  }

  /** Takes the leadership if the vote is won: by a majority, the own durable vote among it, with time left. */
  #lead(now: MonotonicMs): void {
    const ballot = this.#ballot;
    const { self, electorate, leaseMs, random } = this.#config;
    if (ballot === undefined || !ballot.isWon || !ballot.granted.has(self)) return;
    const ledger = new LeaseLedger(Math.floor(electorate.voters.length / 2), random.int(2 ** 32));
    for (const voter of ballot.granted) if (voter !== self) ledger.record(voter, ballot.startedAt);
    const deadline = ledger.heldSince(ballot.startedAt) + leaseMs;
    if (now >= deadline) {
      this.#becomeFollower(now);
      return;
    }
    this.#role = 'leader';
    this.#ballot = undefined;
    this.#failures = 0;
    this.#leading = { term: ballot.term, ledger, deadline, heartbeatDue: now };
    this.#observe({ nodeId: self, term: ballot.term }, now);
    this.#sendHeartbeats(now);
  }

  #openBallot(role: 'pre-candidate' | 'candidate', term: number, now: MonotonicMs): void {
    this.#role = role;
    this.#ballot = new Ballot(term, now, this.#voters.size);
    this.#timer.restart(now);
    for (const id of this.#connectedVoters()) this.#ask(id, term);
  }

  #ask(id: NodeId, term: number): void {
    if (this.#role === 'pre-candidate')
      this.#outbox.send(id, { type: 'pre-vote', term, priority: this.#config.priority });
    else this.#outbox.send(id, { type: 'vote', term, releasedTerm: this.#releasedTerm });
  }

  /** False when the reply is not one to the question that is open. */
  #countReply(role: Role, from: NodeId, reply: MessageOf<'vote-reply' | 'pre-vote-reply'>, now: MonotonicMs): boolean {
    if (this.#role !== role || reply.term !== this.#ballot?.term || !this.#voters.has(from)) return false;
    this.#ballot.count(from, reply.granted);
    if (reply.granted) return true;
    if (reply.retryAfterMs > 0) this.#timer.retry(0, reply.retryAfterMs, now);
    else if (this.#isHopeless(this.#ballot)) this.#timer.retry(this.#turn(), 0, now);
    return true;
  }

  /** Whether whoever can answer has answered. */
  #isHopeless(ballot: Ballot): boolean {
    return this.#connectedVoters().every((id) => ballot.hasAnswered(id));
  }

  /** How many of the voters that can be reached come before this one, in an order that all agree on. */
  #turn(without?: NodeId): number {
    return this.#connectedVoters().filter((id) => id !== without && id < this.#config.self).length;
  }

  /** After the loss of a leader that others noticed too: no earlier than `from`, in an order that all agree on. */
  #standInTurn(lost: NodeId, from: MonotonicMs, now: MonotonicMs): void {
    this.#timer.standInTurn(this.#turn(lost), Math.max(from, now));
  }

  /** True when the term was later than this node's, which then follows it. */
  #learnTerm(term: number, now: MonotonicMs): boolean {
    if (term <= this.#voter.term) return false;
    this.#voter.adopt(term);
    this.#recordVersion += 1;
    this.#becomeFollower(now);
    return true;
  }

  #becomeFollower(now: MonotonicMs): void {
    if (this.#leading !== undefined) this.#observe(undefined, now);
    this.#role = 'follower';
    this.#leading = undefined;
    this.#ballot = undefined;
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
    const { ledger, deadline } = this.#leading;
    const round = ledger.open(now);
    // A majority of one renews its grant by itself.
    if (this.#voters.size === 1)
      this.#leading.deadline = Math.max(deadline, ledger.heldSince(now) + this.#config.leaseMs);
    this.#leading.heartbeatDue = now + this.#config.timings.heartbeatMs;
    for (const id of this.#connected) this.#sendHeartbeat(id, round);
  }

  #sendHeartbeat(to: NodeId, round: number): void {
    this.#outbox.send(to, { type: 'heartbeat', term: this.#voter.term, round });
  }

  #connectedVoters(): readonly NodeId[] {
    return [...this.#connected].filter((id) => this.#voters.has(id) && id !== this.#config.self);
  }
}

import type { ConfChange } from './conf-change.ts';
import { encodeConfChange } from './conf-change-codec.ts';
import { applyConfChange } from './membership.ts';
import { isReadContext, isSensible } from './message-check.ts';
import { isFromStorage, isLocalMessage, isResponse, message } from './messages.ts';
import type { Proposal } from './proposals.ts';
import { type RaftConfig, resolveConfig } from './raft-config.ts';
import { RaftError } from './raft-error.ts';
import { RaftState, type StepResult } from './raft-state.ts';
import { ReadyMaker } from './ready.ts';
import { mayRest } from './resting.ts';
import { type BasicStatus, basicStatus, fullStatus, type Status } from './status.ts';
import { leaseUntil } from './reading.ts';
import { resumeSending } from './replication.ts';
import { step } from './step.ts';
import { tick } from './ticking.ts';
import { hasCaughtUp } from './transfer.ts';
import { type ConfState, type Entry, type Message, NONE, type Ready } from './types.ts';

/**
 * One member of one group. Synchronous and single-threaded: every method returns at once, and what it brought about is
 * in the next `ready`. See the package documentation for the caller's duties.
 */
export class RaftNode {
  readonly #raft: RaftState;
  readonly #readyMaker: ReadyMaker;
  readonly #asyncStorageWrites: boolean;
  /** Without asynchronous writes: whether a `ready` is out that `advance` has not answered. */
  #readyIsOut = false;

  /** Goes on from what `config.storage` holds. Throws a RaftError `INVALID_CONFIG`, or `LOG_BROKEN`. */
  constructor(config: RaftConfig) {
    const resolved = resolveConfig(config);
    this.#asyncStorageWrites = resolved.asyncStorageWrites;
    this.#raft = new RaftState(resolved);
    this.#readyMaker = new ReadyMaker(this.#raft);
  }

  /** Time goes on. Called at a steady pace, which gives `electionTicks` and `heartbeatTicks` their meaning. */
  tick(): void {
    tick(this.#raft);
  }

  /** Tries to become leader now, whoever leads. 'not-electable' where it may not, 'later' where it does not know. */
  campaign(): StepResult {
    return this.#local({ type: 'Hup' });
  }

  /**
   * Asks for an entry to be appended. 'ok' promises nothing: only being applied means that it happened. 'no-leader',
   * 'transferring' and 'overloaded' say that it certainly was not appended.
   */
  propose(data: Uint8Array): StepResult {
    return this.proposeBatch([data]);
  }

  /** Asks for entries to be appended, one after the other and all or none, in one message to each follower. */
  proposeBatch(batch: readonly Uint8Array[]): StepResult {
    if (batch.length === 0) throw new RaftError('MISUSE', 'An empty batch was proposed');
    return this.#propose(batch.map((data) => ({ type: 'normal', data })));
  }

  /**
   * Asks for a change of the configuration. If the leader finds that it cannot be made now (another is under way, a
   * joint configuration is to be left first), an empty entry takes its place.
   */
  proposeConfChange(change: ConfChange): StepResult {
    return this.#propose([encodeConfChange(change)]);
  }

  /**
   * Makes a learner a voter if it has caught up (dissertation, 4.2.1): before, it would only make commits wait. Asked of
   * the leader; 'not-caught-up' anywhere else.
   */
  promoteLearner(id: number): StepResult {
    const raft = this.#raft;
    if (!raft.tracker.get(id)?.isLearner || !this.hasCaughtUp(id)) return 'not-caught-up';
    return this.proposeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'add-node', nodeId: id }] });
  }

  /** Whether this member has, in the eyes of this leader, all but the newest of the log; false where it doesn't lead. */
  hasCaughtUp(id: number): boolean {
    return this.#raft.role === 'leader' && hasCaughtUp(this.#raft, id);
  }

  /**
   * A committed entry holds this change: it takes effect. Called for each such entry, in order, before what follows it
   * is applied. Returns the new configuration, to be kept in snapshots. Throws a ConfChangeError if the change does not
   * fit; a host that does not want a change applies it with node ids of 0 instead.
   * @param index The entry's. Where entries are applied later than they are handed out, a snapshot may come in between
   *   whose configuration is a later one; it then stays.
   */
  applyConfChange(change: ConfChange, index: number): ConfState {
    return applyConfChange(this.#raft, change, index);
  }

  /**
   * Takes in a message of a peer, or of this process's storage. Whatever a peer says, as long as the fields are of their
   * types: what makes no sense is 'malformed' and changes nothing. That the peer is `m.from` is for the caller to know,
   * except of what may be sent on for another: proposals, reads, and wishes for a transfer.
   *
   * Throws a RaftError `LOG_BROKEN` when the leader says that something is committed which this node has acknowledged and
   * does not have.
   */
  step(m: Message): StepResult {
    const raft = this.#raft;
    if (isFromStorage(m)) return step(raft, m);
    if (isLocalMessage(m.type)) return 'local-only';
    if (!isSensible(m, raft.id)) return 'malformed';
    if (isResponse(m.type) && raft.tracker.get(m.from) === undefined) return 'unknown-peer';
    return step(raft, m);
  }

  /**
   * Entries for which storage had put this node off can be read now: sending and applying go on. To be called after any
   * 'later', even if the entries are gone meanwhile.
   */
  entriesLoaded(): void {
    this.#raft.log.entriesLoaded();
    if (this.#raft.role === 'leader') resumeSending(this.#raft);
  }

  /** Whether `ready` has something to do. */
  hasReady(): boolean {
    return this.#readyMaker.has();
  }

  /** What there is to do. Everything in it is to be done: it will not be told again. */
  ready(): Ready {
    if (this.#readyIsOut) throw new RaftError('MISUSE', 'A Ready was asked for before the last one was advanced past');
    this.#readyIsOut = !this.#asyncStorageWrites;
    return this.#readyMaker.make();
  }

  /** Without asynchronous writes: the last `ready` is written, and what it committed is applied. */
  advance(): void {
    if (this.#asyncStorageWrites)
      throw new RaftError('MISUSE', 'With asynchronous writes, storage answers by messages');
    this.#readyIsOut = false;
    for (const m of this.#readyMaker.takeOnAdvance()) step(this.#raft, m);
  }

  /**
   * Where this node stands; where it leads, how far each member has come, too. Made anew at each call, which takes as long
   * as there are members.
   */
  status(): Status {
    return fullStatus(this.#raft);
  }

  /** Where this node stands, as far as it takes no time to tell. */
  basicStatus(): BasicStatus {
    return basicStatus(this.#raft);
  }

  /** Messages to this peer were probably lost. */
  reportUnreachable(id: number): void {
    this.#local({ type: 'Unreachable', from: id });
  }

  /** The snapshot for this peer has been sent, or could not be. Without this word the peer is sent nothing more. */
  reportSnapshot(id: number, ok: boolean): void {
    this.#local({ type: 'SnapStatus', from: id, reject: !ok });
  }

  /** Asks the leader to hand leadership over to `id`. */
  transferLeader(id: number): StepResult {
    return this.#local({ type: 'TransferLeader', from: id });
  }

  /**
   * Whether this node stands for election, true at first. One that doesn't never campaigns, not even when its leader
   * wants to hand over to it, and gives up a campaign under way; it votes and follows as ever. A leader stays one.
   */
  get standing(): boolean {
    return this.#raft.standing;
  }

  set standing(standing: boolean) {
    const raft = this.#raft;
    raft.standing = standing;
    const isCampaigning = raft.role === 'candidate' || raft.role === 'pre-candidate';
    if (!standing && isCampaigning) raft.becomeFollower(raft.term, NONE);
  }

  /**
   * A leader leads no longer, and knows no leader of this term: its host found that it can't do its part, its disk having
   * stalled, say. Changes nothing on others.
   */
  stepDown(): void {
    const raft = this.#raft;
    if (raft.role === 'leader') raft.becomeFollower(raft.term, NONE);
  }

  /** A follower no longer thinks that it has a leader, and so votes for another: the host knows it to be dead. */
  forgetLeader(): StepResult {
    return this.#local({ type: 'ForgetLeader' });
  }

  /**
   * Sets when this node campaigns if it hears nothing: for hosts that want to choose who is first. Chance decides again
   * when the term changes.
   */
  setRandomizedElectionTicks(ticks: number): void {
    this.#raft.randomizedElectionTicks = ticks;
  }

  /**
   * Asks from which index on a read is linearizable. The answer is in `readStates` with this `context`, or never comes:
   * ask again after a while. The asker applies up to that index, then reads.
   * @param context The asker's name for the read: 1 to 1024 bytes.
   */
  readIndex(context: Uint8Array): StepResult {
    if (!isReadContext(context)) throw new RaftError('MISUSE', `A read's name has ${context.byteLength} bytes`);
    return this.#local({ type: 'ReadIndex', context });
  }

  /**
   * Until when, in milliseconds of the lease's clock, this leader may take its commit index for that of a linearizable
   * read without asking anyone. -Infinity where it may not: this node does not lead, has committed nothing in its term, no
   * lease is configured, or it was given up by handing over. To be asked anew for each read.
   */
  leaseUntil(): number {
    return leaseUntil(this.#raft);
  }

  /**
   * Of a leader: the index up to which each voter has the log on its disk, in a joint configuration each of both halves.
   * What waits for all voters waits for this. 0 anywhere else.
   */
  minVoterMatch(): number {
    return this.#raft.role === 'leader' ? this.#raft.tracker.minVoterMatch() : 0;
  }

  /**
   * Whether this leader would do nothing but send heartbeats: everything is on the disks of all members, committed and
   * applied here, and no read, change, transfer or `ready` waits. Its group may then stop to tick on all nodes at once,
   * until anything happens. A follower may not have heard yet that the last entries are committed: whoever tells it to
   * rest tells it so too, by a heartbeat with this `commit`.
   */
  mayRest(): boolean {
    return mayRest(this.#raft) && !this.hasReady();
  }

  #propose(proposals: readonly Proposal[]): StepResult {
    const entries = proposals.map(({ type, data }): Entry => ({ index: 0, term: 0, type, data }));
    return this.#local({ type: 'Prop', entries });
  }

  #local(fields: Parameters<typeof message>[0]): StepResult {
    return step(this.#raft, message(fields, fields.from ?? this.#raft.id));
  }
}

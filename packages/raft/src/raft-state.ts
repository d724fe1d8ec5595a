import { ConfChangeScan } from './conf-change-scan.ts';
import { Lease } from './lease.ts';
import { message, type MessageFields } from './messages.ts';
import { ProgressTracker } from './progress-tracker.ts';
import type { ResolvedConfig } from './raft-config.ts';
import { RaftError } from './raft-error.ts';
import { RaftLog } from './raft-log.ts';
import { ReadQueue } from './read-queue.ts';
import { type HardState, type Message, NONE, type ReadState, type Role, type SoftState } from './types.ts';

/** What became of a message or request. All are part of normal life. */
export type StepResult =
  | 'ok'
  /** No leader takes it: none is known, or it is another node and not to be sent proposals. */
  | 'no-leader'
  /** A leader takes no proposals while it hands over. */
  | 'transferring'
  /** The leader holds as much uncommitted, or as many reads that wait, as it may. */
  | 'overloaded'
  /** This node may not campaign now: it does not stand, is no voter, has promised its vote to a leader, or such. */
  | 'not-electable'
  /** Entries have to be loaded first; ask again after `entriesLoaded`. */
  | 'later'
  /** The learner is not (reachable and) up to date with this leader; ask again later. */
  | 'not-caught-up'
  /** An answer came from a node that is no member (any more). */
  | 'unknown-peer'
  /** What came makes no sense, whoever says it. Nothing has changed. */
  | 'malformed'
  /** What only this process may say came from elsewhere. */
  | 'local-only';

/**
 * Everything a node knows, and the few things that keep it whole: sending, and starting anew in a term. What the
 * roles do with it is in files of their own.
 */
export class RaftState {
  readonly config: ResolvedConfig;
  readonly log: RaftLog;
  readonly tracker: ProgressTracker;
  readonly reads: ReadQueue = new ReadQueue();
  readonly lease: Lease | undefined;
  readonly confChanges: ConfChangeScan = new ConfChangeScan();

  term = 0;
  vote: number = NONE;
  role: Role = 'follower';
  leader: number = NONE;
  isLearner = false;
  /** Whether this node's host wants it to campaign. */
  standing = true;

  /** Ticks since the last word from the leader or grant of a vote; for a leader: since its last check of the quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** In [electionTicks, 2 electionTicks), and drawn anew for each term; more while there is a leader but better ones. */
  randomizedElectionTicks = 0;

  /** With leases: ticks for which this node has promised to vote for nobody but the leader it heard of. */
  promisedTicks = 0;
  /** Where the log ended when an election time passed last: who has that is not far behind. Infinite at first. */
  caughtUpIndex: number = Infinity;
  /** Election times for which leadership is not offered again to a node of higher priority. */
  offerPause = 0;

  /** To whom this leader is handing over, or `NONE`. Meanwhile it takes no proposals. */
  transferee: number = NONE;
  /** No change of configuration is proposed before this index is applied: it may be one. */
  pendingConfIndex = 0;
  /** The configuration is that of a snapshot at this index: older changes are in it. */
  confIndex = 0;
  /** Bytes of this leader's proposals that are not applied yet; an estimate from above. */
  uncommittedBytes = 0;

  /** As far as was asked yet: it is not asked again for each heartbeat. */
  #diskKnowsTerm = false;

  /** To be sent at once. */
  messages: Message[] = [];
  /** To be sent when what this node has noted so far is durable: they promise it. */
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];

  constructor(config: ResolvedConfig) {
    const { hardState, confState } = config.storage.initialState();
    this.config = config;
    this.log = new RaftLog(config.storage, config.maxCommittedSizePerReady);
    this.tracker = new ProgressTracker(config);
    this.tracker.restore(confState, this.log.lastIndex);
    this.isLearner = this.tracker.get(config.id)?.isLearner ?? false;
    this.lease = config.lease && new Lease(config.lease, config.electionTicks);
    this.#load(hardState);
    // What it may have promised before it restarted is forgotten, so it is kept for the longest possible time.
    if (this.term > config.leaderlessTerm) this.#promise();
    if (config.applied > this.log.applied) this.#resumeApplied(config.applied);
    this.reset(this.term);
  }

  get id(): number {
    return this.config.id;
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  softState(): SoftState {
    return { leader: this.leader, role: this.role };
  }

  /** Whether this node may become leader: a voter that stands, and whose log is not about to be replaced by a snapshot. */
  get promotable(): boolean {
    if (!this.standing || this.config.witness || this.log.unstable.hasSnapshot) return false;
    return this.tracker.get(this.id)?.isLearner === false;
  }

  /** Within an election time of a leader's word, nobody helps another to depose it. */
  get isLoyal(): boolean {
    return this.config.checkQuorum && this.leader !== NONE && this.electionElapsed < this.config.electionTicks;
  }

  /**
   * Puts a message into its outbox. What says that something is durable here goes out only once it is; anything else
   * may overtake the disk.
   */
  send(fields: MessageFields): void {
    const { type } = fields;
    const carriesOwnTerm = type === 'Vote' || type === 'VoteResp' || type === 'PreVote' || type === 'PreVoteResp';
    const isForwarded = type === 'Prop' || type === 'ReadIndex';
    const term = carriesOwnTerm ? (fields.term ?? 0) : isForwarded ? 0 : this.term;
    const complete = message(fields, fields.from || this.id, term);
    const isPromise = type === 'AppResp' || type === 'VoteResp' || type === 'PreVoteResp';
    if (isPromise || (type === 'HeartbeatResp' && this.#wouldForgetLease())) this.messagesAfterAppend.push(complete);
    else this.messages.push(complete);
  }

  /** Starts anew in `term`, which may be the present one, without a leader and knowing nothing of the others' logs. */
  reset(term: number): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = NONE;
    }
    this.leader = NONE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.randomizedElectionTicks = this.#drawElectionTicks();
    this.transferee = NONE;
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.reads.clear();
    this.lease?.reset();
    this.caughtUpIndex = Infinity;
    this.offerPause = 0;
    this.tracker.clearVotes();
    this.#resetProgress();
  }

  becomeFollower(term: number, leader: number): void {
    this.reset(term);
    this.role = 'follower';
    if (leader !== NONE) this.heardFromLeader(leader);
  }

  heardFromLeader(leader: number): void {
    this.electionElapsed = 0;
    if (leader !== this.leader) this.#deferToPriority();
    this.leader = leader;
    this.#promise();
  }

  /** Whether this node, restarted now, would not know that it may have promised something: its disk knows no such term. */
  #wouldForgetLease(): boolean {
    if (this.lease === undefined || this.#diskKnowsTerm) return false;
    const { leaderlessTerm, storage } = this.config;
    this.#diskKnowsTerm = storage.initialState().hardState.term > leaderlessTerm;
    return !this.#diskKnowsTerm;
  }

  #promise(): void {
    if (this.lease !== undefined) this.promisedTicks = this.config.electionTicks;
  }

  /** Chance keeps nodes from campaigning all at once, again and again. */
  #drawElectionTicks(): number {
    const { electionTicks, random } = this.config;
    return electionTicks + random.int(electionTicks);
  }

  /**
   * When this leader is gone, nodes of higher priority campaign first. Only once: if none of them wins in that term, it
   * may be that this node's log is needed.
   */
  #deferToPriority(): void {
    const { electionTicks, priority } = this.config;
    const ownPriority = priority(this.id);
    if (this.tracker.voterIds().some((id) => priority(id) > ownPriority)) {
      this.randomizedElectionTicks = this.#drawElectionTicks() + electionTicks;
    }
  }

  #resetProgress(): void {
    const { lastIndex } = this.log;
    for (const [id, progress] of this.tracker.progress) progress.reset(lastIndex + 1, id === this.id ? lastIndex : 0);
  }

  /** What was applied was committed, even if the note of that did not reach the disk before a crash. */
  #resumeApplied(index: number): void {
    this.log.commitTo(index);
    this.log.appliedTo(index, 0);
  }

  #load(hardState: HardState): void {
    const { commit } = hardState;
    if (commit > this.log.lastIndex) {
      throw new RaftError(
        'LOG_BROKEN',
        `Entry ${commit} was committed, but the stored log ends at ${this.log.lastIndex}`,
      );
    }
    this.log.commitTo(commit);
    this.term = hardState.term;
    this.vote = hardState.vote;
  }
}

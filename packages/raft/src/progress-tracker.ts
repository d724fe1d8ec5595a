import type { NextConfig } from './conf-change.ts';
import { Progress, type WindowBounds } from './progress.ts';
import { jointCommitted, jointVote, voterIds } from './quorum/joint.ts';
import type { VoteResult } from './quorum/majority.ts';
import { EMPTY_CONFIG, fromConfState, toConfState, type TrackerConfig } from './tracker-config.ts';
import type { ConfState } from './types.ts';

/** How an election stands. Only voters are counted. */
export interface VoteTally {
  readonly granted: number;
  readonly rejected: number;
  readonly result: VoteResult;
}

/** The configuration of the group, what is known of each member, and the votes of an election under way. */
export class ProgressTracker {
  /** Of all followers. */
  readonly #window: WindowBounds;
  /** Undefined while none is cast. */
  #votes: Map<number, boolean> | undefined;
  #config: TrackerConfig = EMPTY_CONFIG;
  /** One for each member, voter or learner, in ascending order of id. */
  #progress: ReadonlyMap<number, Progress> = new Map();
  readonly #matchOf = (id: number): number | undefined => this.#progress.get(id)?.match;

  constructor(window: WindowBounds) {
    this.#window = window;
  }

  get config(): TrackerConfig {
    return this.#config;
  }

  /** Everyone's progress, this node's own included, in ascending order of id. */
  get progress(): ReadonlyMap<number, Progress> {
    return this.#progress;
  }

  get(id: number): Progress | undefined {
    return this.#progress.get(id);
  }

  /**
   * Takes over a configuration. Members stay as they are known, new ones are probed from `lastIndex` on, and count as
   * recently active: otherwise a leader could step down before they had a chance to be heard.
   */
  switchTo(next: NextConfig, lastIndex: number): void {
    const { config, fresh } = next;
    const members = [...voterIds(config.voters), ...config.learners].sort((a, b) => a - b);
    const progress = new Map<number, Progress>();
    for (const id of members) {
      const isLearner = config.learners.has(id);
      const known = fresh.has(id) ? undefined : this.#progress.get(id);
      if (known) known.isLearner = isLearner;
      progress.set(id, known ?? this.#newProgress(Math.max(lastIndex, 1), isLearner));
    }
    this.#config = config;
    this.#progress = progress;
  }

  /** Takes over the configuration of a snapshot or of storage. All members start anew. Throws a RangeError. */
  restore(state: ConfState, lastIndex: number): void {
    const config = fromConfState(state);
    this.#progress = new Map();
    this.switchTo({ config, fresh: new Set() }, lastIndex);
  }

  confState(): ConfState {
    return toConfState(this.#config);
  }

  /** The highest index known to be durable on a majority (on both, in a joint configuration). */
  committed(): number {
    return jointCommitted(this.#config.voters, this.#matchOf);
  }

  /** The lowest index up to which every voter, of either half of a joint configuration, is known to agree. */
  minVoterMatch(): number {
    const { incoming, outgoing } = this.#config.voters;
    let lowest = Infinity;
    for (const id of incoming) lowest = Math.min(lowest, this.#matchOf(id) ?? 0);
    for (const id of outgoing) lowest = Math.min(lowest, this.#matchOf(id) ?? 0);
    return lowest;
  }

  /** Whether this node could decide everything by itself: the only voter there is. */
  isSingleton(): boolean {
    return this.#config.voters.incoming.size === 1 && this.#config.voters.outgoing.size === 0;
  }

  voterIds(): readonly number[] {
    return voterIds(this.#config.voters);
  }

  learnerIds(): readonly number[] {
    return toConfState(this.#config).learners;
  }

  /** Whether a quorum was heard of since `recentActive` was last cleared. */
  quorumActive(): boolean {
    return jointVote(this.#config.voters, (id) => this.#progress.get(id)?.recentActive ?? false) === 'won';
  }

  clearVotes(): void {
    this.#votes = undefined;
  }

  /** A node's first answer counts; what it says later is ignored. */
  recordVote(id: number, granted: boolean): void {
    this.#votes ??= new Map();
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  /** Votes of nodes that are learners or no members are left out: they may have been voters when they were asked. */
  tallyVotes(): VoteTally {
    let granted = 0;
    let rejected = 0;
    for (const [id, progress] of this.#progress) {
      const vote = progress.isLearner ? undefined : this.#votes?.get(id);
      if (vote === true) granted += 1;
      if (vote === false) rejected += 1;
    }
    return { granted, rejected, result: jointVote(this.#config.voters, (id) => this.#votes?.get(id)) };
  }

  #newProgress(next: number, isLearner: boolean): Progress {
    return new Progress({ next, isLearner, window: this.#window });
  }
}

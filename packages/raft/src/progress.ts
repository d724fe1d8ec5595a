import { Inflights } from './inflights.ts';

/**
 * How entries are sent to a follower. `probe`: one message at a time, until it is known where its log agrees;
 * `replicate`: a stream, entries being counted as received when they are sent; `snapshot`: nothing, until
 * the snapshot has arrived or failed.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** How a new progress starts. */
export interface ProgressOptions {
  readonly next: number;
  readonly isLearner: boolean;
  /** All members have the same. */
  readonly window: WindowBounds;
}

/** How much may be on its way to a follower. */
export interface WindowBounds {
  readonly maxInflightMessages: number;
  /** `Infinity` for no bound. */
  readonly maxInflightBytes: number;
}

/**
 * What the leader knows of a follower's log, and what it may send to it now.
 *
 * Always `match < next`: entries up to `match` are known to be there, those from `next` on weren't sent yet.
 */
export class Progress {
  readonly #window: WindowBounds;
  /** Undefined while nothing has been sent since the last start: of most members of many groups that is always so. */
  #inflights: Inflights | undefined;
  isLearner: boolean;
  /** Whether it was heard of since the leader last checked its quorum. */
  recentActive = true;
  #match = 0;
  #next: number;
  #state: ProgressState = 'probe';
  #pendingSnapshot = 0;
  #flowPaused = false;
  #awaitsEntries = false;
  /** The highest commit index that was sent: sending it again would tell nothing. */
  #sentCommit = 0;

  constructor({ next, isLearner, window }: ProgressOptions) {
    this.#next = next;
    this.isLearner = isLearner;
    this.#window = window;
  }

  get inflights(): Inflights {
    return (this.#inflights ??= new Inflights(this.#window.maxInflightMessages, this.#window.maxInflightBytes));
  }

  /** The highest index known to agree with the leader's log. */
  get match(): number {
    return this.#match;
  }

  /** The index of the first entry to send next. */
  get next(): number {
    return this.#next;
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** The index of the snapshot under way; 0 outside of `snapshot`. */
  get pendingSnapshot(): number {
    return this.#pendingSnapshot;
  }

  /** Whether no entries may be sent now. Heartbeats are, whatever this says. */
  get paused(): boolean {
    return this.#state === 'snapshot' || this.#flowPaused || this.#awaitsEntries;
  }

  /** Whether the next entries have to be loaded before anything is sent. */
  get awaitsEntries(): boolean {
    return this.#awaitsEntries;
  }

  /** What is to be sent next is not at hand. */
  awaitEntries(): void {
    this.#awaitsEntries = true;
  }

  entriesLoaded(): void {
    this.#awaitsEntries = false;
  }

  /** Sends one message at a time from here on. After a snapshot that arrived: from the entry after it. */
  becomeProbe(): void {
    const afterSnapshot = this.#state === 'snapshot' ? this.#pendingSnapshot + 1 : 0;
    this.#enter('probe');
    this.#next = Math.max(this.#match + 1, afterSnapshot);
    this.#forgetCommitsNotReceived();
  }

  /** Streams, from the entry after `match`. */
  becomeReplicate(): void {
    this.#enter('replicate');
    this.#next = this.#match + 1;
  }

  /** Waits for the snapshot that ends at `index`. */
  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.#pendingSnapshot = index;
    this.#next = index + 1;
    this.#sentCommit = index;
  }

  /** The snapshot was sent, or could not be. Nothing follows before the follower's word or the next heartbeat. */
  snapshotDone(arrived: boolean): void {
    if (!arrived) this.#pendingSnapshot = 0;
    this.becomeProbe();
    this.#flowPaused = true;
  }

  /** Notes an append message of so many entries from `next` on. `bytes` is the payload. Not in `snapshot`. */
  sentEntries(entries: number, bytes: number): void {
    if (this.#state === 'snapshot') throw new Error('entries were sent while a snapshot is under way');
    if (this.#state === 'probe') {
      if (entries > 0) this.#flowPaused = true;
      return;
    }
    if (entries > 0) {
      this.#next += entries;
      this.inflights.add(this.#next - 1, bytes);
    }
    // An empty message to a follower whose window is full is a probe: one of them is enough.
    this.#flowPaused = this.inflights.full;
  }

  /** Whether telling the commit index would let the follower commit more than it could so far. */
  canBumpCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.#next - 1;
  }

  sentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /** Lets one more message through, though the window is full: the last probe may have been lost. */
  resumeFlow(): void {
    this.#flowPaused = false;
  }

  /** The follower has everything up to `index`. False if that is no news. */
  acknowledge(index: number): boolean {
    if (index <= this.#match) return false;
    this.#match = index;
    this.#next = Math.max(this.#next, index + 1);
    this.#flowPaused = false;
    return true;
  }

  /**
   * The follower refused the entries after `rejected`, and says that its log may agree up to `hint`. Steps back,
   * or returns false if the refusal is an old one.
   */
  stepBack(rejected: number, hint: number): boolean {
    if (this.#state === 'replicate') {
      if (rejected <= this.#match) return false;
      this.#next = this.#match + 1;
    } else {
      // While probing there is one message at a time, and it was about `next`.
      if (this.#next - 1 !== rejected) return false;
      this.#next = Math.max(Math.min(rejected, hint + 1), this.#match + 1);
      this.#flowPaused = false;
    }
    this.#forgetCommitsNotReceived();
    return true;
  }

  /** Starts anew, as a new leader does, which knows nothing of its followers. Keeps nothing but the role. */
  reset(next: number, match: number): void {
    this.#enter('probe');
    this.#match = match;
    this.#next = next;
    this.#sentCommit = 0;
    this.recentActive = false;
  }

  #enter(state: ProgressState): void {
    this.#state = state;
    this.#pendingSnapshot = 0;
    this.#flowPaused = false;
    this.#awaitsEntries = false;
    this.#inflights = undefined;
  }

  #forgetCommitsNotReceived(): void {
    this.#sentCommit = Math.min(this.#sentCommit, this.#next - 1);
  }
}

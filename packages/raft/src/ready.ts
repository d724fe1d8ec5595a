import { entriesBytes } from './entry-size.ts';
import { message } from './messages.ts';
import type { RaftState } from './raft-state.ts';
import {
  type Entry,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type Ready,
  type Snapshot,
  type SoftState,
} from './types.ts';

const NO_MESSAGES: readonly Message[] = [];

/** Makes the lists of what there is to do, and remembers what has been handed out. */
export class ReadyMaker {
  readonly #raft: RaftState;
  #softState: SoftState;
  #hardState: HardState;
  /** Without asynchronous writes: what this node says to itself once the caller has carried everything out. */
  #onAdvance: readonly Message[] = NO_MESSAGES;

  constructor(raft: RaftState) {
    this.#raft = raft;
    this.#softState = raft.softState();
    this.#hardState = raft.hardState();
  }

  /** Whether the list would hold anything. */
  has(): boolean {
    const raft = this.#raft;
    if (raft.messages.length > 0 || raft.messagesAfterAppend.length > 0 || raft.readStates.length > 0) return true;
    if (this.#softStateChanged() || this.#hardStateChanged()) return true;
    const { log } = raft;
    if (log.unstable.hasNextEntries || log.unstable.nextSnapshot() !== undefined) return true;
    return log.hasNextCommitted(this.#appliesUnstable);
  }

  /** The list; its content will not be in the next one. */
  make(): Ready {
    const raft = this.#raft;
    const hardState = this.#hardStateChanged() ? raft.hardState() : undefined;
    const entries = raft.log.unstable.nextEntries();
    const snapshot = raft.log.unstable.nextSnapshot();
    const committedEntries = raft.log.nextCommitted(this.#appliesUnstable);
    const mustSync = entries.length > 0 || this.#voteChanged();
    const ready: Ready = {
      softState: this.#softStateChanged() ? raft.softState() : undefined,
      hardState,
      readStates: raft.readStates,
      entries,
      snapshot,
      committedEntries,
      messages: raft.config.asyncStorageWrites
        ? this.#withStorageMessages(hardState, entries, snapshot, committedEntries)
        : this.#withoutOwnMessages(snapshot, committedEntries),
      mustSync,
    };
    this.#accept(ready);
    return ready;
  }

  /** What this node says to itself after the caller has carried everything out; handed over once. */
  takeOnAdvance(): readonly Message[] {
    const messages = this.#onAdvance;
    this.#onAdvance = NO_MESSAGES;
    return messages;
  }

  /** Where nothing is applied before the caller has written everything, it need not be durable to be handed out. */
  get #appliesUnstable(): boolean {
    return !this.#raft.config.asyncStorageWrites;
  }

  #softStateChanged(): boolean {
    return this.#softState.leader !== this.#raft.leader || this.#softState.role !== this.#raft.role;
  }

  #voteChanged(): boolean {
    return this.#hardState.term !== this.#raft.term || this.#hardState.vote !== this.#raft.vote;
  }

  #hardStateChanged(): boolean {
    return this.#voteChanged() || this.#hardState.commit !== this.#raft.log.committed;
  }

  /** Everything that waits for the disk goes with the write, as its answers. */
  #withStorageMessages(
    hardState: HardState | undefined,
    entries: readonly Entry[],
    snapshot: Snapshot | undefined,
    committedEntries: readonly Entry[],
  ): readonly Message[] {
    const raft = this.#raft;
    const { messages, messagesAfterAppend } = raft;
    const writes = hardState !== undefined || entries.length > 0 || snapshot !== undefined;
    if (writes || messagesAfterAppend.length > 0) {
      const written = this.#storageAppendResp(snapshot);
      if (written !== undefined) messagesAfterAppend.push(written);
      const to = LOCAL_APPEND_THREAD;
      const responses = messagesAfterAppend;
      messages.push(message({ type: 'StorageAppend', to, entries, snapshot, responses, ...hardState }, raft.id));
    }
    if (committedEntries.length > 0) {
      const responses = [this.#storageApplyResp(committedEntries)];
      const to = LOCAL_APPLY_THREAD;
      messages.push(message({ type: 'StorageApply', to, entries: committedEntries, responses }, raft.id));
    }
    return messages;
  }

  /** The caller sends the messages after it has written, and `advance` tells this node its own. */
  #withoutOwnMessages(snapshot: Snapshot | undefined, committedEntries: readonly Entry[]): readonly Message[] {
    const { messages, messagesAfterAppend, id } = this.#raft;
    const own: Message[] = [];
    for (const m of messagesAfterAppend) (m.to === id ? own : messages).push(m);
    const written = this.#storageAppendResp(snapshot);
    if (written !== undefined) own.push(written);
    if (committedEntries.length > 0) own.push(this.#storageApplyResp(committedEntries));
    this.#onAdvance = own;
    return messages;
  }

  /**
   * Says, when it comes back, up to where the log is durable. It is of the present term, so that it is ignored if
   * entries may have been overwritten meanwhile; what they were overwritten with comes with an answer of its own.
   */
  #storageAppendResp(snapshot: Snapshot | undefined): Message | undefined {
    const { log, id, term } = this.#raft;
    const hasEntries = log.unstable.length > 0;
    if (!hasEntries && snapshot === undefined) return undefined;
    const index = hasEntries ? log.lastIndex : 0;
    const logTerm = hasEntries ? log.lastTerm : 0;
    return message({ type: 'StorageAppendResp', to: id, index, logTerm, snapshot }, LOCAL_APPEND_THREAD, term);
  }

  #storageApplyResp(entries: readonly Entry[]): Message {
    return message({ type: 'StorageApplyResp', to: this.#raft.id, entries }, LOCAL_APPLY_THREAD);
  }

  #accept(ready: Ready): void {
    const raft = this.#raft;
    if (ready.softState !== undefined) this.#softState = ready.softState;
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    if (raft.readStates.length > 0) raft.readStates = [];
    raft.messages = [];
    raft.messagesAfterAppend = [];
    raft.log.unstable.acceptInProgress();
    const last = ready.committedEntries.at(-1);
    if (last === undefined) return;
    raft.log.acceptApplying(last.index, entriesBytes(ready.committedEntries), this.#appliesUnstable);
  }
}

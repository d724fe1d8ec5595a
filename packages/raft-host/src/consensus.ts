import { type GroupLog, type LogBatch, MAX_APPEND_BYTES } from '@quorate/core';
import {
  type ConfState,
  decodeConfChange,
  type Entry,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  RaftNode,
  type RaftConfig,
  type Ready,
  type ReadState,
  type Snapshot,
  type SoftState,
  type StepResult,
} from '@quorate/raft';
import type { EntryBatches } from './entry-batches.ts';
import type { GroupLogView } from './group-log-view.ts';

/** What consensus asks of those around it. */
export interface ConsensusHooks {
  /** To another member; it may be lost. */
  send(message: Message): void;
  /** Apply these, in order, after what was handed over before; then call `settled`. */
  apply(entries: readonly Entry[], settled: () => void): void;
  /** Replace the machine's state, after what was handed over before, by this snapshot, which is in the log store. */
  restore(snapshot: Snapshot): Promise<void>;
  readable(reads: readonly ReadState[]): void;
  roleChanged(state: SoftState): void;
  /** Term and vote, in the form in which they are stored. */
  encodeState(term: number, vote: number): Uint8Array;
  /** Runs what came from outside (a disk, a machine), and then has `process` called. */
  input(act: () => void): void;
  /** The group can't go on. */
  failed(error: unknown): void;
}

/** A write under way, and what to say when it is done. */
interface Write {
  isDone: boolean;
  readonly responses: Message[];
  readonly hardState: { readonly term: number; readonly vote: number; readonly commit: number } | undefined;
}

/** Does what a `RaftNode` asks for: writes, sends, has applied. Everything synchronous but the disk and the machine. */
export class Consensus {
  readonly node: RaftNode;
  readonly #log: GroupLog;
  readonly #view: GroupLogView;
  readonly #batches: EntryBatches;
  readonly #hooks: ConsensusHooks;
  readonly #id: number;
  /** In order; each is answered for after those before it. */
  readonly #writes: Write[] = [];
  /** As handed to the disk last. */
  #handed: { readonly term: number; readonly vote: number };
  /** How far the log is known to be committed, and how much of that was handed to the disk. */
  #commit = 0;
  #handedCommit = 0;
  #stalledTicks = 0;
  /** To be written, in order. */
  #storageWork: Message[] = [];
  #isProcessing = false;
  #isOver = false;

  constructor(
    config: RaftConfig & { readonly storage: GroupLogView },
    parts: { readonly log: GroupLog; readonly batches: EntryBatches; readonly hooks: ConsensusHooks },
  ) {
    this.#log = parts.log;
    this.#view = config.storage;
    this.#batches = parts.batches;
    this.#hooks = parts.hooks;
    this.#id = config.id;
    this.#handed = config.storage.initialState().hardState;
    this.node = new RaftNode({ ...config, asyncStorageWrites: true });
  }

  /** Ticks for which the disk has owed an answer and given none. */
  get stalledTicks(): number {
    return this.#stalledTicks;
  }

  /** Nothing happens from here on. */
  end(): void {
    this.#isOver = true;
  }

  tick(): void {
    this.#stalledTicks = this.#writes.length === 0 ? 0 : this.#stalledTicks + 1;
    this.#guarded(() => this.node.tick());
  }

  step(message: Message): void {
    this.#guarded(() => this.node.step(message));
  }

  /** Calls the node, and leaves what follows from it to the next `process`. Undefined once the group has failed. */
  ask(call: (node: RaftNode) => StepResult): StepResult | undefined {
    let result: StepResult | undefined;
    this.#guarded(() => (result = call(this.node)));
    return result;
  }

  /** Entries that the node was put off with have come. */
  entriesLoaded(): void {
    if (!this.#isOver) this.#hooks.input(() => this.#guarded(() => this.node.entriesLoaded()));
  }

  /** A committed entry with a change of the configuration is applied. */
  applyConfChange(entry: Entry): ConfState | undefined {
    let state: ConfState | undefined;
    this.#guarded(() => (state = this.node.applyConfChange(decodeConfChange(entry), entry.index)));
    return state;
  }

  /** Has term and vote stored anew: what is stored beside them has changed. */
  async rewriteState(): Promise<void> {
    const { term, vote } = this.#handed;
    try {
      await this.#log.append([], { state: this.#hooks.encodeState(term, vote) });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Does all that there is to do now, but for writing: what peers are sent goes out before the own disk is set to work. */
  process(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    this.#guarded(() => {
      while (!this.#isOver && this.node.hasReady()) this.#carryOut(this.node.ready());
    });
    this.#isProcessing = false;
  }

  /** Hands to the disk what `process` has found. True when there is something to process again. */
  write(): boolean {
    const work = this.#storageWork;
    if (work.length === 0) return false;
    this.#storageWork = [];
    this.#guarded(() => {
      for (const message of work) this.#append(message);
    });
    return !this.#isOver && this.node.hasReady();
  }

  #carryOut({ softState, readStates, messages }: Ready): void {
    if (softState !== undefined) this.#hooks.roleChanged(softState);
    for (const message of messages) {
      if (message.to === LOCAL_APPEND_THREAD) this.#storageWork.push(message);
      else if (message.to === LOCAL_APPLY_THREAD) this.#apply(message);
      else this.#hooks.send(message);
    }
    if (readStates.length > 0) this.#hooks.readable(readStates);
  }

  #append({ entries, snapshot, term, vote, commit, responses }: Message): void {
    const isNewState = term !== 0 && (term !== this.#handed.term || vote !== this.#handed.vote);
    this.#commit = Math.max(this.#commit, commit);
    if (entries.length === 0 && snapshot === undefined && !isNewState) {
      this.#afterWrites(responses);
      return;
    }
    if (isNewState) this.#handed = { term, vote };
    const state = isNewState ? this.#hooks.encodeState(term, vote) : undefined;
    const hardState = term === 0 ? undefined : { term, vote, commit };
    const write: Write = { isDone: false, responses: [...responses], hardState };
    this.#writes.push(write);
    const installed = snapshot === undefined ? undefined : this.#install(snapshot);
    const appended = this.#write(entries, state);
    (installed === undefined ? appended : Promise.all([installed, appended])).then(
      () => this.#written(write),
      (error: unknown) => this.#fail(error),
    );
  }

  /** What waits for no write of its own still must not overtake those under way: it may speak of them. */
  #afterWrites(responses: readonly Message[]): void {
    const last = this.#writes.at(-1);
    if (last === undefined) this.#respond(responses);
    else last.responses.push(...responses);
  }

  /**
   * With whatever is written goes what is known to be committed, even if it was known before: whoever has a change of the
   * members in its log must know after a crash, too, that those before it are committed.
   */
  #write(entries: readonly Entry[], state: Uint8Array | undefined): Promise<unknown> {
    this.#view.appending(entries);
    const commit = this.#commit > this.#handedCommit ? this.#commit : undefined;
    this.#handedCommit = this.#commit;
    const parts = inParts(entries.map(this.#batches.of));
    const last = parts.length - 1;
    // No entry is ever on disk without the term that it is of; nor a commit index without its entry.
    const appends = parts.map((part, at) =>
      this.#log.append(part, {
        ...(at === 0 && state !== undefined && { state }),
        ...(at === last && commit !== undefined && { commit }),
      }),
    );
    return appends.length === 1 ? (appends[0] as Promise<void>) : Promise.all(appends);
  }

  /** The snapshot is in the log store already; what it replaces goes. */
  async #install(snapshot: Snapshot): Promise<void> {
    const { index, term } = snapshot.metadata;
    this.#view.release();
    const restored = this.#hooks.restore(snapshot);
    await Promise.all([this.#log.truncatePrefix(index, term), restored]);
  }

  #written(write: Write): void {
    if (this.#isOver) return;
    write.isDone = true;
    this.#stalledTicks = 0;
    if (!this.#writes[0]?.isDone) return;
    this.#hooks.input(() => {
      while (this.#writes[0]?.isDone) {
        const { hardState, responses } = this.#writes.shift() as Write;
        if (hardState !== undefined) this.#view.persisted(hardState);
        this.#guarded(() => this.#respond(responses));
      }
    });
  }

  #respond(responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === this.#id) this.node.step(response);
      else this.#hooks.send(response);
    }
  }

  #apply({ entries, responses }: Message): void {
    this.#hooks.apply(entries, () => {
      if (!this.#isOver) this.#hooks.input(() => this.#guarded(() => this.#respond(responses)));
    });
  }

  #guarded(act: () => unknown): void {
    if (this.#isOver) return;
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** After an error of the core or the disk nobody knows where the group stands. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hooks.failed(error);
  }
}

/** Batches in parts that one append takes; one part, without any, where there are none. */
function inParts(batches: readonly LogBatch[]): readonly LogBatch[][] {
  let part: LogBatch[] = [];
  const parts = [part];
  let bytes = 0;
  for (const batch of batches) {
    if (part.length > 0 && bytes + batch.bytes.length > MAX_APPEND_BYTES) {
      part = [];
      parts.push(part);
      bytes = 0;
    }
    part.push(batch);
    bytes += batch.bytes.length;
  }
  return parts;
}

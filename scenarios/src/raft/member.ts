import {
  type ConfState,
  decodeConfChange,
  type Entry,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type RaftConfig,
  type RaftNode,
  type Ready,
  type ReadState,
  type Snapshot,
} from '@quorate/raft';
import { Disk } from './disk.ts';
import { LogView } from './log-view.ts';
import { neverGoesBack, type RaftRules } from './rules.ts';
import { SpinGuard } from './spin-guard.ts';

export type RaftNodeClass = new (config: RaftConfig) => RaftNode;

const MAX_READS = 64;

/** What a host does in its own way. */
interface Habits {
  /** Its state machine outlives a crash. */
  readonly keepsState: boolean;
  /** It has its log on a disk, and at hand just what was read of it lately. */
  readonly forgetsPages?: boolean;
}

/** A node with its disk and its state machine. Everything it was handed is done in pieces, between which it may crash. */
export class Member {
  readonly id: number;
  readonly disk: Disk;
  node: RaftNode;
  conf: ConfState;
  index = 0;
  /** Crashed, and not yet back. */
  isDown = false;
  readonly #Node: RaftNodeClass;
  readonly #forgetsPages: boolean;
  readonly #config: RaftConfig;
  readonly #rules: RaftRules;
  readonly #send: (m: Message) => void;
  readonly #readFloors = new Map<string, number>();
  #reads = 0;
  #state = '';
  #log = new LogView(0, [0]);
  #committed = 0;
  #term = 0;
  #completeIn = 0;
  readonly #spinGuard = new SpinGuard();
  /** Handed out and not done. Without asynchronous writes: at most one. */
  #pending: { readonly ready: Ready; isWritten: boolean } | undefined;
  #appends: Message[] = [];
  #applies: Message[] = [];
  /** Words to itself: never lost but by a crash, and never reordered. */
  #inbox: Message[] = [];

  constructor(
    Node: RaftNodeClass,
    config: Omit<RaftConfig, 'storage'>,
    conf: ConfState,
    habits: Habits,
    rules: RaftRules,
    send: (m: Message) => void,
  ) {
    this.#Node = Node;
    this.#forgetsPages = habits.forgetsPages ?? false;
    this.disk = new Disk(this.#forgetsPages);
    this.#config = { ...config, storage: this.disk };
    this.#rules = rules;
    this.#send = send;
    this.id = config.id;
    this.conf = conf;
    if (conf.voters.length > 0) {
      this.disk.applySnapshot({ metadata: { index: 1, term: 1, confState: conf }, data: new Uint8Array() });
    }
    if (habits.keepsState) this.disk.conf = conf;
    this.node = this.start();
  }

  get isBusy(): boolean {
    const handedOut = this.#appends.length + this.#applies.length + this.#inbox.length;
    return !this.isDown && (handedOut > 0 || this.disk.isAsked || this.#pending !== undefined || this.node.hasReady());
  }

  crash(): void {
    this.isDown = true;
    this.#pending = undefined;
    this.#appends = [];
    this.#applies = [];
    this.#inbox = [];
    this.#readFloors.clear();
  }

  start(): RaftNode {
    const snapshot = this.disk.snapshot();
    const keepsState = this.disk.conf !== undefined;
    if (snapshot !== undefined && (!keepsState || snapshot.metadata.index > this.index)) this.#restore(snapshot);
    const base = this.disk.firstIndex() - 1;
    const terms = Array.from({ length: this.disk.lastIndex() - base + 1 }, (_, i) => this.disk.term(base + i) ?? 0);
    this.#log = new LogView(base, terms);
    const { hardState } = this.disk.initialState();
    this.#spinGuard.reset();
    this.forgetPages(0);
    this.node = new this.#Node({ ...this.#config, applied: this.index });
    this.isDown = false;
    this.#committed = Math.max(hardState.commit, base, this.index);
    this.#term = hardState.term;
    this.#completeIn = 0;
    this.check();
    return this.node;
  }

  /** What is true between any two events. */
  check(): void {
    if (this.isDown) return;
    const { term, role, commit } = this.node.basicStatus();
    neverGoesBack(`the term of ${this.id}`, this.#term, term);
    this.#term = term;
    if (role !== 'leader') return;
    this.#rules.leads(this.id, term);
    if (this.#readsByLease()) this.#rules.readsByLease(this.id, commit);
  }

  #readsByLease(): boolean {
    const { lease, leaseReads = true } = this.#config;
    return leaseReads && lease !== undefined && lease.now() < this.node.leaseUntil();
  }

  /** Where it has its log on a disk, what is older than the last `kept` entries has to be read again from now on. */
  forgetPages(kept: number): void {
    if (this.#forgetsPages) this.disk.unload(this.disk.lastIndex() - kept);
  }

  /** The disk has read what was asked for. */
  readPages(): void {
    if (!this.disk.isAsked) return;
    this.disk.load();
    this.#spinGuard.reset();
    this.node.entriesLoaded();
  }

  /** Takes what there is to do. */
  takeReady(): void {
    if (this.#pending !== undefined || !this.node.hasReady()) return;
    const ready = this.node.ready();
    this.#spinGuard.takes(this.id, ready);
    this.#observe(ready);
    const isLocal = (m: Message): boolean => m.to === LOCAL_APPEND_THREAD || m.to === LOCAL_APPLY_THREAD;
    if (!this.#config.asyncStorageWrites) {
      this.#pending = { ready, isWritten: false };
      return;
    }
    for (const m of ready.messages) {
      if (!isLocal(m)) this.#tell(m);
      else if (m.to === LOCAL_APPEND_THREAD) this.#appends.push(m);
      else this.#applies.push(m);
    }
  }

  /** The disk finishes its oldest piece of work; without asynchronous writes, the whole Ready goes one step on. */
  progressWrite(): void {
    if (this.#pending !== undefined) return this.#progressReady(this.#pending);
    const work = this.#appends.shift();
    if (work === undefined) return;
    this.disk.write({ ...work, hardState: work.term === 0 ? undefined : work });
    if (work.snapshot !== undefined) this.#install(work.snapshot);
    for (const m of work.responses) this.#tell(m);
  }

  progressApply(): void {
    const work = this.#applies.shift();
    if (work === undefined) return;
    this.#apply(work.entries);
    for (const m of work.responses) this.#tell(m);
  }

  hearItself(): void {
    const m = this.#inbox.shift();
    if (m !== undefined) this.node.step(m);
  }

  read(): void {
    if (this.#readFloors.size >= MAX_READS) this.#readFloors.clear();
    this.#reads += 1;
    const name = `${this.id}-${this.#reads}`;
    this.#readFloors.set(name, this.#rules.highestCommitted);
    this.node.readIndex(new TextEncoder().encode(name));
  }

  /** Takes a snapshot, and forgets entries up to `kept` before it. */
  compact(kept: number): void {
    const { disk, index } = this;
    if (index < (disk.snapshot()?.metadata.index ?? 0) || index < disk.firstIndex() || index > disk.lastIndex()) return;
    disk.createSnapshot(index, this.conf, new TextEncoder().encode(this.#state));
    disk.compact(index - kept);
  }

  #progressReady(pending: { readonly ready: Ready; isWritten: boolean }): void {
    const { ready } = pending;
    if (!pending.isWritten) {
      this.disk.write(ready);
      if (ready.snapshot !== undefined) this.#install(ready.snapshot);
      pending.isWritten = true;
      return;
    }
    for (const m of ready.messages) this.#tell(m);
    this.#apply(ready.committedEntries);
    this.#pending = undefined;
    this.node.advance();
  }

  #tell(m: Message): void {
    this.disk.mustHold(m);
    if (m.to === this.id) this.#inbox.push(m);
    else this.#send(m);
  }

  #observe({ snapshot, entries, hardState, readStates, committedEntries }: Ready): void {
    if (snapshot !== undefined) {
      const { index, term } = snapshot.metadata;
      neverGoesBack(`the log of ${this.id}, by a snapshot`, this.#committed, index);
      this.#log = new LogView(index, [term]);
    }
    for (const entry of entries) {
      if (entry.index <= this.#committed) throw new Error(`commit safety: ${this.id} overwrites ${entry.index}`);
      this.#rules.writes(this.id, entry, this.#log.term(entry.index - 1));
      this.#log.append(entry);
    }
    if (hardState !== undefined) this.#observeCommit(hardState.term, hardState.commit);
    this.#observeRole();
    for (const read of readStates) this.#observeRead(read);
    const last = committedEntries.at(-1)?.index ?? 0;
    if (last > this.#committed) throw new Error(`commit safety: ${this.id} applies ${last}, which is not committed`);
  }

  #observeCommit(term: number, commit: number): void {
    neverGoesBack(`the commit index of ${this.id}`, this.#committed, commit);
    for (let index = Math.max(this.#committed, this.#log.base - 1) + 1; index <= commit; index += 1)
      this.#rules.commits(this.id, term, index, this.#log.term(index));
    this.#committed = commit;
  }

  #observeRole(): void {
    const { role, term } = this.node.basicStatus();
    if (role !== 'leader' || term === this.#completeIn) return;
    this.#completeIn = term;
    this.#rules.isComplete(this.id, term, this.#log);
  }

  #observeRead({ index, context }: ReadState): void {
    const name = new TextDecoder().decode(context);
    this.#rules.reads(this.id, index, this.#readFloors.get(name) ?? 0);
    this.#readFloors.delete(name);
  }

  #install(snapshot: Snapshot): void {
    if (snapshot.metadata.index > this.index) this.#restore(snapshot);
  }

  #restore({ metadata, data }: Snapshot): void {
    this.index = metadata.index;
    this.#state = new TextDecoder().decode(data);
    this.#configured(metadata.confState);
    this.#rules.isInState(this.id, this.index, this.#state);
  }

  #configured(conf: ConfState): void {
    this.conf = conf;
    if (this.disk.conf !== undefined) this.disk.conf = conf;
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.index) continue;
      if (entry.index !== this.index + 1) throw new Error(`state machine safety: ${this.id} skips to ${entry.index}`);
      if (entry.index > this.disk.lastIndex()) throw new Error(`durability: ${this.id} applies what it might lose`);
      this.index = entry.index;
      this.#state = digest(this.#state, entry);
      this.#rules.isInState(this.id, this.index, this.#state);
      if (entry.type === 'normal') continue;
      this.#configured(this.node.applyConfChange(decodeConfChange(entry), entry.index));
      // Who was just added can only use a snapshot in which it is a member.
      this.compact(Infinity);
    }
  }
}

function digest(state: string, { term, data }: Entry): string {
  let hash = Math.imul(term, 0x9e37) ^ data.length;
  for (const byte of new TextEncoder().encode(state)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  for (const byte of data) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}

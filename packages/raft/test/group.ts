import { decodeConfChange, type Entry, type Message, RaftNode, type RaftConfig, type ReadState } from '../src/index.ts';
import { EMPTY_CONF_STATE, MemoryRaftStorage } from '../src/memory-raft-storage.ts';
import type { ConfState, Ready, Snapshot, SoftState } from '../src/types.ts';

export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
export const confState = (voters: readonly number[], learners: readonly number[] = []): ConfState => ({
  ...EMPTY_CONF_STATE,
  voters,
  learners,
});

export type Options = Omit<RaftConfig, 'id' | 'storage' | 'applied' | 'random'>;

/** What all nodes of a group must agree on, checked at every step. */
export class Facts {
  readonly #leaders = new Map<number, number>();
  readonly #applied = new Map<number, string>();
  readonly #states = new Map<number, string>();
  /** The highest index that any state machine has applied. */
  highestApplied = 0;

  leads(term: number, id: number): void {
    const known = this.#leaders.get(term) ?? id;
    if (known !== id) throw new Error(`election safety: ${known} and ${id} lead term ${term}`);
    this.#leaders.set(term, id);
  }

  applies(id: number, { index, term, type, data }: Entry, state: string): void {
    const entry = `${term} ${type} ${text(data)}`;
    const known = this.#applied.get(index) ?? entry;
    if (known !== entry) throw new Error(`state machine safety: ${id} applies ${entry} at ${index}, another ${known}`);
    this.#applied.set(index, entry);
    this.holds(id, index, state);
    this.highestApplied = Math.max(this.highestApplied, index);
  }

  holds(id: number, index: number, state: string): void {
    const known = this.#states.get(index) ?? state;
    if (known !== state)
      throw new Error(`state machine safety: ${id} is in another state at ${index} than another was`);
    this.#states.set(index, state);
  }
}

/** A node with its disk and a state machine: a digest of everything it applied, lost in a crash but for snapshots. */
export class Host {
  readonly id: number;
  readonly storage = new MemoryRaftStorage();
  readonly reads: ReadState[] = [];
  /** Data of the normal entries applied since the start, for tests to look at. */
  readonly applied: string[] = [];
  readonly #config: RaftConfig;
  readonly #facts: Facts;
  node: RaftNode;
  index = 0;
  conf: ConfState;
  /** With asynchronous writes: what the disk and the state machine have not done yet, each in order. */
  appendWork: Message[] = [];
  applyWork: Message[] = [];
  #state = '';

  constructor(config: Omit<RaftConfig, 'storage'>, conf: ConfState, facts: Facts) {
    this.id = config.id;
    this.conf = conf;
    this.#facts = facts;
    this.#config = { ...config, storage: this.storage };
    if (conf.voters.length > 0) {
      this.storage.applySnapshot({ metadata: { index: 1, term: 1, confState: conf }, data: bytes('') });
    }
    this.node = this.#start();
  }

  /** What was not written is lost. */
  restart(): void {
    this.appendWork = [];
    this.applyWork = [];
    this.node = this.#start();
  }

  #start(): RaftNode {
    const snapshot = this.storage.snapshot();
    if (snapshot !== undefined) this.#restore(snapshot);
    return new RaftNode({ ...this.#config, applied: this.index });
  }

  /** Takes what there is to do and does it, or with asynchronous writes queues it. Returns what to send. */
  handleReady(): readonly Message[] {
    const ready = this.node.ready();
    this.#observe(ready);
    if (this.#config.asyncStorageWrites) return ready.messages.filter((m) => !this.#queue(m));
    if (ready.snapshot !== undefined) this.#install(ready.snapshot);
    if (ready.hardState !== undefined) this.storage.setHardState(ready.hardState);
    this.storage.append(ready.entries);
    this.#apply(ready.committedEntries);
    this.node.advance();
    return ready.messages;
  }

  /** The disk finishes its oldest piece of work. Returns what goes out with that. */
  finishAppend(): readonly Message[] {
    const work = this.appendWork.shift();
    if (work === undefined) return [];
    if (work.snapshot !== undefined) this.#install(work.snapshot);
    if (work.term !== 0) this.storage.setHardState(work);
    this.storage.append(work.entries);
    return work.responses;
  }

  finishApply(): readonly Message[] {
    const work = this.applyWork.shift();
    if (work === undefined) return [];
    this.#apply(work.entries);
    return work.responses;
  }

  /** Takes a snapshot, and keeps `kept` entries before it. */
  compact(kept: number): void {
    if (this.index < this.storage.firstIndex() || this.index > this.storage.lastIndex()) return;
    this.storage.createSnapshot(this.index, this.conf, bytes(this.#state));
    this.storage.compact(this.index - kept);
  }

  /** Who was just added can only use a snapshot in which it is a member. */
  #reconfigure(entry: Entry): void {
    this.conf = this.node.applyConfChange(decodeConfChange(entry), entry.index);
    this.compact(this.index - this.storage.firstIndex() + 1);
  }

  #observe({ softState, hardState, readStates }: Ready): void {
    const role: SoftState['role'] | undefined = softState?.role;
    if (role === 'leader') this.#facts.leads(hardState?.term ?? this.node.basicStatus().term, this.id);
    this.reads.push(...readStates);
  }

  #queue(m: Message): boolean {
    if (m.type === 'StorageAppend') this.appendWork.push(m);
    if (m.type === 'StorageApply') this.applyWork.push(m);
    return m.to < 0;
  }

  #install(snapshot: Snapshot): void {
    this.storage.applySnapshot(snapshot);
    if (snapshot.metadata.index > this.index) this.#restore(snapshot);
  }

  #restore({ metadata, data }: Snapshot): void {
    this.index = metadata.index;
    this.conf = metadata.confState;
    this.#state = text(data);
    this.#facts.holds(this.id, this.index, this.#state);
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.index) continue;
      if (entry.index !== this.index + 1) throw new Error(`${this.id} skips from ${this.index} to ${entry.index}`);
      this.index = entry.index;
      this.#state = digest(this.#state, entry);
      this.#facts.applies(this.id, entry, this.#state);
      if (entry.type !== 'normal') this.#reconfigure(entry);
      else if (entry.data.byteLength > 0) this.applied.push(text(entry.data));
    }
  }
}

function digest(state: string, { term, data }: Entry): string {
  let hash = term;
  for (const byte of [...bytes(state), ...data]) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}

/** No chance at all, but different for each node, so that elections end. */
function inTurn(): RaftConfig['random'] {
  let turn = 0;
  return { int: (bound) => (turn += 3) % bound };
}

const MAX_ROUNDS = 1000;

/** Several hosts, and messages on their way between them. */
export class Group {
  readonly facts = new Facts();
  readonly hosts: Host[] = [];
  network: Message[] = [];
  readonly #options: Options;
  readonly #random: RaftConfig['random'];

  constructor(options: Options, random: RaftConfig['random'] = inTurn()) {
    this.#options = options;
    this.#random = random;
  }

  add(conf: ConfState, own: Partial<Options> = {}): Host {
    const config = { ...this.#options, ...own, id: this.hosts.length + 1, random: this.#random };
    const host = new Host(config, conf, this.facts);
    this.hosts.push(host);
    return host;
  }

  host(id: number): Host {
    const host = this.hosts[id - 1];
    if (host === undefined) throw new Error(`there is no node ${id}`);
    return host;
  }

  /** A process dies and comes back: what it had not written is gone, and so is what it was saying to itself. */
  restart(host: Host): void {
    this.network = this.network.filter((m) => m.to !== host.id || (m.from > 0 && m.from !== m.to));
    host.restart();
  }

  /** Does what a node has to do, if anything. */
  handleReady(host: Host): void {
    if (host.node.hasReady()) this.network.push(...host.handleReady());
  }

  deliver(m: Message): void {
    this.host(m.to).node.step(m);
    if (m.type === 'Snap') this.host(m.from).node.reportSnapshot(m.to, true);
  }

  lose(m: Message): void {
    if (m.type === 'Snap') this.host(m.from).node.reportSnapshot(m.to, false);
  }

  /** Everything moves until nothing is left to do; messages for which `lost` says so don't arrive. */
  settle(lost: (m: Message) => boolean = () => false): void {
    let rounds = 0;
    for (let busy = true; busy; rounds += 1) {
      if (rounds > MAX_ROUNDS) throw new Error('the group does not come to rest');
      busy = false;
      for (const host of this.hosts) {
        busy ||= host.node.hasReady() || host.appendWork.length + host.applyWork.length > 0;
        this.handleReady(host);
        this.network.push(...host.finishAppend(), ...host.finishApply());
      }
      busy ||= this.network.length > 0;
      for (const m of this.network.splice(0)) {
        if (lost(m)) this.lose(m);
        else this.deliver(m);
      }
    }
  }

  tick(times = 1, lost?: (m: Message) => boolean): void {
    for (let i = 0; i < times; i += 1) {
      for (const host of this.hosts) host.node.tick();
      this.settle(lost);
    }
  }

  leader(): Host | undefined {
    const leaders = this.hosts.filter(({ node }) => node.basicStatus().role === 'leader');
    return leaders.sort((a, b) => b.node.basicStatus().term - a.node.basicStatus().term)[0];
  }
}

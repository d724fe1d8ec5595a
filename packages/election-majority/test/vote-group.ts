import type { NodeId, Random } from '@quorate/core';
import { MajorityVote } from '../src/majority-vote.ts';
import type { ElectionMessage } from '../src/messages.ts';
import type { OutgoingMessage } from '../src/outbox.ts';
import { electionProfiles, leaseWithin } from '../src/timings.ts';

const timings = electionProfiles.lan;
/** Every delay of a node is at the same point of its range, so that transcripts can be followed by hand. */
function always(point: number): Random {
  return { next: () => point, int: () => 0, bytes: (length) => new Uint8Array(length) };
}

/** A disk whose writes take their time, one after the other. */
interface SlowDisk {
  readonly writeMs: number;
  durable: number;
  writing: { readonly version: number; readonly doneAt: number } | undefined;
  waiting: OutgoingMessage[];
}

interface InFlight extends OutgoingMessage {
  readonly from: NodeId;
}

export interface VoteGroupOptions {
  readonly priorities?: Readonly<Record<NodeId, number>>;
  /** @default true */
  readonly durable?: boolean;
}

/** State machines alone, moved by hand; everything they say becomes a line of the transcript. */
export class VoteGroup {
  readonly #nodes = new Map<NodeId, MajorityVote>();
  readonly #cut = new Set<NodeId>();
  readonly #stalled = new Set<NodeId>();
  readonly #slow = new Map<NodeId, SlowDisk>();
  readonly #silenced = new Set<ElectionMessage['type']>();
  #inFlight: InFlight[] = [];
  #lines: string[] = [];
  now = 0;

  readonly #ids: readonly NodeId[];
  readonly #options: VoteGroupOptions;

  constructor(ids: readonly NodeId[], options: VoteGroupOptions = {}) {
    this.#ids = ids;
    this.#options = options;
    for (const id of ids) this.#start(id, false);
    for (const id of ids) this.#connect(id);
  }

  /** The process is replaced by one that remembers what was stored, which without durable votes is nothing. */
  restart(id: NodeId): void {
    this.#start(id, true);
    this.#connect(id);
  }

  /** One message by hand. */
  send(from: NodeId, to: NodeId, message: ElectionMessage): void {
    this.input(to, (node) => node.receive(from, message, this.now));
  }

  node(id: NodeId): MajorityVote {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  /** What was said since the last look, a line each. */
  transcript(): string {
    const text = this.#lines.join('\n');
    this.#lines = [];
    return text;
  }

  /** Messages to and from the node are lost, and nobody is told. */
  cut(id: NodeId): void {
    this.#cut.add(id);
  }

  mend(id: NodeId): void {
    this.#cut.delete(id);
  }

  /** Messages of the type are lost. */
  silence(type: ElectionMessage['type']): void {
    this.#silenced.add(type);
  }

  /** The node's disk accepts writes and finishes none. */
  stallDisk(id: NodeId): void {
    this.#stalled.add(id);
  }

  slowDisk(id: NodeId, writeMs: number): void {
    this.#slow.set(id, { writeMs, durable: 0, writing: undefined, waiting: [] });
  }

  input(id: NodeId, what: (node: MajorityVote) => void): void {
    what(this.node(id));
    this.#collect(id);
  }

  /** Moves time, ticking every node when it asked for it and delivering at once. */
  runUntil(time: number): void {
    for (;;) {
      const written = [...this.#slow.values()].map(({ writing }) => writing?.doneAt ?? Infinity);
      const next = Math.min(...written, ...[...this.#nodes.values()].map((node) => node.nextTick));
      if (next > time) break;
      this.now = Math.max(this.now, next);
      for (const [id, disk] of this.#slow) this.#finishWrite(id, disk);
      for (const [id, node] of this.#nodes) if (node.nextTick <= this.now) this.input(id, (it) => it.tick(this.now));
      this.deliver();
    }
    this.now = time;
  }

  deliver(): void {
    while (this.#inFlight.length > 0) {
      const batch = this.#inFlight;
      this.#inFlight = [];
      for (const { from, to, message } of batch) {
        if (this.#cut.has(from) || this.#cut.has(to) || this.#silenced.has(message.type)) continue;
        this.input(to, (node) => node.receive(from, message, this.now));
      }
    }
  }

  #start(id: NodeId, mayHavePromised: boolean): void {
    const { durable = true, priorities = {} } = this.#options;
    const electorate = { generation: 1, voters: this.#ids };
    const stored = durable ? this.#nodes.get(id)?.record : undefined;
    const promiseMs = timings.electionMinMs;
    const record = stored ?? { term: 0, votedFor: undefined, electorate, promiseMs };
    const leaseMs = leaseWithin(timings.electionMinMs, 0.01);
    const random = always(this.#ids.indexOf(id) / 5);
    const priority = priorities[id] ?? 1;
    const config = {
      rules: 0,
      self: id,
      electorate,
      timings,
      leaseMs,
      priority,
      random,
      record,
      mayHavePromised,
      durable,
    };
    this.#nodes.set(id, new MajorityVote(config, this.now));
  }

  #connect(id: NodeId): void {
    for (const peer of this.#ids) if (peer !== id) this.input(id, (node) => node.peerConnected(peer, this.now));
  }

  #collect(id: NodeId): void {
    const node = this.node(id);
    const disk = this.#slow.get(id);
    if (disk === undefined && !this.#stalled.has(id)) node.recorded(node.recordVersion, this.now);
    for (const outgoing of node.takeMessages()) {
      if (outgoing.needsRecord > 0 && this.#stalled.has(id)) continue;
      if (disk !== undefined && outgoing.needsRecord > disk.durable) disk.waiting.push(outgoing);
      else this.#post(id, outgoing);
    }
    if (disk === undefined || disk.writing !== undefined || disk.durable >= node.recordVersion) return;
    disk.writing = { version: node.recordVersion, doneAt: this.now + disk.writeMs };
  }

  #finishWrite(id: NodeId, disk: SlowDisk): void {
    const { writing } = disk;
    if (writing === undefined || writing.doneAt > this.now) return;
    disk.durable = writing.version;
    disk.writing = undefined;
    const ready = disk.waiting.filter(({ needsRecord }) => needsRecord <= disk.durable);
    disk.waiting = disk.waiting.filter(({ needsRecord }) => needsRecord > disk.durable);
    for (const outgoing of ready) this.#post(id, outgoing);
    this.input(id, (node) => node.recorded(writing.version, this.now));
  }

  #post(from: NodeId, outgoing: OutgoingMessage): void {
    const time = String(Math.round(this.now)).padStart(4);
    this.#lines.push(`${time} ${from} -> ${outgoing.to} ${describe(outgoing.message)}`);
    this.#inFlight.push({ ...outgoing, from });
  }
}

function describe(message: ElectionMessage): string {
  switch (message.type) {
    case 'heartbeat':
    case 'heartbeat-ack':
      return `${message.type} term ${message.term} round ${message.round}`;
    case 'pre-vote-reply':
    case 'vote-reply':
      return `${message.type} term ${message.term} ${message.granted ? 'granted' : refusal(message)}`;
    case 'vote':
      return `vote term ${message.term}${message.releasedTerm > 0 ? ` released ${message.releasedTerm}` : ''}`;
    case 'pre-vote':
    case 'hand-over':
    case 'release':
      return `${message.type} term ${message.term}`;
  }
}

function refusal({ voterTerm, retryAfterMs }: { readonly voterTerm: number; readonly retryAfterMs: number }): string {
  const wait = retryAfterMs > 0 ? `, promised for ${Math.round(retryAfterMs)} ms` : '';
  return `refused in term ${voterTerm}${wait}`;
}

import type { NodeId, Random } from '@quorate/core';
import { MajorityVote, type OutgoingMessage } from '../src/majority-vote.ts';
import type { ElectionMessage } from '../src/messages.ts';
import { electionProfiles, leaseWithin } from '../src/timings.ts';

const timings = electionProfiles.lan;
/** Every delay of a node is at the same point of its range, so that transcripts can be followed by hand. */
function always(point: number): Random {
  return { next: () => point, int: () => 0, bytes: (length) => new Uint8Array(length) };
}

interface InFlight extends OutgoingMessage {
  readonly from: NodeId;
}

/** State machines alone, moved by hand; everything they say becomes a line of the transcript. */
export class VoteGroup {
  readonly #nodes = new Map<NodeId, MajorityVote>();
  readonly #cut = new Set<NodeId>();
  readonly #stalled = new Set<NodeId>();
  #inFlight: InFlight[] = [];
  #lines: string[] = [];
  now = 0;

  constructor(ids: readonly NodeId[], priorities: Readonly<Record<NodeId, number>> = {}) {
    for (const id of ids) this.#start(id, ids, priorities[id] ?? 1);
    for (const id of ids) for (const peer of ids) if (peer !== id) this.node(id).peerConnected(peer, this.now);
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

  /** The node's disk accepts writes and finishes none. */
  stallDisk(id: NodeId): void {
    this.#stalled.add(id);
  }

  input(id: NodeId, what: (node: MajorityVote) => void): void {
    what(this.node(id));
    this.#collect(id);
  }

  /** Moves time, ticking every node when it asked for it and delivering at once. */
  runUntil(time: number): void {
    for (;;) {
      const next = Math.min(...[...this.#nodes.values()].map((node) => node.nextTick));
      if (next > time) break;
      this.now = Math.max(this.now, next);
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
        if (this.#cut.has(from) || this.#cut.has(to)) continue;
        this.input(to, (node) => node.receive(from, message, this.now));
      }
    }
  }

  #start(id: NodeId, voters: readonly NodeId[], priority: number): void {
    const electorate = { generation: 1, voters };
    const record = { term: 0, votedFor: undefined, electorate };
    const leaseMs = leaseWithin(timings.electionMinMs, 0.01);
    const random = always(voters.indexOf(id) / 5);
    const config = { self: id, electorate, timings, leaseMs, priority, random, record, mayHavePromised: false };
    this.#nodes.set(id, new MajorityVote(config, this.now));
  }

  #collect(id: NodeId): void {
    const node = this.node(id);
    if (!this.#stalled.has(id)) node.recorded(node.recordVersion, this.now);
    for (const outgoing of node.takeMessages()) {
      if (outgoing.needsRecord > 0 && this.#stalled.has(id)) continue;
      this.#lines.push(
        `${String(Math.round(this.now)).padStart(4)} ${id} -> ${outgoing.to} ${describe(outgoing.message)}`,
      );
      this.#inFlight.push({ ...outgoing, from: id });
    }
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

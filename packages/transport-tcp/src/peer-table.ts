import {
  type Address,
  type ClusterError,
  type ClusterNode,
  type DisconnectReason,
  formatAddress,
  type NodeId,
  type Peer,
  sameNode,
  type TransportContext,
  type TransportEvent,
} from '@quorate/core';
import type { ClientTable } from './client-table.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Established, Gatekeeper, Handshake } from './handshake.ts';
import type { Handlers } from './handlers.ts';
import { type Introduction, type Refusal, refusal } from './introduction.ts';
import type { Settings } from './options.ts';
import type { Reporter } from './reporter.ts';
import type { StreamGuard } from './stream-guard.ts';
import type { TransportInstruments } from './transport-instruments.ts';

/** What the table tells the transport. */
interface PeerEvents {
  publish(event: TransportEvent): void;
  /** Before the event is published. */
  connected(node: ClusterNode): void;
  disconnected(node: ClusterNode, reason: DisconnectReason): void;
  /** It made room for another one. */
  forgotten(id: NodeId): void;
  /** Whether a contact that leads to this peer is being dialled. */
  isDialling(id: NodeId): boolean;
}

export interface PeerTableParts {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly guard: StreamGuard;
  readonly handlers: Handlers;
  readonly reporter: Reporter;
  readonly instruments: TransportInstruments;
  readonly events: PeerEvents;
  readonly clients: ClientTable;
  self(): ClusterNode;
}

interface Entry {
  node: ClusterNode;
  incarnation: number;
  connection: Connection | undefined;
}

/** Who answered a handshake, and the one live connection with each. Decides which handshakes succeed. */
export class PeerTable implements Gatekeeper, ConnectionOwner {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly guard: StreamGuard;
  readonly handlers: Handlers;
  readonly reporter: Reporter;
  readonly instruments: TransportInstruments;
  readonly party = 'node';
  readonly #parts: PeerTableParts;
  /** In the order in which they were last connected: the first disconnected one is forgotten first. */
  readonly #entries = new Map<NodeId, Entry>();
  /** Incoming handshakes that said `WELCOME` and wait for `READY`. */
  readonly #welcoming = new Set<Handshake>();
  #closed = false;

  constructor(parts: PeerTableParts) {
    this.context = parts.context;
    this.settings = parts.settings;
    this.guard = parts.guard;
    this.handlers = parts.handlers;
    this.reporter = parts.reporter;
    this.instruments = parts.instruments;
    this.#parts = parts;
  }

  get self(): ClusterNode {
    return this.#parts.self();
  }

  /** In order of id. */
  get peers(): readonly Peer[] {
    return [...this.#entries.values()]
      .map((entry) => this.#view(entry))
      .sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
  }

  peer(id: NodeId): Peer | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : this.#view(entry);
  }

  connection(id: NodeId): Connection | undefined {
    return this.#entries.get(id)?.connection;
  }

  /** The connected peer that advertises this address. */
  connectedAt(address: Address): NodeId | undefined {
    for (const { node, connection } of this.#entries.values()) {
      if (connection !== undefined && sameAddress(node, address)) return node.id;
    }
    return undefined;
  }

  /** Forgets a peer that is not connected. */
  forget(id: NodeId): void {
    if (this.connection(id) === undefined) this.#entries.delete(id);
  }

  /** What is accepted has changed, or time has passed: every connection is judged again. */
  reauthenticate(): void {
    for (const { connection } of this.#entries.values()) connection?.reauthenticate();
    this.#parts.clients.reauthenticate();
  }

  /** Tells all who are connected how this node describes itself now. */
  describe(): void {
    for (const { connection } of this.#entries.values()) connection?.describe(this.self);
  }

  /** Takes leave of everybody; no handshake succeeds from here on. */
  close(): void {
    this.#closed = true;
    for (const { connection } of this.#entries.values()) connection?.close('leaving', 'local');
    this.#parts.clients.close();
  }

  isConnected(peer: Introduction): boolean {
    return peer.role === 'node' && this.connection(peer.node.id)?.peer.incarnation === peer.incarnation;
  }

  challenge(peer: Introduction, answer: (refused: Refusal | undefined) => void): void {
    if (this.#closed) {
      answer(refusal('busy', `${this.self.id} is stopping`));
      return;
    }
    if (peer.role === 'client') {
      answer(this.admit(peer));
      return;
    }
    const live = this.connection(peer.node.id);
    if (live === undefined) {
      answer(this.#crowded(peer));
      return;
    }
    // The same address cannot be bound twice: what is there now has taken the other's place.
    if (live.peer.incarnation === peer.incarnation || sameAddress(live.peer.node, peer.node)) {
      answer(undefined);
      return;
    }
    live.probe((alive) => answer(alive ? duplicate(live.peer.node, peer.node) : undefined));
  }

  admit(peer: Introduction): Refusal | undefined {
    // Of those that came at once, others may have taken the last places by now.
    if (peer.role === 'node') return this.#crowded(peer);
    if (this.#parts.clients.hasRoom) return undefined;
    return refusal('busy', `${this.self.id} serves as many clients as it may`);
  }

  claim(peer: Introduction): Refusal | undefined {
    const { id } = peer.node;
    if (this.isConnected(peer)) return refusal('already-connected', `${this.self.id} and ${id} are connected`);
    const rival = this.#rivalOf(peer);
    // Both have dialled. See "One connection per pair" in docs/wire-protocol.md for why both sides conclude alike.
    if (rival && (peer.connected || id < this.self.id)) {
      return refusal('already-connected', `${this.self.id} keeps the connection that ${id} has dialled`);
    }
    return undefined;
  }

  welcomed(handshake: Handshake, peer: Introduction): void {
    if (peer.role === 'client') return;
    for (const other of this.#welcoming) if (!other.welcoming) this.#welcoming.delete(other);
    this.#welcoming.add(handshake);
  }

  establish(established: Established): void {
    const { peer } = established;
    if (peer.role === 'client') {
      this.#parts.clients.take(established);
      return;
    }
    const live = this.connection(peer.node.id);
    live?.close('replaced', 'closed');
    // Who waited to hear whether that one lives may have taken its place by now.
    const next = this.connection(peer.node.id);
    if (next !== live) next?.close('replaced', 'closed');
    this.#adopt(peer.clusterId);
    const connection = new Connection(this, established);
    const { node, incarnation } = peer;
    // Deleted first, so that it becomes the last in order.
    this.#entries.delete(node.id);
    const entry: Entry = { node, incarnation, connection };
    this.#entries.set(node.id, entry);
    if (peer.clusterId === undefined) connection.identify(this.context.cluster.id);
    // While they shook hands, this node may have come to describe itself anew.
    connection.describe(this.self);
    this.#parts.events.connected(node);
    this.#parts.events.publish({ type: 'connected', peer: this.#view(entry) });
    // What is accepted may have changed since the stream was secured, or this side may use another secret.
    connection.reauthenticate();
  }

  refused(remote: Address, error: ClusterError): void {
    this.#parts.events.publish({ type: 'refused', remote, error });
  }

  ended(connection: Connection, reason: DisconnectReason): void {
    const entry = this.#entries.get(connection.peerId);
    if (entry?.connection !== connection) return;
    entry.connection = undefined;
    this.#parts.events.publish({ type: 'disconnected', peer: this.#view(entry), reason });
    this.#parts.events.disconnected(entry.node, reason);
  }

  identified(clusterId: string): void {
    this.#adopt(clusterId);
  }

  described(connection: Connection, node: ClusterNode): void {
    const entry = this.#entries.get(node.id);
    if (entry?.connection !== connection || sameNode(entry.node, node)) return;
    entry.node = node;
    this.#parts.events.publish({ type: 'described', peer: this.#view(entry) });
  }

  /** Once this node knows the cluster's id, so must those that it met before. */
  #adopt(clusterId: string | undefined): void {
    if (clusterId === undefined || this.context.cluster.id !== undefined) return;
    this.context.cluster.adopt(clusterId);
    for (const { connection } of this.#entries.values()) connection?.identify(clusterId);
  }

  #rivalOf(peer: Introduction): boolean {
    return [...this.#welcoming].some(
      ({ welcoming, peer: other }) =>
        welcoming && other?.node.id === peer.node.id && other.incarnation === peer.incarnation,
    );
  }

  #crowded({ node: { id } }: Introduction): Refusal | undefined {
    return this.#room(id) ? undefined : refusal('busy', `${this.self.id} knows too many peers`);
  }

  /** Whether there is a place for this peer; makes one if it can. */
  #room(id: NodeId): boolean {
    if (this.#entries.has(id) || this.#entries.size < this.settings.maxPeers) return true;
    for (const [other, { connection }] of this.#entries) {
      if (connection !== undefined) continue;
      this.#entries.delete(other);
      this.#parts.events.forgotten(other);
      return true;
    }
    return false;
  }

  #view({ node, incarnation, connection }: Entry): Peer {
    if (connection !== undefined) return { node, incarnation, state: 'connected' };
    return { node, incarnation, state: this.#parts.events.isDialling(node.id) ? 'connecting' : 'disconnected' };
  }
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host;
}

function duplicate(living: ClusterNode, newcomer: ClusterNode): Refusal {
  const [here, there] = [formatAddress(living), formatAddress(newcomer)];
  return refusal('duplicate-node-id', `the node id ${living.id} lives at ${here} and cannot also be at ${there}`);
}

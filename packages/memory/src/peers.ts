import type { ClusterNode, NodeId } from '@quorate/core';

import type { Connection } from './connection.ts';
import type { Hello, Refusal } from './frames.ts';
import type { Link } from './link.ts';

/** Nodes that are remembered, connected or not. */
const MAX_PEERS = 4096;

interface Known {
  readonly node: ClusterNode;
  readonly incarnation: number;
}

/** Every node that answered a handshake, and the connection with it while there is one. */
export class Peers {
  readonly #known = new Map<NodeId, Known>();
  readonly #connections = new Map<NodeId, Connection>();
  readonly #byLink = new Map<Link, Connection>();

  /** In order. */
  get ids(): readonly NodeId[] {
    return [...this.#known.keys()].sort();
  }

  /** Of all who are connected. */
  get links(): readonly Link[] {
    return [...this.#byLink.keys()];
  }

  get(id: NodeId): Known | undefined {
    return this.#known.get(id);
  }

  connection(id: NodeId): Connection | undefined {
    return this.#connections.get(id);
  }

  connectionOf(link: Link): Connection | undefined {
    return this.#byLink.get(link);
  }

  connect(connection: Connection, { node, incarnation }: Hello): void {
    this.#known.set(connection.peerId, { node, incarnation });
    this.#connections.set(connection.peerId, connection);
    this.#byLink.set(connection.link, connection);
  }

  /** A node that is known describes itself anew. */
  describe(node: ClusterNode, { incarnation }: Known): void {
    this.#known.set(node.id, { node, incarnation });
  }

  /** The connection has ended, or another took its place. */
  release(connection: Connection): void {
    this.#connections.delete(connection.peerId);
    this.#byLink.delete(connection.link);
  }

  /** Forgets the oldest that is not connected where there are too many; says no when all are. */
  makeRoom(id: NodeId): Refusal | undefined {
    if (this.#known.has(id) || this.#known.size < MAX_PEERS) return undefined;
    for (const known of this.#known.keys()) {
      if (this.#connections.has(known)) continue;
      this.#known.delete(known);
      return undefined;
    }
    const message = `${MAX_PEERS} nodes are connected`;
    return { reason: 'refused', failure: { code: 'OVERLOADED', message } };
  }
}

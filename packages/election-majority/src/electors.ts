import type { NodeId } from '@quorate/core';

/** Who has a vote, and who can be reached. */
export class Electors {
  readonly #self: NodeId;
  readonly #voters: ReadonlySet<NodeId>;
  /** Voters and others, without this node. */
  readonly #connected = new Set<NodeId>();

  constructor(self: NodeId, voters: readonly NodeId[]) {
    this.#self = self;
    this.#voters = new Set(voters);
  }

  /** How many have a vote. */
  get size(): number {
    return this.#voters.size;
  }

  has(id: NodeId): boolean {
    return this.#voters.has(id);
  }

  connected(id: NodeId): void {
    this.#connected.add(id);
  }

  lost(id: NodeId): void {
    this.#connected.delete(id);
  }

  isConnected(id: NodeId): boolean {
    return this.#connected.has(id);
  }

  /** Whoever is connected, with a vote or without. */
  get listeners(): Iterable<NodeId> {
    return this.#connected;
  }

  /** The voters that are connected, without this node. */
  get reachable(): readonly NodeId[] {
    return [...this.#connected].filter((id) => this.#voters.has(id) && id !== this.#self);
  }

  /** How many of the voters that can be reached come before this one, in an order that all agree on. */
  turn(without?: NodeId): number {
    return this.reachable.filter((id) => id !== without && id < this.#self).length;
  }
}

import {
  type Address,
  type CallOptions,
  type Clock,
  ClusterError,
  type ClusterNode,
  type ContactSink,
  formatAddress,
  type Member,
  type MonotonicMs,
  type NodeId,
  type Random,
  settleWithin,
  type Transport,
} from '@quorate/core';

import type { SwimMembershipSettings } from './options.ts';

/** What the connector knows of the rest. */
export interface ConnectorParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: Pick<SwimMembershipSettings, 'connectAllUpTo' | 'connectTo' | 'contactIntervalMs'>;
  readonly members: () => Iterable<Member>;
  /** How many members live. */
  readonly size: () => number;
}

/** How many addresses that nobody explains are tried at a time, in a cluster that isn't connected all with all. */
const TRIED_AT_ONCE = 3;
const MAX_CONTACTS = 4096;
/**
 * How long a cluster that was large has to be small before all are connected with all. Half of one that is cut off has to find
 * out who is gone first: dozens of handshakes at once would have its event loops stand still.
 */
const SMALL_FOR_MS = 60_000;

/** Decides with whom the transport is to be connected, by the contacts that it gives it and takes back. */
export class Connector implements ContactSink, Disposable {
  readonly #parts: ConnectorParts;
  /** What discovery and seeds name. */
  readonly #contacts = new Map<string, Address>();
  /** Wanted for a while, each as often as somebody wants it. */
  readonly #leases = new Map<string, { readonly address: Address; count: number }>();
  /** Addresses under trial, until the next ones are drawn. */
  #tried: readonly Address[] = [];
  #drawAt = 0;
  /** What the transport has been given and not been taken. */
  readonly #given = new Map<string, Address>();
  /** Peers that are connected because this node wanted it, with the address: to be released when it doesn't any more. */
  readonly #wanted = new Map<NodeId, string>();
  /** Those who wait for a peer to be connected. */
  readonly #waiting = new Map<NodeId, Set<() => void>>();
  #wasLargeAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #connectsAll = false;
  #closed = false;

  constructor(parts: ConnectorParts) {
    this.#parts = parts;
  }

  addContact(address: Address): void {
    if (this.#contacts.size >= MAX_CONTACTS || this.#closed) return;
    this.#contacts.set(formatAddress(address), address);
    // The first ones aren't to wait for the next round.
    if (this.#contacts.size <= Math.max(TRIED_AT_ONCE, this.#parts.settings.connectAllUpTo)) this.update();
  }

  removeContact(address: Address): void {
    this.#contacts.delete(formatAddress(address));
  }

  /** Has the transport dial whom it is to dial now, and nobody else. O(members). */
  update(): void {
    if (this.#closed) return;
    this.#connectsAll = this.#isSmall();
    const wanted = new Map<string, Address>();
    const want = ({ host, port }: Address) => void wanted.set(formatAddress({ host, port }), { host, port });
    for (const { address } of this.#leases.values()) want(address);
    if (this.#connectsAll) this.#wantAll(want);
    else this.#wantSome(want);
    this.#apply(wanted);
  }

  /**
   * Resolves once the transport is connected with this member, which it is given as a contact for as long.
   * @throws ClusterError `ABORTED`
   */
  async reach({ id, host, port }: ClusterNode, { signal }: CallOptions): Promise<void> {
    if (this.#isConnected(id)) return;
    using _lease = this.#lease({ host, port });
    await settleWithin<void>(signal, `connect to ${id}`, (resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      waiting.add(resolve);
      return () => {
        waiting.delete(resolve);
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
      };
    });
    if (this.#closed) throw new ClusterError('CLOSED', 'membership-swim: disposed');
  }

  /** The transport is connected with this peer now. */
  connected({ id, host, port }: ClusterNode): void {
    const key = formatAddress({ host, port });
    if (this.#given.has(key)) this.#wanted.set(id, key);
    for (const resolve of this.#waiting.get(id) ?? []) resolve();
  }

  /** Nobody is to be expected at a member's address any more; the transport may have remembered it by itself. */
  forget({ host, port }: ClusterNode): void {
    const key = formatAddress({ host, port });
    if (this.#closed || this.#contacts.has(key) || this.#leases.has(key)) return;
    this.#given.delete(key);
    this.#parts.transport.removeContact({ host, port });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) for (const resolve of waiting) resolve();
  }

  /** Always was, or has been for some time. */
  #isSmall(): boolean {
    const { settings, size, clock } = this.#parts;
    const now = clock.now();
    if (Math.max(size(), this.#contacts.size + 1) > settings.connectAllUpTo) this.#wasLargeAt = now;
    return now - this.#wasLargeAt >= SMALL_FOR_MS;
  }

  #wantAll(want: (address: Address) => void): void {
    for (const { node, state } of this.#parts.members()) if (state !== 'left' && node.port !== 0) want(node);
    for (const address of this.#contacts.values()) want(address);
  }

  #wantSome(want: (address: Address) => void): void {
    const { settings, members, clock } = this.#parts;
    for (const { node, state } of members()) if (isThere(state) && settings.connectTo(node)) want(node);
    if (clock.now() >= this.#drawAt) {
      this.#drawAt = clock.now() + settings.contactIntervalMs;
      this.#tried = this.#draw();
    }
    for (const address of this.#tried) want(address);
  }

  /** Some of the addresses where nobody is known to live, but somebody might. */
  #draw(): readonly Address[] {
    const { members, random } = this.#parts;
    const unexplained = new Map(this.#contacts);
    const gone: Address[] = [];
    for (const { node, state } of members()) {
      if (isThere(state)) unexplained.delete(formatAddress(node));
      else if (state === 'unreachable') gone.push(node);
    }
    const candidates = [...unexplained.values(), ...gone];
    return Array.from({ length: Math.min(TRIED_AT_ONCE, candidates.length) }, () => {
      const [drawn] = candidates.splice(random.int(candidates.length), 1);
      return drawn as Address;
    });
  }

  #lease(address: Address): Disposable {
    const key = formatAddress(address);
    const lease = this.#leases.get(key) ?? { address, count: 0 };
    this.#leases.set(key, lease);
    lease.count += 1;
    this.#give(key, address);
    return {
      [Symbol.dispose]: () => {
        lease.count -= 1;
        if (lease.count === 0) this.#leases.delete(key);
      },
    };
  }

  #apply(wanted: ReadonlyMap<string, Address>): void {
    for (const [key, address] of this.#given) {
      if (wanted.has(key)) continue;
      this.#given.delete(key);
      this.#parts.transport.removeContact(address);
    }
    for (const [key, address] of wanted) this.#give(key, address);
    for (const [id, key] of this.#wanted) {
      if (wanted.has(key)) continue;
      this.#wanted.delete(id);
      if (!this.#connectsAll) this.#parts.transport.release(id);
    }
  }

  #give(key: string, address: Address): void {
    if (this.#given.has(key) || this.#closed || key === formatAddress(this.#parts.transport.self)) return;
    this.#given.set(key, address);
    this.#parts.transport.addContact(address);
  }

  #isConnected(id: NodeId): boolean {
    return this.#parts.transport.peer(id)?.state === 'connected';
  }
}

function isThere(state: Member['state']): boolean {
  return state === 'alive' || state === 'suspect';
}

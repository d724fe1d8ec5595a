import { type Clock, messageKind, type MonotonicMs, type NodeId, type Timer, type Transport } from '@quorate/core';
import { encodePulse, MAX_NOTICES, type RestNotice } from './rest-notice.ts';

/** A group that rests, and is to be woken when a peer is not heard of. */
export interface Sleeper {
  /** How long a peer may be silent. */
  readonly patienceMs: number;
  wake(): void;
}

/** Pulses in a sleeper's patience. */
const PULSES_PER_PATIENCE = 4;

/** Those who rely on one peer. */
interface Peer {
  heardAt: MonotonicMs;
  readonly sleepers: Set<Sleeper>;
  /** To go with the next pulse. */
  notices: RestNotice[];
}

/**
 * What stands in for the heartbeats of all groups that rest: one message a pair of hosts. Who isn't heard of in time, or
 * whose connection is lost, has all groups woken that rely on it.
 */
export class Pulses {
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #peers = new Map<NodeId, Peer>();
  #everyMs = Infinity;
  #timer: Timer | undefined;
  #dueAt: MonotonicMs = 0;
  #isFlushing = false;

  constructor(clock: Clock, transport: Transport) {
    this.#clock = clock;
    this.#transport = transport;
  }

  /** From now on `sleeper` is woken when this peer falls silent. */
  watch(peer: NodeId, sleeper: Sleeper): void {
    this.#peer(peer).sleepers.add(sleeper);
    this.#everyMs = Math.min(this.#everyMs, sleeper.patienceMs / PULSES_PER_PATIENCE);
    this.#arm();
  }

  unwatch(peer: NodeId, sleeper: Sleeper): void {
    const known = this.#peers.get(peer);
    known?.sleepers.delete(sleeper);
    if (known?.sleepers.size === 0 && known.notices.length === 0) this.#peers.delete(peer);
  }

  /** Tells the peer, with all that is told it in this turn. */
  notify(peer: NodeId, notice: RestNotice): void {
    this.#peer(peer).notices.push(notice);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#clock.defer(() => {
      this.#isFlushing = false;
      for (const [id, { notices }] of this.#peers) if (notices.length > 0) this.#send(id);
    });
  }

  /** Anything came from this peer. */
  heard(peer: NodeId): void {
    const known = this.#peers.get(peer);
    if (known !== undefined) known.heardAt = this.#clock.now();
  }

  /** The connection to this peer was lost, or is a new one: what it knew of groups that rest may be gone. */
  lost(peer: NodeId): void {
    const known = this.#peers.get(peer);
    this.#peers.delete(peer);
    if (known !== undefined) for (const sleeper of known.sleepers) sleeper.wake();
  }

  end(): void {
    this.#timer?.cancel();
    this.#peers.clear();
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = { heardAt: this.#clock.now(), sleepers: new Set(), notices: [] };
      this.#peers.set(id, peer);
    }
    return peer;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#dueAt = this.#clock.now() + this.#everyMs;
    this.#timer = this.#clock.setTimer(this.#everyMs, () => {
      this.#timer = undefined;
      this.#beat();
    });
  }

  #beat(): void {
    const now = this.#clock.now();
    // A process that stood still has heard nobody: that says nothing of them.
    if (now - this.#dueAt > this.#everyMs) for (const peer of this.#peers.values()) peer.heardAt = now;
    this.#everyMs = Infinity;
    for (const [id, peer] of this.#peers) {
      this.#wakeImpatient(peer, now);
      if (peer.sleepers.size === 0) continue;
      let leastMs = this.#everyMs;
      for (const { patienceMs } of peer.sleepers) leastMs = Math.min(leastMs, patienceMs / PULSES_PER_PATIENCE);
      this.#everyMs = leastMs;
      this.#send(id);
    }
    if (this.#everyMs < Infinity) this.#arm();
  }

  #wakeImpatient({ heardAt, sleepers }: Peer, now: MonotonicMs): void {
    for (const sleeper of sleepers) if (now - heardAt > sleeper.patienceMs) sleeper.wake();
  }

  #send(id: NodeId): void {
    const peer = this.#peer(id);
    const notices = peer.notices.splice(0, MAX_NOTICES);
    this.#transport.send(id, messageKind.SYNC, encodePulse({ notices }));
    if (peer.notices.length > 0) this.#send(id);
    else if (peer.sleepers.size === 0) this.#peers.delete(id);
  }
}

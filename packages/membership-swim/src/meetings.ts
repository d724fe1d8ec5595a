import {
  type Member,
  type MembershipContext,
  type MonotonicMs,
  type NodeId,
  type Peer,
  toClusterError,
  withDeadline,
} from '@quorate/core';

import type { Connector } from './connector.ts';
import { EXCHANGE_TIMEOUT_MS, type Exchanger } from './exchange/exchanger.ts';
import type { SwimMembershipSettings } from './options.ts';
import type { Swim } from './protocol/swim.ts';
import type { RateLimitedLog } from './rate-limited-log.ts';

/** What meetings need of the rest. */
export interface MeetingsParts {
  readonly context: MembershipContext;
  readonly settings: SwimMembershipSettings;
  readonly connector: Connector;
  readonly exchanger: Exchanger;
  readonly log: RateLimitedLog;
  /** Aborts when this node is closed. */
  readonly closed: AbortSignal;
  readonly swim: () => Swim | undefined;
}

/** Exchanges that this node has begun with others at a time. */
const MAX_EXCHANGES = 8;
/** The time for a peer to be connected. */
const REACH_TIMEOUT_MS = 5000;
/** As many members exchange in the chosen interval; with each doubling it grows by one more (as memberlist has it). */
const EXCHANGE_SCALE = 32;
const AGAIN_AFTER_MS = 900;
/**
 * A rumour is passed on as often as suits the cluster as it was when it came: while that grows fast, more than a few miss some.
 * So who has just begun, or has seen the cluster grow by a quarter, exchanges more often for a while.
 */
const YOUNG_MS = 60_000;
const YOUNG_SHARE = 0.1;
const GROWTH = 1.25;

/**
 * Decides when two nodes tell each other all they know: when they meet, so that newcomers join and halves of a cluster that
 * was cut in two become one; and now and then, because gossip reaches all only most probably.
 */
export class Meetings {
  readonly #parts: MeetingsParts;
  /** When an exchange was last tried with peers that are no members yet. */
  readonly #triedAt = new Map<string, MonotonicMs>();
  #periodicAt: MonotonicMs | undefined;
  #youngUntil = -Infinity;
  /** Of the cluster when this node was last made young. */
  #sizeWhenYoung = 0;

  constructor(parts: MeetingsParts) {
    this.#parts = parts;
  }

  /** A peer is connected now. */
  connected(peer: Peer): void {
    const { context } = this.#parts;
    const isAlone = (this.#parts.swim()?.size ?? 1) === 1;
    // Where neither knows the other, one of them begins; the other follows if that one doesn't.
    if (isAlone || context.transport.self.id < peer.node.id) this.#meet(peer, context.clock.now());
  }

  /** A member has answered over the transport. */
  answered(id: NodeId): void {
    const peer = this.#parts.context.transport.peer(id);
    if (peer?.state !== 'connected' || this.#parts.swim()?.members.get(id)?.state !== 'suspect') return;
    this.#begin(id, this.#parts.context.clock.now());
  }

  /** To be called about once a second. */
  round(now: MonotonicMs): void {
    for (const peer of this.#parts.context.transport.peers) if (peer.state === 'connected') this.#meet(peer, now);
    for (const [id, at] of this.#triedAt) if (now - at > 60_000) this.#triedAt.delete(id);
    this.#rejuvenate(now);
    this.#periodicAt ??= now + this.#interval(now);
    if (now < this.#periodicAt) return;
    this.#periodicAt = now + this.#interval(now);
    const member = this.#anyOther();
    if (member !== undefined) void this.#exchangeWith(member);
  }

  #meet({ node: { id }, incarnation }: Peer, now: MonotonicMs): void {
    if (isToBeMet(this.#parts.swim()?.members.get(id), incarnation)) this.#begin(id, now);
  }

  #begin(id: NodeId, now: MonotonicMs): void {
    const { exchanger } = this.#parts;
    if (exchanger.isBusyWith(id) || exchanger.busy >= MAX_EXCHANGES) return;
    if (now - (this.#triedAt.get(id) ?? -Infinity) < AGAIN_AFTER_MS) return;
    this.#triedAt.set(id, now);
    void this.#exchange(id);
  }

  async #exchangeWith({ node }: Member): Promise<void> {
    const { connector, closed, context } = this.#parts;
    try {
      const reach = (signal: AbortSignal) => connector.reach(node, { signal });
      await withDeadline(context.clock, REACH_TIMEOUT_MS, `connect to ${node.id}`, reach, { signal: closed });
    } catch {
      // It is as good as the next one.
      return;
    }
    await this.#exchange(node.id);
  }

  async #exchange(id: string): Promise<void> {
    const { exchanger, closed, log, context } = this.#parts;
    try {
      const exchange = (signal: AbortSignal) => exchanger.exchange(id, { signal });
      await withDeadline(context.clock, EXCHANGE_TIMEOUT_MS, `exchange with ${id}`, exchange, { signal: closed });
    } catch (error) {
      const { code, message } = toClusterError(error, 'IO', `exchange with ${id}`);
      // A peer that has gone meanwhile is no news.
      const isUsual = closed.aborted || code === 'DISCONNECTED' || code === 'CLOSED';
      if (!isUsual) log.warn('exchange', `the exchange with ${id} failed: ${message}`);
    }
  }

  #rejuvenate(now: MonotonicMs): void {
    const size = this.#parts.swim()?.size ?? 1;
    // What is lost, and comes back, is growth as well.
    if (size * GROWTH < this.#sizeWhenYoung) this.#sizeWhenYoung = size;
    if (size < this.#sizeWhenYoung * GROWTH) return;
    this.#sizeWhenYoung = size;
    this.#youngUntil = now + YOUNG_MS;
    const soon = now + this.#interval(now);
    if (soon < (this.#periodicAt ?? Infinity)) this.#periodicAt = soon;
  }

  /** With jitter, so that nodes that were started together don't exchange together. */
  #interval(now: MonotonicMs): number {
    const { settings, context, swim } = this.#parts;
    const share = now < this.#youngUntil ? YOUNG_SHARE : 1;
    const scale = Math.max(1, Math.ceil(Math.log2((swim()?.size ?? 1) / EXCHANGE_SCALE)) + 1);
    return settings.exchangeIntervalMs * share * scale * (0.75 + context.random.next() / 2);
  }

  /** One of those that live, all equally likely. */
  #anyOther(): Member | undefined {
    const { swim, context } = this.#parts;
    let chosen: Member | undefined = undefined;
    let seen = 0;
    for (const member of swim()?.members.values() ?? []) {
      if (member.state !== 'alive' || member.node.id === context.transport.self.id) continue;
      seen += 1;
      if (context.random.int(seen) === 0) chosen = member;
    }
    return chosen;
  }
}

/** Whether it has to be heard from this run of a node that it lives, and what it knows. */
function isToBeMet(known: Member | undefined, run: number): boolean {
  if (known === undefined || known.incarnation !== run) return true;
  // One that left is still connected for a moment.
  return known.state === 'unreachable';
}

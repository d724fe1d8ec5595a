import { type FailureReason, type Logger, MAX_SUSPECT_MEMBERS, type NodeId } from '@quorate/core';
import type { SettledOptions } from './options.ts';
import { WatchedPeer } from './watched-peer.ts';

/** Of an interval: heartbeats of one node that come closer were held up together. */
const EARLIEST = 0.25;

/** Those who are judged by their heartbeats: exactly one for each member that is alive or suspect, but this node. */
export class WatchedPeers {
  readonly #options: SettledOptions;
  readonly #logger: Logger;
  readonly #peers = new Map<NodeId, WatchedPeer>();

  constructor(options: SettledOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  get(id: NodeId): WatchedPeer | undefined {
    return this.#peers.get(id);
  }

  get all(): Iterable<readonly [NodeId, WatchedPeer]> {
    return this.#peers;
  }

  /** Watches this run of a node from now on, unless that is done already. */
  watch(id: NodeId, incarnation: number, now: number): WatchedPeer {
    const known = this.#peers.get(id);
    if (known?.incarnation === incarnation) return known;
    const { intervalMs, maxLoopDelayMs, detector } = this.#options;
    const peer = new WatchedPeer(incarnation, detector(), now, { earliestMs: EARLIEST * intervalMs, maxLoopDelayMs });
    this.#peers.set(id, peer);
    return peer;
  }

  delete(id: NodeId): void {
    this.#peers.delete(id);
  }

  clear(): void {
    this.#peers.clear();
  }

  /** A detector may be anybody's: one that throws has given nobody up. */
  isGivenUp(id: NodeId, now: number): boolean {
    const peer = this.#peers.get(id);
    try {
      peer?.settle(now);
      return peer?.isAvailable(now) === false;
    } catch (error) {
      this.#logger.error(`the failure detector of ${id} threw: ${String(error)}`, error);
      return false;
    }
  }

  /** Of too many suspects, the one that was alive for the shortest time: strangers push nobody out who was here before. */
  get surplus(): { readonly id: NodeId; readonly reason: FailureReason } | undefined {
    const suspects = [...this.#peers].flatMap(([id, { suspected }]) =>
      suspected === undefined ? [] : [{ id, ...suspected }],
    );
    if (suspects.length <= MAX_SUSPECT_MEMBERS) return undefined;
    return suspects.reduce((a, b) => (b.livedMs < a.livedMs ? b : a));
  }
}

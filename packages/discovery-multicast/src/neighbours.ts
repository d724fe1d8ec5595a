import type { ClusterNode, MonotonicMs, NodeId } from '@quorate/core';

import type { Datagram } from './datagram.ts';

/** The most nodes that are remembered at a time, and of those that are gone. */
export const MAX_NEIGHBOURS = 4_096;

interface Neighbour {
  readonly session: string;
  readonly node: ClusterNode;
  readonly sequence: number;
  readonly intervalMs: number;
  expiresAt: MonotonicMs;
}

/** What became of an announcement: `repeated` was heard before, or is older than what was; `full` came one too many. */
export type Heard = 'new' | 'known' | 'repeated' | 'full';

/**
 * The nodes that announced themselves, each for as long as it goes on. What a session said counts only once and only
 * forwards, also after its node is gone: a recording can bring nobody back whom this table has known.
 */
export class Neighbours {
  readonly #missed: number;
  /** By session and id; the one heard last is the last. */
  readonly #present = new Map<string, Neighbour>();
  /**
   * The highest sequence of those that are gone, by session and id, and of questions, by session alone; the last that came
   * is the last.
   */
  readonly #gone = new Map<string, number>();

  /** @param missed after how many announcements that didn't come a node is forgotten */
  constructor(missed: number) {
    this.#missed = missed;
  }

  /** Those present; of several that are told for one address, the one heard last comes first. */
  get nodes(): readonly ClusterNode[] {
    return [...this.#present.values()].reverse().map(({ node }) => node);
  }

  /** False while there may be more than are remembered. */
  get complete(): boolean {
    return this.#present.size < MAX_NEIGHBOURS;
  }

  announced(from: Datagram, node: ClusterNode, intervalMs: number, now: MonotonicMs): Heard {
    const key = keyOf(from.session, node.id);
    if (from.sequence <= this.#lastSequence(key)) return 'repeated';
    const known = this.#present.get(key);
    if (known === undefined && this.#present.size >= MAX_NEIGHBOURS) return 'full';
    const { session, sequence } = from;
    if (known === undefined) this.#replaceFormerRun(node);
    this.#present.delete(key);
    this.#gone.delete(key);
    const expiresAt = now + intervalMs * this.#missed;
    this.#present.set(key, { session, node, sequence, intervalMs, expiresAt });
    return known !== undefined && JSON.stringify(known.node) === JSON.stringify(node) ? 'known' : 'new';
  }

  /** @returns whether a node has gone by this */
  saidGoodbye({ session, sequence }: Datagram, id: NodeId): boolean {
    const key = keyOf(session, id);
    if (sequence <= this.#lastSequence(key)) return false;
    const wasPresent = this.#present.delete(key);
    this.#remember(key, sequence);
    return wasPresent;
  }

  /** @returns whether this question is new: an old one is not to be answered once more */
  asked({ session, sequence }: Datagram): boolean {
    if (sequence <= this.#lastSequence(session)) return false;
    this.#remember(session, sequence);
    return true;
  }

  /** @returns whether somebody has gone by this */
  expire(now: MonotonicMs): boolean {
    const before = this.#present.size;
    for (const [key, { expiresAt, sequence }] of this.#present) {
      if (expiresAt > now) continue;
      this.#present.delete(key);
      this.#remember(key, sequence);
    }
    return this.#present.size < before;
  }

  /** Whether somebody has been silent for more than half of the time after which it is forgotten. */
  isAnybodyLate(now: MonotonicMs): boolean {
    const halfMs = ({ intervalMs }: Neighbour) => (intervalMs * this.#missed) / 2;
    return [...this.#present.values()].some((neighbour) => neighbour.expiresAt - now < halfMs(neighbour));
  }

  /** A time that counts against nobody: this node itself could not hear. */
  postpone(ms: number): void {
    for (const neighbour of this.#present.values()) neighbour.expiresAt += ms;
  }

  /** A node that was started again at the same address is one, not two. */
  #replaceFormerRun(node: ClusterNode): void {
    for (const [key, former] of this.#present) {
      const { id, host, port } = former.node;
      if (id !== node.id || host !== node.host || port !== node.port) continue;
      this.#present.delete(key);
      this.#remember(key, former.sequence);
    }
  }

  #lastSequence(key: string): number {
    return this.#present.get(key)?.sequence ?? this.#gone.get(key) ?? -1;
  }

  #remember(key: string, sequence: number): void {
    this.#gone.delete(key);
    this.#gone.set(key, sequence);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > MAX_NEIGHBOURS && oldest !== undefined) this.#gone.delete(oldest);
  }
}

function keyOf(session: string, id: NodeId): string {
  return `${session} ${id}`;
}

import { type Clock, type ClusterNode, type MonotonicMs, type NodeId, type Random, type Timer } from '@quorate/core';

/** A node that is new is announced so often at once, because single datagrams are lost. */
const FIRST_ANNOUNCEMENTS = 3;
const FIRST_SPACING_MS = 300;
/** However much is asked, announcements keep this distance, and so do questions. */
export const MIN_SPACING_MS = 100;
/** Between the datagrams of several nodes, at most. */
const SPREAD_MS = 20;
/** The most nodes that one discovery announces. */
export const MAX_ANNOUNCED = 64;

/** Says when this node is announced: at once when it is new, then again and again, and soon when somebody asks. */
export class Announcer implements Disposable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #intervalMs: number;
  readonly #announce: (node: ClusterNode) => void;
  readonly #nodes = new Map<NodeId, ClusterNode>();
  readonly #spread = new Set<Timer>();
  #next: { readonly at: MonotonicMs; readonly timer: Timer } | undefined;
  #lastAt: MonotonicMs = -Infinity;
  /** Announcements of a new node that are still to come at short distance. */
  #first = 0;

  constructor(
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    intervalMs: number,
    announce: (node: ClusterNode) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#intervalMs = intervalMs;
    this.#announce = announce;
  }

  get nodes(): readonly ClusterNode[] {
    return [...this.#nodes.values()];
  }

  has(id: NodeId): boolean {
    return this.#nodes.has(id);
  }

  add(node: ClusterNode): void {
    this.#nodes.set(node.id, node);
    this.#announce(node);
    this.#lastAt = this.#clock.now();
    this.#first = FIRST_ANNOUNCEMENTS - 1;
    this.#cancel();
    this.#plan(this.#pauseMs());
  }

  delete(id: NodeId): boolean {
    const had = this.#nodes.delete(id);
    if (this.#nodes.size === 0) this.#cancel();
    return had;
  }

  /** Announces within this time, at a moment of its own, so that not all answer at once. */
  answer(withinMs: number): void {
    if (this.#nodes.size === 0) return;
    const sinceLast = this.#clock.now() - this.#lastAt;
    this.#plan(Math.max(this.#random.next() * withinMs, MIN_SPACING_MS - sinceLast));
  }

  [Symbol.dispose](): void {
    this.#nodes.clear();
    this.#cancel();
    for (const timer of this.#spread) timer.cancel();
    this.#spread.clear();
  }

  /** The sooner of this and what is planned. */
  #plan(delayMs: number): void {
    const at = this.#clock.now() + delayMs;
    if (this.#next !== undefined && this.#next.at <= at) return;
    this.#cancel();
    this.#next = { at, timer: this.#clock.setTimer(delayMs, () => this.#announceAll()) };
  }

  #announceAll(): void {
    this.#next = undefined;
    this.#lastAt = this.#clock.now();
    let delayMs = 0;
    for (const { id } of this.nodes) {
      this.#after(delayMs, () => {
        const node = this.#nodes.get(id);
        if (node !== undefined) this.#announce(node);
      });
      delayMs += this.#random.next() * SPREAD_MS;
    }
    this.#first = Math.max(0, this.#first - 1);
    this.#plan(this.#pauseMs());
  }

  #after(delayMs: number, run: () => void): void {
    if (delayMs === 0) {
      run();
      return;
    }
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#spread.delete(timer);
      run();
    });
    this.#spread.add(timer);
  }

  #pauseMs(): number {
    const pauseMs = this.#first > 0 ? Math.min(FIRST_SPACING_MS, this.#intervalMs) : this.#intervalMs;
    return pauseMs * (0.9 + 0.2 * this.#random.next());
  }

  #cancel(): void {
    this.#next?.timer.cancel();
    this.#next = undefined;
  }
}

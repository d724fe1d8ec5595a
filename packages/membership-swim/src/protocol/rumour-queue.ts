import type { Rumour } from './messages.ts';
import { messageBytes } from './packet-codec.ts';

interface Queued {
  readonly rumour: Rumour;
  readonly key: string;
  readonly bytes: number;
  /** Invariant: true from when it was replaced, dropped or sent often enough. */
  isOver: boolean;
}

/** What rumours of one packet may take. */
interface Room {
  readonly bytes: number;
  readonly count: number;
}

interface Taken {
  bytes: number;
  readonly rumours: Rumour[];
  readonly sent: { readonly queued: Queued; readonly times: number }[];
}

// Sent first, of those that were sent equally often: what clears somebody goes before what accuses.
const KIND = { CLEARS: 0, ACCUSES: 1, USER: 2 } as const;
const KINDS = 3;
// Users' rumours get this share of a packet even when those of members could fill it.
const USER_SHARE = 0.25;
// Who reads a packet refuses it whole beyond 256 messages: this leaves room for those that rumours are sent beside.
const MAX_RUMOURS = 240;
// How many that are over are left in for each that isn't, and how many in any case.
const OVER_SHARE = 0.5;
const SLACK = 64;
// Of those that don't fit any more, how many are passed over in search of a shorter one.
const MAX_PASSED_OVER = 3;

/**
 * What is still to be passed on. Least sent goes first, then newest; each is sent a bounded number of times, and one with
 * the same key as a newer one makes way for it.
 */
export class RumourQueue {
  readonly #maxQueued: number;
  readonly #live = new Map<string, Queued>();
  /** By kind and number of transmissions: stacks, the newest on top. Those that are over are left in until met. */
  readonly #tiers: readonly Queued[][][] = Array.from({ length: KINDS }, () => []);
  #stacked = 0;
  #users = 0;
  #dropped = 0;

  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued;
  }

  get size(): number {
    return this.#live.size;
  }

  /** How many of them are users'. */
  get users(): number {
    return this.#users;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(key: string, rumour: Rumour): void {
    this.remove(key);
    if (this.#live.size >= this.#maxQueued) this.#dropOne();
    const queued = { rumour, key, bytes: messageBytes(rumour), isOver: false };
    this.#live.set(key, queued);
    if (rumour.type === 'user') this.#users += 1;
    this.#stack(queued, 0);
  }

  remove(key: string): void {
    const queued = this.#live.get(key);
    if (queued === undefined) return;
    this.#live.delete(key);
    queued.isOver = true;
    if (queued.rumour.type === 'user') this.#users -= 1;
    if (this.#stacked > (1 + OVER_SHARE) * this.#live.size + SLACK) this.#compact();
  }

  /**
   * The next for one packet, of at most so many bytes, and no more than are read. Each counts as sent, if the packet is likely
   * to arrive; who was sent `limit` times is done.
   */
  take(maxBytes: number, limit: number, counts: boolean = true): readonly Rumour[] {
    if (this.#live.size === 0) return [];
    this.#endSentOften(limit);
    const share = this.#users === 0 ? 0 : USER_SHARE;
    const step = counts ? 1 : 0;
    const room = { bytes: maxBytes - Math.floor(maxBytes * share), count: MAX_RUMOURS * (1 - share) };
    const { bytes, rumours } = this.#takeOf([KIND.CLEARS, KIND.ACCUSES], room, limit, step);
    if (this.#users === 0) return rumours;
    const left = { bytes: maxBytes - bytes, count: MAX_RUMOURS - rumours.length };
    return [...rumours, ...this.#takeOf([KIND.USER], left, limit, step).rumours];
  }

  /** The cluster was larger when these were sent: now it is often enough. */
  #endSentOften(limit: number): void {
    for (const tiers of this.#tiers) {
      while (tiers.length > limit) {
        const stack = tiers.pop() ?? [];
        this.#stacked -= stack.length;
        for (const queued of stack) if (!queued.isOver) this.remove(queued.key);
      }
    }
  }

  #takeOf(kinds: readonly number[], room: Room, limit: number, step: number): Taken {
    const taken: Taken = { bytes: 0, rumours: [], sent: [] };
    for (let times = 0; times < limit; times += 1) {
      for (const kind of kinds) {
        const stack = this.#tiers[kind]?.[times];
        if (stack !== undefined && stack.length > 0) this.#takeFrom(stack, { times, step, room }, taken);
      }
    }
    // The newest is stacked last again.
    for (const { queued, times } of taken.sent.reverse()) {
      if (times >= limit) this.remove(queued.key);
      else this.#stack(queued, times);
    }
    return taken;
  }

  #takeFrom(
    stack: Queued[],
    { times, step, room }: { readonly times: number; readonly step: number; readonly room: Room },
    taken: Taken,
  ): void {
    const tooLong: Queued[] = [];
    while (taken.rumours.length < room.count) {
      const queued = stack.pop();
      if (queued === undefined) break;
      this.#stacked -= 1;
      if (queued.isOver) continue;
      if (taken.bytes + queued.bytes > room.bytes) {
        tooLong.push(queued);
        if (tooLong.length === MAX_PASSED_OVER) break;
      } else {
        taken.bytes += queued.bytes;
        taken.rumours.push(queued.rumour);
        taken.sent.push({ queued, times: times + step });
      }
    }
    for (const queued of tooLong.reverse()) this.#stack(queued, times);
  }

  #stack(queued: Queued, times: number): void {
    const tiers = this.#tiers[kindOf(queued.rumour)];
    if (tiers === undefined) return;
    while (tiers.length <= times) tiers.push([]);
    tiers[times]?.push(queued);
    this.#stacked += 1;
  }

  /** The one that was sent most. */
  #dropOne(): void {
    const tiers = Math.max(...this.#tiers.map((of) => of.length));
    for (let times = tiers - 1; times >= 0; times -= 1) {
      for (const of of this.#tiers) {
        const queued = of[times]?.findLast(({ isOver }) => !isOver);
        if (queued === undefined) continue;
        this.#dropped += 1;
        this.remove(queued.key);
        return;
      }
    }
  }

  #compact(): void {
    this.#stacked = 0;
    for (const tiers of this.#tiers) {
      for (const [times, stack] of tiers.entries()) {
        const live = stack.filter(({ isOver }) => !isOver);
        tiers[times] = live;
        this.#stacked += live.length;
      }
    }
  }
}

function kindOf({ type }: Rumour): number {
  if (type === 'user') return KIND.USER;
  return type === 'alive' || type === 'left' ? KIND.CLEARS : KIND.ACCUSES;
}

import type { Rumour } from './messages.ts';
import { MAX_MESSAGES, messageBytes } from './packet-codec.ts';

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
}

interface Transmissions {
  readonly limit: number;
  /** By how much each of these counts. */
  readonly step: number;
}

// Sent first, of those that were sent equally often: what clears somebody goes before what accuses.
const KIND = { CLEARS: 0, ACCUSES: 1, USER: 2, LONG: 3 } as const;
const KINDS = 4;
// Longer rumours of members wait by themselves: no short one waits under them, and none takes the room that they need.
const MAX_SHORT_BYTES = 320;
// Of every second packet users' rumours get this share even when those of members could fill it: the longest of them fits.
const USER_SHARE = 0.5;
// This leaves room for the messages that rumours are sent beside.
const MAX_RUMOURS: number = MAX_MESSAGES - 16;
// How many that are over are left in for each that isn't, and how many in any case.
const OVER_SHARE = 0.5;
const SLACK = 64;
// Of those that don't fit any more, how many are passed over in search of a shorter one.
const MAX_PASSED_OVER = 3;

/**
 * What is still to be passed on. Least sent goes first, then newest; each is sent a bounded number of times, and one with
 * the same key as a newer one makes way for it. Long ones and users' need room that others would always have taken before:
 * the long go first in every second packet, and users' have their share of those between.
 */
export class RumourQueue {
  readonly #maxQueued: number;
  readonly #live = new Map<string, Queued>();
  /** By kind and number of transmissions: stacks, the newest on top. Those that are over are left in until met. */
  readonly #tiers: readonly Queued[][][] = Array.from({ length: KINDS }, () => []);
  #stacked = 0;
  #users = 0;
  #userBytes = 0;
  #isTurnOfLong = false;
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
    this.#countUser(queued, 1);
    this.#stack(queued, 0);
  }

  remove(key: string): void {
    const queued = this.#live.get(key);
    if (queued === undefined) return;
    this.#live.delete(key);
    queued.isOver = true;
    this.#countUser(queued, -1);
    if (this.#stacked > (1 + OVER_SHARE) * this.#live.size + SLACK) this.#compact();
  }

  /**
   * The next for one packet, of at most so many bytes, and no more than are read. Each counts as sent, if the packet is likely
   * to arrive; who was sent `limit` times is done.
   */
  take(maxBytes: number, limit: number, counts: boolean = true): readonly Rumour[] {
    if (this.#live.size === 0) return [];
    this.#endSentOften(limit);
    const isTurnOfLong = this.#isTurnOfLong;
    this.#isTurnOfLong = !isTurnOfLong;
    const whole = { bytes: maxBytes, count: MAX_RUMOURS };
    const step = counts ? 1 : 0;
    const taken: Taken = { bytes: 0, rumours: [] };
    if (isTurnOfLong) this.#takeOf([KIND.LONG], whole, { limit, step }, taken);
    const room = isTurnOfLong ? whole : this.#withoutShareOfUsers(whole);
    this.#takeOf([KIND.CLEARS, KIND.ACCUSES], room, { limit, step }, taken);
    this.#takeOf([KIND.USER], whole, { limit, step }, taken);
    if (!isTurnOfLong) this.#takeOf([KIND.LONG], whole, { limit, step }, taken);
    return taken.rumours;
  }

  /** No more is kept for them than they need. */
  #withoutShareOfUsers({ bytes, count }: Room): Room {
    return {
      bytes: bytes - Math.min(Math.floor(bytes * USER_SHARE), this.#userBytes),
      count: count - Math.min(Math.floor(count * USER_SHARE), this.#users),
    };
  }

  #countUser({ rumour, bytes }: Queued, step: 1 | -1): void {
    if (rumour.type !== 'user') return;
    this.#users += step;
    this.#userBytes += step * bytes;
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

  #takeOf(kinds: readonly number[], room: Room, { limit, step }: Transmissions, taken: Taken): void {
    const sent: { readonly queued: Queued; readonly times: number }[] = [];
    for (let times = 0; times < limit; times += 1) {
      for (const kind of kinds) {
        const stack = this.#tiers[kind]?.[times];
        if (stack === undefined || stack.length === 0) continue;
        for (const queued of this.#takeFrom(stack, room, taken)) sent.push({ queued, times: times + step });
      }
    }
    // The newest is stacked last again.
    for (const { queued, times } of sent.reverse()) {
      if (times >= limit) this.remove(queued.key);
      else this.#stack(queued, times);
    }
  }

  #takeFrom(stack: Queued[], room: Room, taken: Taken): readonly Queued[] {
    const sent: Queued[] = [];
    const passedOver: Queued[] = [];
    while (taken.rumours.length < room.count && passedOver.length < MAX_PASSED_OVER) {
      const queued = stack.pop();
      if (queued === undefined) break;
      this.#stacked -= 1;
      if (queued.isOver) continue;
      if (taken.bytes + queued.bytes > room.bytes) {
        passedOver.push(queued);
      } else {
        taken.bytes += queued.bytes;
        taken.rumours.push(queued.rumour);
        sent.push(queued);
      }
    }
    this.#stacked += passedOver.length;
    // Of the long each comes to the top in turn: one may be too long for any packet.
    if (passedOver[0] !== undefined && kindOf(passedOver[0]) === KIND.LONG) stack.unshift(...passedOver);
    else stack.push(...passedOver.reverse());
    return sent;
  }

  #stack(queued: Queued, times: number): void {
    const tiers = this.#tiers[kindOf(queued)];
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

function kindOf({ rumour: { type }, bytes }: Queued): number {
  if (type === 'user') return KIND.USER;
  if (bytes > MAX_SHORT_BYTES) return KIND.LONG;
  return type === 'alive' || type === 'left' ? KIND.CLEARS : KIND.ACCUSES;
}

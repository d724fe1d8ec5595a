import type { SwimCore } from './core.ts';
import { isLiving } from './member-table.ts';
import type { Deadline } from './deadlines.ts';
import type { MemberRecord } from './types.ts';

/** Sends rumours beside the probes, to a few random members a round, as long as there are any. */
export class Gossiper {
  readonly #core: SwimCore;
  #phase = 0;
  #lastRoundAt = Number.NEGATIVE_INFINITY;
  #next: Deadline | undefined;

  constructor(core: SwimCore) {
    this.#core = core;
  }

  start(): void {
    const { now, random, settings } = this.#core;
    this.#phase = now + random.next() * settings.gossipIntervalMs;
    if (this.#core.queue.size > 0) this.wake();
  }

  /** There is something to say. */
  wake(): void {
    if (this.#next !== undefined) return;
    this.#next = this.#core.deadlines.set(this.#nextRoundAt(), () => this.#round());
  }

  #nextRoundAt(): number {
    const { now, settings } = this.#core;
    const { gossipIntervalMs: interval, gossipsAtOnce } = settings;
    if (gossipsAtOnce) return Math.max(now, this.#lastRoundAt + interval);
    return this.#phase + (Math.floor((now - this.#phase) / interval) + 1) * interval;
  }

  #round(): void {
    const { settings, table, queue, now } = this.#core;
    this.#next = undefined;
    this.#lastRoundAt = now;
    for (const member of table.sample(settings.gossipFanout, (each) => this.#wants(each))) {
      if (queue.size > 0) this.#core.send(member, []);
    }
    if (queue.size > 0) this.wake();
  }

  /** Who is unreachable is told for a while: it may be there, and answer. */
  #wants({ id, state, since }: MemberRecord): boolean {
    const { selfId, now, settings } = this.#core;
    if (id === selfId) return false;
    return isLiving(state) || (state === 'unreachable' && now - since < settings.gossipToUnreachableMs);
  }
}

import type { NodeId } from '@quorate/core';
import type { Pulses, Sleeper } from './pulses.ts';

/** Who ticks, or doesn't. */
export interface Ticking {
  /** Stops or begins ticking. */
  restChanged(isResting: boolean): void;
}

/** Whether a group ticks, and why not. */
export class GroupRest implements Sleeper {
  readonly #pulses: Pulses;
  readonly patienceMs: number;
  /** Ticks without anything to do after which a leader lets the group rest. */
  readonly #afterTicks: number;
  readonly #group: Ticking;
  #quietTicks = 0;
  /** On whom it relies while it rests. */
  #peers: readonly NodeId[] | undefined;

  constructor(parts: {
    readonly pulses: Pulses;
    readonly patienceMs: number;
    readonly afterTicks: number;
    readonly group: Ticking;
  }) {
    this.#pulses = parts.pulses;
    this.#afterTicks = parts.afterTicks;
    this.#group = parts.group;
    this.patienceMs = parts.patienceMs;
  }

  get isResting(): boolean {
    return this.#peers !== undefined;
  }

  tick(): void {
    this.#quietTicks += 1;
  }

  /** There was something to do. */
  disturbed(): void {
    this.#quietTicks = 0;
  }

  /** Whether a leader has had nothing to do for so long that it had better let the group rest, if it may. */
  get isDue(): boolean {
    return this.#quietTicks >= this.#afterTicks;
  }

  rest(peers: readonly NodeId[]): void {
    if (this.#peers !== undefined) return;
    // A list that was made piece by piece has room for more.
    this.#peers = [...peers];
    for (const peer of peers) this.#pulses.watch(peer, this);
    this.#group.restChanged(true);
  }

  wake(): void {
    const peers = this.#peers;
    this.#quietTicks = 0;
    if (peers === undefined) return;
    this.#peers = undefined;
    for (const peer of peers) this.#pulses.unwatch(peer, this);
    this.#group.restChanged(false);
  }
}

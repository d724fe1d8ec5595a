import type { Host, World } from '@quorate/simulator';
import type { Attacks, AttackOptions } from './trial.ts';

/** Clocks are as far apart as they may be in so many attacks. */
const WIDE_CLOCKS = 0.8;
const MAX_DELAY_MS = 150;
/** Little longer than an election time, or the leader gives up. */
const MAX_PAUSE_MS = 300;
const MAX_ABSENCE_MS = 600;
/** Between an event and the moment at which nobody is to know of it. */
const MAX_ANSWER_MS = 5;
/** Between a request to hand over and the moment from which the leader is not to hear what becomes of it. */
const MAX_HAND_OVER_MS = 5;

/**
 * Leaders that lead no more and don't know it: theirs is the slowest of clocks, and they are cut off, paused, answered late,
 * or have handed over. Whoever reads there sees what is old as soon as a lease is a little too long.
 */
export class ReadAttacks implements Attacks {
  readonly #world: World;
  readonly #options: AttackOptions;

  constructor(world: World, options: AttackOptions) {
    this.#world = world;
    this.#options = options;
  }

  strike(): number | undefined {
    const leader = this.#options.leaders().at(-1);
    if (leader === undefined || leader.paused) return undefined;
    const others = this.#world.hosts.filter((host) => host !== leader);
    this.#setClocks(leader, others);
    const attacks = [
      () => this.#cutOff(leader, others),
      () => this.#answerLate(leader, others),
      () => this.#pause(leader, others),
      () => this.#handOver(leader, others),
      () => this.#tellLate(leader, others),
      () => this.#standStill(leader, others),
    ];
    return attacks[this.#world.random.int(attacks.length)]?.();
  }

  onPromise(): void {
    // A vote is as good as any other here.
  }

  #setClocks(leader: Host, others: readonly Host[]): void {
    const { maxDrift } = this.#options;
    const isWide = this.#world.chance(WIDE_CLOCKS);
    const drift = (most: number) => (isWide ? most : (this.#world.random.next() * 2 - 1) * maxDrift);
    leader.drift = drift(-maxDrift);
    for (const host of others) host.drift = drift(maxDrift);
  }

  #cutOff(leader: Host, others: readonly Host[]): number {
    this.#world.block(leader, others);
    if (this.#world.chance(0.7)) this.#world.block(others, leader);
    return this.#heal(leader, others, this.#draw(MAX_ABSENCE_MS));
  }

  /** What it hears is old already when nobody hears it any more. */
  #answerLate(leader: Host, others: readonly Host[]): number {
    this.#world.setLink(others, leader, { latencyMs: this.#draw(MAX_DELAY_MS) });
    const beginsIn = this.#draw(MAX_ABSENCE_MS);
    this.#options.later(beginsIn, () => this.#world.block(leader, others));
    return this.#heal(leader, others, beginsIn + this.#draw(MAX_ABSENCE_MS));
  }

  /** When it wakes up, it is told of nothing for a while. */
  #pause(leader: Host, others: readonly Host[]): number {
    const pauseMs = this.#draw(MAX_ABSENCE_MS);
    leader.stall(pauseMs);
    if (this.#world.chance(0.7)) this.#world.block(others, leader);
    return this.#heal(leader, others, pauseMs + this.#draw(MAX_ABSENCE_MS));
  }

  #handOver(leader: Host, others: readonly Host[]): number {
    this.#options.handOver(leader);
    const beginsIn = this.#draw(MAX_HAND_OVER_MS);
    this.#options.later(beginsIn, () => this.#world.block(others, leader));
    return this.#heal(leader, others, beginsIn + this.#draw(MAX_ABSENCE_MS));
  }

  /** Some follower lags, in what it has as in what it is told. */
  #tellLate(leader: Host, others: readonly Host[]): number {
    const lagging = others.filter(() => this.#world.chance(0.5));
    this.#world.setLink(leader, lagging, { latencyMs: this.#draw(MAX_DELAY_MS) });
    return this.#heal(leader, others, this.#draw(MAX_ABSENCE_MS));
  }

  /** All others do, and when they go on they may think that much time has passed since they heard of the leader. */
  #standStill(leader: Host, others: readonly Host[]): number {
    const pauseMs = this.#draw(MAX_PAUSE_MS);
    for (const host of others) host.stall(pauseMs);
    const beginsIn = pauseMs + this.#draw(MAX_ANSWER_MS);
    this.#options.later(beginsIn, () => this.#world.partition([leader], others));
    return this.#heal(leader, others, beginsIn + this.#draw(MAX_ABSENCE_MS));
  }

  #heal(leader: Host, others: readonly Host[], inMs: number): number {
    this.#options.later(inMs, () => {
      this.#world.heal();
      this.#world.resetLink(leader, others);
      this.#world.resetLink(others, leader);
    });
    return inMs;
  }

  #draw(most: number): number {
    return this.#world.random.next() * most;
  }
}

import type { Host, World } from '@quorate/simulator';
import type { Attacks, AttackOptions } from './trial.ts';

/** Disks that are slow for a while are so by this much: an answer that does not wait for them is out long before. */
const MAX_STALL_MS = 60;
/** Longer than an answer is under way. */
const ANSWER_MS = 3;
const MAX_DOWN_MS = 30;
/** Until there is a leader again, and a moment for it to lead. */
const MAX_TERM_MS = 1200;
/** How long followers lag before others lose power. */
const MAX_LAG_MS = 150;
/** Of the attacks, those on votes; the others are on entries. */
const VOTES = 0.5;

/**
 * Power fails while disks write: of those on whose word alone a leader was elected, or something was committed. What they
 * had not stored is gone, and those who go on then know of nothing.
 */
export class DurabilityAttacks implements Attacks {
  readonly #world: World;
  readonly #options: AttackOptions;
  /** What happens when one of these writes a vote: the attack on votes that is under way. */
  #onVote: { readonly pivots: readonly Host[]; readonly isDurable: boolean; readonly crash: () => void } | undefined;

  constructor(world: World, options: AttackOptions) {
    this.#world = world;
    this.#options = options;
  }

  strike(): number | undefined {
    const leader = this.#options.leaders().at(-1);
    if (leader === undefined) return undefined;
    return this.#world.chance(VOTES) ? this.#forgetVotes(leader) : this.#forgetEntries(leader);
  }

  onPromise(host: Host, isDurable: boolean): void {
    const attack = this.#onVote;
    if (attack?.isDurable !== isDurable || !attack.pivots.includes(host)) return;
    this.#onVote = undefined;
    attack.crash();
  }

  /**
   * Two parts of the cluster, neither of which elects anyone without the pivots. These vote with one, lose power before they
   * hear more of it, and are from then on with the other, which has heard nothing of the term.
   */
  #forgetVotes(leader: Host): number {
    const others = this.#world.hosts.filter((host) => host !== leader);
    const pivots = [leader, ...others.splice(0, others.length % 2)];
    const [first, second] = [others.slice(0, others.length / 2), others.slice(others.length / 2)];
    this.#world.partition([...first, ...pivots], second);
    const isDurable = this.#world.chance(0.5);
    const stallMs = isDurable ? 0 : this.#draw(MAX_STALL_MS);
    for (const pivot of pivots) {
      this.#loseMemory(pivot);
      pivot.disk.fail({ stallMs });
    }
    this.#setClocks(pivots);
    const crash = () => {
      this.#world.block(first, pivots);
      this.#options.later(this.#draw(ANSWER_MS + stallMs), () => this.#changeSides(pivots, first, second));
    };
    this.#onVote = { pivots, isDurable, crash };
    return this.#end(MAX_TERM_MS + this.#draw(MAX_TERM_MS));
  }

  /** Pivots are slow, so that others stand before them. */
  #setClocks(pivots: readonly Host[]): void {
    const { maxDrift } = this.#options;
    for (const host of this.#world.hosts) host.drift = pivots.includes(host) ? -maxDrift : maxDrift;
  }

  #changeSides(pivots: readonly Host[], first: readonly Host[], second: readonly Host[]): void {
    this.#world.partition(pivots, first);
    this.#world.unblock(pivots, second);
    this.#world.unblock(second, pivots);
    for (const pivot of pivots) this.#loseMemory(pivot);
  }

  /** As many lag as may; the others lose power, and the leader, who has everything, is cut off. */
  #forgetEntries(leader: Host): number {
    const others = this.#world.hosts.filter((host) => host !== leader);
    const lagging = others.splice(0, Math.floor((this.#world.hosts.length - 1) / 2));
    const beginsIn = this.#draw(MAX_LAG_MS);
    this.#world.partition([leader], lagging);
    for (const host of others) host.disk.fail({ stallMs: this.#draw(MAX_STALL_MS) });
    this.#options.later(beginsIn, () => {
      for (const host of others) this.#loseMemory(host);
      this.#world.partition([leader], others);
    });
    return this.#end(beginsIn + this.#draw(MAX_TERM_MS));
  }

  #loseMemory(host: Host): void {
    host.crash({ powerLoss: this.#world.chance(0.3) });
    host.disk.fail({ stallMs: 0 });
    this.#options.later(this.#draw(MAX_DOWN_MS), () => {
      if (!host.running) this.#options.restart(host);
    });
  }

  #end(inMs: number): number {
    this.#options.later(inMs, () => {
      this.#onVote = undefined;
      this.#world.heal();
      for (const host of this.#world.hosts) host.disk.fail({ stallMs: 0 });
    });
    return inMs;
  }

  #draw(most: number): number {
    return this.#world.random.next() * most;
  }
}

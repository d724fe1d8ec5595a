import { type Host, seededRandom, type World } from '@quorate/simulator';
import { DurabilityAttacks } from './durability-attacks.ts';
import { ReadAttacks } from './read-attacks.ts';
import type { Attacks, Trial, TrialOptions } from './trial.ts';

/** Of all lives, those that are about one promise. */
const READS = 0.1;
const DURABILITY = 0.1;
/** Between the end of an attack and the next. */
const MAX_CALM_MS = 400;

/** What the seed has. By chance of its own: lives without a trial are what they were. */
export function drawTrial(world: World): Trial | undefined {
  const dice = seededRandom(world.seed, 'trial').next();
  if (dice < READS) return 'reads';
  return dice < READS + DURABILITY ? 'durability' : undefined;
}

/** Attacks on one promise, again and again, until told to stop. */
export class LifeTrial {
  readonly #world: World;
  readonly #attacks: Attacks;
  #isOver = false;

  constructor(world: World, trial: Trial, options: TrialOptions) {
    this.#world = world;
    const Kind = trial === 'reads' ? ReadAttacks : DurabilityAttacks;
    this.#attacks = new Kind(world, { ...options, later: (ms, step) => this.#later(ms, step) });
  }

  start(): void {
    this.#later(this.#world.random.next() * MAX_CALM_MS, () => {
      const lastsMs = this.#attacks.strike() ?? 0;
      this.#later(lastsMs, () => this.start());
    });
  }

  onPromise(host: Host, isDurable: boolean): void {
    if (!this.#isOver) this.#attacks.onPromise(host, isDurable);
  }

  /** What is under way stays as it is. */
  stop(): void {
    this.#isOver = true;
  }

  #later(ms: number, step: () => void): void {
    this.#world.after(ms, () => {
      if (!this.#isOver) step();
    });
  }
}

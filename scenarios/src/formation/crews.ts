import type { Host, World } from '@quorate/simulator';
import type { FormationCharacter } from './formation-character.ts';
import type { FormationSource } from './formation-source.ts';

export interface CrewParts {
  readonly world: World;
  readonly character: FormationCharacter;
  readonly source: FormationSource;
  readonly start: (host: Host) => void;
}

const CHANGES_AT_PROMISE = 0.1;
const CRASHES_AT_PROMISE = 0.2;
const CHANGES_AT_KNOWN = 0.6;
/** For so long somebody waits for promises, or for what is accepted. */
const MAX_PHASE_MS = 60;

/** Now these nodes run, and now those: what one crew has begun, the next finds in part, and the rest is down. */
export class Crews {
  readonly #parts: CrewParts;
  #crew: ReadonlySet<Host> = new Set();
  readonly #knowing = new Set<Host>();
  #isOver = false;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  begin(): void {
    const { world, character } = this.#parts;
    const { crewMs = 0 } = character;
    world.after(2 * world.random.next() * crewMs, () => {
      if (this.#isOver) return;
      this.#change();
      this.begin();
    });
  }

  /** Somebody promises something, or accepts it: the moment at which it matters most who goes on. */
  onPromise(host: Host): void {
    const { world } = this.#parts;
    if (this.#isOver) return;
    if (world.chance(CHANGES_AT_PROMISE)) this.#within(MAX_PHASE_MS, () => this.#change());
    // Then it is the only one that is missing.
    else if (world.chance(CRASHES_AT_PROMISE)) this.#within(MAX_PHASE_MS, () => host.crash());
  }

  /** This node knows its cluster: often before it has told anybody. */
  onKnown(host: Host): void {
    this.#knowing.add(host);
    if (this.#parts.world.chance(CHANGES_AT_KNOWN)) this.#within(MAX_PHASE_MS / 10, () => this.#change());
  }

  stop(): void {
    this.#isOver = true;
  }

  #within(ms: number, act: () => void): void {
    const { world } = this.#parts;
    world.after(world.random.next() * ms, () => {
      if (!this.#isOver) act();
    });
  }

  #change(): void {
    const { world, character, source, start } = this.#parts;
    const { expectedNodes, ground } = character;
    const size = world.chance(0.8) ? expectedNodes : expectedNodes + world.random.int(world.hosts.length);
    // Often with as few of those before as there can be, and of those who know.
    const isForgetful = world.chance(0.8);
    const rank = (host: Host) => (isForgetful ? 2 * Number(this.#knowing.has(host)) + Number(this.#crew.has(host)) : 0);
    const drawn = world.hosts.map((host) => ({ host, at: rank(host) + world.random.next() }));
    const crew = drawn
      .sort((a, b) => a.at - b.at)
      .map(({ host }) => host)
      .slice(0, size);
    this.#crew = new Set(crew);
    const isAnew = world.chance(0.5);
    for (const host of world.hosts) if (isAnew || !this.#crew.has(host)) host.crash({ powerLoss: world.chance(0.1) });
    if (ground !== 'honest source') source.confine(crew);
    for (const host of crew) if (!host.running) start(host);
  }
}

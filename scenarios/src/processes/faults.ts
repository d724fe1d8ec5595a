import { Seeded } from '../raft/seeded.ts';
import type { NodeSupervisor } from './node-supervisor.ts';
import type { LinkState, ProxyMesh } from '@quorate/test-servers';

type Link = readonly [from: string, to: string];

const MAX_REST_MS = 1200;
const MIN_FAULT_MS = 100;
const MAX_FAULT_MS = 2500;
const MAX_DELAY_MS = 80;

/** Breaks processes and links at random, and mends each some time later; several may be broken at a time. */
export class Faults {
  readonly #random: Seeded;
  readonly #supervisor: NodeSupervisor;
  readonly #mesh: ProxyMesh;
  #beganAt = 0;
  /** What was done, for people. */
  readonly #told: string[] = [];
  /** What is to be mended, and when. */
  readonly #mends = new Map<NodeJS.Timeout, () => void>();

  constructor(seed: number, supervisor: NodeSupervisor, mesh: ProxyMesh) {
    this.#random = new Seeded(seed);
    this.#supervisor = supervisor;
    this.#mesh = mesh;
  }

  get told(): readonly string[] {
    return this.#told;
  }

  /** Until the signal. Then everything is mended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#beganAt = performance.now();
    while (!signal.aborted && this.#supervisor.failure === undefined) {
      await this.#rest(signal);
      if (!signal.aborted) await this.#breakSomething();
    }
    for (const [timer, mend] of this.#mends) {
      clearTimeout(timer);
      mend();
    }
    this.#mends.clear();
    this.#tell('everything is mended');
  }

  #rest(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#random.int(MAX_REST_MS));
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }

  async #breakSomething(): Promise<void> {
    const kind = this.#random.pick(['kill', 'kill', 'pause', 'pause', 'split', 'isolate', 'one-way', 'slow'] as const);
    switch (kind) {
      case 'kill':
        return await this.#kill(this.#victim());
      case 'pause':
        return this.#pause(this.#victim());
      case 'split':
        return this.#breakLinks('split', this.#split(), this.#cutOrBlackHole());
      case 'isolate':
        return this.#breakLinks('isolated', this.#around(this.#victim()), this.#cutOrBlackHole());
      case 'one-way':
        return this.#breakLinks('one way', this.#someLinks(1 + this.#random.int(4)), { type: 'black-hole' });
      case 'slow':
        return this.#breakLinks('slow', this.#someLinks(6), {
          type: 'delayed',
          ms: 1 + this.#random.int(MAX_DELAY_MS),
        });
    }
  }

  async #kill(id: string): Promise<void> {
    // A process that has only begun to start would be killed too early to be of interest.
    if (this.#supervisor.clientPort(id) === undefined) return;
    this.#tell(`killed ${id}`);
    await this.#supervisor.kill(id);
    this.#mendLater(() => {
      this.#tell(`starts ${id}`);
      this.#supervisor.start(id);
    });
  }

  #pause(id: string): void {
    if (this.#supervisor.state(id) !== 'running') return;
    this.#tell(`paused ${id}`);
    this.#supervisor.pause(id);
    this.#mendLater(() => {
      this.#tell(`continues ${id}`);
      this.#supervisor.resume(id);
    });
  }

  #breakLinks(what: string, links: readonly Link[], state: LinkState): void {
    const names = links.map(([from, to]) => `${from}>${to}`).join(' ');
    const how = state.type === 'delayed' ? `delayed by ${state.ms} ms` : state.type;
    this.#tell(`${what}: ${names} ${how}`);
    for (const [from, to] of links) this.#mesh.set(from, to, state);
    this.#mendLater(() => {
      this.#tell(`heals ${names}`);
      // What a later fault has put there is not ours to mend.
      for (const [from, to] of links) if (this.#mesh.state(from, to) === state) this.#mesh.heal(from, to);
    });
  }

  #mendLater(mend: () => void): void {
    const timer = setTimeout(
      () => {
        this.#mends.delete(timer);
        mend();
      },
      MIN_FAULT_MS + this.#random.int(MAX_FAULT_MS - MIN_FAULT_MS),
    );
    this.#mends.set(timer, mend);
  }

  /** The leader as often as all others together. */
  #victim(): string {
    const { leader, ids } = this.#supervisor;
    return leader !== undefined && this.#random.bit() ? leader : this.#random.pick(ids);
  }

  #cutOrBlackHole(): LinkState {
    return { type: this.#random.bit() ? 'cut' : 'black-hole' };
  }

  /** Between two sides, in both directions. */
  #split(): readonly Link[] {
    const left = new Set(this.#supervisor.ids.filter(() => this.#random.bit()));
    return this.#links().filter(([from, to]) => left.has(from) !== left.has(to));
  }

  #around(id: string): readonly Link[] {
    return this.#links().filter((link) => link.includes(id));
  }

  #someLinks(count: number): readonly Link[] {
    return Array.from({ length: count }, () => this.#random.pick(this.#links()));
  }

  #links(): readonly Link[] {
    const { ids } = this.#supervisor;
    return ids.flatMap((from) => ids.filter((to) => to !== from).map((to): Link => [from, to]));
  }

  #tell(what: string): void {
    this.#told.push(`${(performance.now() - this.#beganAt).toFixed(0)} ms: ${what}`);
  }
}

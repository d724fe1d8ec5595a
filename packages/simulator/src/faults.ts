import { checkOptions, type OptionRules, rule } from '@quorate/core';

import type { Host } from './host.ts';
import { type LinkOptions, linkRules } from './links.ts';
import type { World } from './world.ts';

/** What goes wrong, how often, and for how long. */
export interface FaultOptions {
  /**
   * The mean time between two faults.
   * @default 500
   */
  readonly everyMs?: number;
  /**
   * The longest that a fault lasts; each draws its own time up to this.
   * @default 3000
   */
  readonly lastMs?: number;
  /**
   * The most hosts that are crashed or paused at a time.
   * @default all of them
   */
  readonly maxDown?: number;
  /**
   * The kinds of fault; name one more often to see more of it.
   * @default each kind once, and crash only where `restart` is given
   */
  readonly kinds?: readonly FaultKind[];
  /** Starts a host again after a crash; needed for faults of kind `crash`. */
  readonly restart?: (host: Host) => void;
  /**
   * What a link is like while a fault of kind `link` lasts; each draws up to these.
   * @default { latencyMs: 50, jitterMs: 100, loss: 0.3, duplicate: 0.2, reorder: 0.3 }
   */
  readonly link?: LinkOptions;
  /**
   * Clocks are set to run up to this much fast or slow by faults of kind `drift`, and stay so.
   * @default 0.001
   */
  readonly maxDrift?: number;
}

/** `oneWay` blocks one direction between two hosts, `partition` both between two groups. */
export type FaultKind = 'oneWay' | 'partition' | 'crash' | 'pause' | 'link' | 'drift';

/** A schedule of faults that is under way. */
export interface Faults extends Disposable {
  /** How many there were, by kind: a run without any proves little. */
  readonly counts: Readonly<Record<FaultKind, number>>;
  /** Ends it and heals everything: hosts run, links are open and as they were. Clocks keep their drift. */
  stop(): void;
}

const KINDS: readonly FaultKind[] = ['oneWay', 'partition', 'crash', 'pause', 'link', 'drift'];
const WORST_LINK: Required<LinkOptions> = { latencyMs: 50, jitterMs: 100, loss: 0.3, duplicate: 0.2, reorder: 0.3 };

const rules: OptionRules<FaultOptions> = {
  everyMs: rule.duration({ min: 0.001 }),
  lastMs: rule.duration({ min: 0 }),
  maxDown: rule.integer({ min: 0 }),
  kinds: rule.list(rule.oneOf(...KINDS)),
  restart: rule.value<(host: Host) => void>('a function', (value) => typeof value === 'function'),
  link: rule.group('faults link', linkRules),
  maxDrift: rule.number({ min: 0, max: 0.5 }),
};

/** Lets things go wrong among these hosts, by the world's seed, until stopped. */
export function faults(world: World, hosts: readonly Host[], options: FaultOptions = {}): Faults {
  return new FaultSchedule(world, hosts, checkOptions('faults', rules, options));
}

class FaultSchedule implements Faults {
  readonly counts: Record<FaultKind, number> = { oneWay: 0, partition: 0, crash: 0, pause: 0, link: 0, drift: 0 };
  readonly #world: World;
  readonly #hosts: readonly Host[];
  readonly #options: Required<Omit<FaultOptions, 'restart'>>;
  readonly #restart: ((host: Host) => void) | undefined;
  /** What undoes each fault that lasts, with its timer. */
  readonly #lasting = new Map<() => void, Disposable>();
  /** Hosts that a fault has in its hands. */
  readonly #down = new Set<Host>();
  #next: Disposable | undefined;

  constructor(world: World, hosts: readonly Host[], { restart, ...options }: FaultOptions) {
    if (hosts.length === 0) throw new Error('faults: there are no hosts to strike');
    this.#world = world;
    this.#hosts = hosts;
    this.#restart = restart;
    const kinds = KINDS.filter((kind) => kind !== 'crash' || restart !== undefined);
    const defaults = { everyMs: 500, lastMs: 3000, maxDown: hosts.length, kinds, maxDrift: 0.001 };
    this.#options = { ...defaults, ...options, link: { ...WORST_LINK, ...options.link } };
    if (this.#options.kinds.includes('crash') && restart === undefined) {
      throw new Error('faults: kind crash needs the option restart');
    }
    this.#plan();
  }

  stop(): void {
    this.#next?.[Symbol.dispose]();
    for (const [undo, timer] of this.#lasting) {
      timer[Symbol.dispose]();
      undo();
    }
    this.#lasting.clear();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #plan(): void {
    const delay = this.#world.random.next() * 2 * this.#options.everyMs;
    this.#next = this.#world.after(delay, () => {
      this.#plan();
      this.#strike(this.#pick(this.#options.kinds));
    });
  }

  #strike(kind: FaultKind): void {
    const undo = this.#begin(kind);
    if (undo === undefined) return;
    this.counts[kind] += 1;
    const timer = this.#world.after(this.#world.random.next() * this.#options.lastMs, () => {
      this.#lasting.delete(undo);
      undo();
    });
    this.#lasting.set(undo, timer);
  }

  /** What undoes it; undefined when nothing was to be done. */
  #begin(kind: FaultKind): (() => void) | undefined {
    switch (kind) {
      case 'oneWay':
        return this.#oneWay(this.#pick(this.#hosts), this.#pick(this.#hosts));
      case 'partition':
        return this.#partition();
      case 'crash':
        return this.#crash(this.#pick(this.#hosts));
      case 'pause':
        return this.#pause(this.#pick(this.#hosts));
      case 'link':
        return this.#worsen(this.#pick(this.#hosts), this.#pick(this.#hosts));
      case 'drift':
        return this.#drift(this.#pick(this.#hosts));
    }
  }

  #oneWay(from: Host, to: Host): (() => void) | undefined {
    if (from === to) return undefined;
    this.#world.block(from, to);
    return () => this.#world.unblock(from, to);
  }

  #partition(): (() => void) | undefined {
    const here = this.#hosts.filter(() => this.#world.chance(0.5));
    const there = this.#hosts.filter((host) => !here.includes(host));
    if (here.length === 0 || there.length === 0) return undefined;
    this.#world.partition(here, there);
    return () => {
      this.#world.unblock(here, there);
      this.#world.unblock(there, here);
    };
  }

  #crash(host: Host): (() => void) | undefined {
    if (!this.#take(host)) return undefined;
    host.crash({ powerLoss: this.#world.chance(0.3) });
    return () => {
      this.#down.delete(host);
      if (!host.running) this.#restart?.(host);
    };
  }

  #pause(host: Host): (() => void) | undefined {
    if (!this.#take(host)) return undefined;
    host.pause();
    return () => {
      this.#down.delete(host);
      host.resume();
    };
  }

  #worsen(from: Host, to: Host): (() => void) | undefined {
    if (from === to) return undefined;
    const { link } = this.#options;
    const worse = Object.entries(link).map(([name, most]) => [name, most * this.#world.random.next()]);
    this.#world.setLink(from, to, Object.fromEntries(worse));
    return () => this.#world.resetLink(from, to);
  }

  #drift(host: Host): () => void {
    host.drift = (this.#world.random.next() * 2 - 1) * this.#options.maxDrift;
    return () => undefined;
  }

  #take(host: Host): boolean {
    if (!host.running || this.#down.has(host) || this.#down.size >= this.#options.maxDown) return false;
    this.#down.add(host);
    return true;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#world.random.int(from.length)] as T;
  }
}

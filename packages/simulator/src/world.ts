import { checkOptions, type OptionRules, type Random, rule } from '@quorate/core';
import type { MessageRoute } from '@quorate/memory';

import { Engine } from './engine.ts';
import { type Host, type HostOptions, SimulatedHost } from './host.ts';
import { type LinkOptions, linkRules, Links } from './links.ts';
import { MessageRouter } from './message-router.ts';
import { ProcessNet } from './process-net.ts';
import { type Seed, seededRandom } from './seeded-random.ts';
import { Network } from './sim-network.ts';
import type { Surroundings } from './surroundings.ts';
import type { Trace } from './trace.ts';

/** What a world is made from. */
export interface WorldOptions {
  /** The same seed gives the same run, if the program is the same. */
  readonly seed: Seed;
  /** How every direction between two hosts behaves until `setLink` says otherwise. */
  readonly link?: LinkOptions;
  /**
   * Lines of the trace that are kept; its hash covers all.
   * @default 2000
   */
  readonly traceLines?: number;
}

/** One host, or several; each pair of them is meant. */
export type HostSet = Host | readonly Host[];

/** Machines, the network between them, and time. Nothing in it happens by itself: `run` makes it. */
export interface World {
  readonly seed: Seed;
  /** True time in milliseconds; hosts' clocks differ from it. */
  readonly now: number;
  /** For scenarios: draws from it are part of the seed, and don't shift the world's own. */
  readonly random: Random;
  readonly trace: Trace;
  readonly hosts: readonly Host[];
  /** Adds a machine. Names are of letters, digits, `_` and `-`. */
  host(name: string, options?: HostOptions): Host;
  /** True with this probability, drawn from `random`. */
  chance(probability: number): boolean;
  /** A line in the trace. */
  note(text: string): void;
  /** Runs a step of the scenario itself, which no crash takes away. Disposing the result cancels it. */
  after(delayMs: number, step: () => void): Disposable;
  /**
   * Lets so much true time pass.
   * @throws Error with seed, time and trace, when a process, a step or a check threw
   */
  run(ms: number): Promise<void>;
  /**
   * Lets time pass until the condition, asked after every event, holds.
   * @throws Error as `run`, and when it doesn't hold within that time
   */
  runUntil(condition: () => boolean, withinMs: number): Promise<void>;
  /**
   * Lets time pass until the promise is settled: how a test awaits what runs in the world.
   * @throws what the promise rejects with, or Error when it isn't settled within that time
   */
  settled<T>(promise: Promise<T>, withinMs: number): Promise<T>;
  /** Called after every event, with all its consequences; what it throws ends the run. */
  onStep(check: () => void): Disposable;
  /** Changes one direction; what is not named stays. */
  setLink(from: HostSet, to: HostSet, options: LinkOptions): void;
  /** Puts a direction back to the world's `link`. */
  resetLink(from: HostSet, to: HostSet): void;
  /** Nothing passes in this direction. Streams stall, and are reset when that lasts; datagrams are lost. */
  block(from: HostSet, to: HostSet): void;
  unblock(from: HostSet, to: HostSet): void;
  /** Blocks both directions between two groups. */
  partition(a: HostSet, b: HostSet): void;
  /** Opens all that is blocked. */
  heal(): void;
  /** For `memoryNetwork({ route: world.route })`: its messages then pass these links. */
  readonly route: MessageRoute;
}

const rules: OptionRules<WorldOptions> = {
  seed: rule.value<Seed>('a number or a text', (value) => typeof value === 'number' || typeof value === 'string'),
  link: rule.group('createWorld link', linkRules),
  traceLines: rule.integer({ min: 1, max: 1_000_000 }),
};

/** A world of its own: any number of them can run in one program. */
export function createWorld(options: WorldOptions): World {
  return new SimulatedWorld(checkOptions('createWorld', rules, options));
}

class SimulatedWorld implements World {
  readonly random: Random;
  readonly route: MessageRoute;
  readonly #engine: Engine;
  readonly #links: Links;
  readonly #surroundings: Surroundings;
  readonly #hosts = new Map<string, SimulatedHost>();

  constructor({ seed, link = {}, traceLines = 2000 }: WorldOptions) {
    const engine = new Engine(seed, traceLines);
    this.#engine = engine;
    this.random = seededRandom(seed, 'scenario');
    this.#links = new Links(link);
    const find = (host: string) => this.#find(host);
    const router = new MessageRouter(engine, this.#links, seededRandom(seed, 'messages'), find);
    const network = new Network(engine, this.#links, seededRandom(seed, 'network'), find);
    this.route = (message) => router.route(message);
    this.#surroundings = {
      engine,
      net: (host, process) => new ProcessNet(network, host, process),
      crashed: (host) => {
        network.crashed(host);
        router.crashed(host);
      },
    };
  }

  get seed(): Seed {
    return this.#engine.seed;
  }

  get now(): number {
    return this.#engine.now;
  }

  get trace(): Trace {
    return this.#engine.trace;
  }

  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  host(name: string, options: HostOptions = {}): Host {
    if (!/^[A-Za-z0-9_-]+$/u.test(name)) throw new Error(`a host's name is of letters, digits, _ and -, got ${name}`);
    if (this.#hosts.has(name)) throw new Error(`there is a host ${name} already`);
    const number = this.#hosts.size + 1;
    const host = new SimulatedHost(this.#surroundings, name, `10.0.${number >> 8}.${number & 0xff}`, options);
    this.#hosts.set(name, host);
    return host;
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  note(text: string): void {
    this.#engine.trace.say(this.now, text);
  }

  after(delayMs: number, step: () => void): Disposable {
    const event = this.#engine.callAt(this.now + delayMs, step);
    return { [Symbol.dispose]: () => this.#engine.cancel(event) };
  }

  async run(ms: number): Promise<void> {
    await this.#engine.run(this.now + ms);
  }

  async runUntil(condition: () => boolean, withinMs: number): Promise<void> {
    if (await this.#engine.run(this.now + withinMs, condition)) return;
    throw this.#engine.describe(new Error(`the condition did not hold within ${withinMs} ms`));
  }

  async settled<T>(promise: Promise<T>, withinMs: number): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.runUntil(() => isSettled, withinMs);
    return promise;
  }

  onStep(check: () => void): Disposable {
    return this.#engine.onStep(check);
  }

  setLink(from: HostSet, to: HostSet, options: LinkOptions): void {
    this.#each('link', from, to, (a, b) => this.#links.set(a, b, options));
  }

  resetLink(from: HostSet, to: HostSet): void {
    this.#each('reset link', from, to, (a, b) => this.#links.reset(a, b));
  }

  block(from: HostSet, to: HostSet): void {
    this.#each('block', from, to, (a, b) => this.#links.block(a, b));
  }

  unblock(from: HostSet, to: HostSet): void {
    this.#each('unblock', from, to, (a, b) => this.#links.unblock(a, b));
  }

  partition(a: HostSet, b: HostSet): void {
    this.block(a, b);
    this.block(b, a);
  }

  heal(): void {
    this.note('heal');
    this.#links.unblockAll();
  }

  #each(what: string, from: HostSet, to: HostSet, act: (from: string, to: string) => void): void {
    for (const a of toList(from)) {
      for (const b of toList(to)) {
        if (a === b) continue;
        this.note(`${what} ${a.name} -> ${b.name}`);
        act(a.name, b.name);
      }
    }
  }

  #find(nameOrAddress: string): SimulatedHost | undefined {
    const named = this.#hosts.get(nameOrAddress);
    if (named !== undefined) return named;
    for (const host of this.#hosts.values()) if (host.address === nameOrAddress) return host;
    return undefined;
  }
}

function toList(hosts: HostSet): readonly Host[] {
  return 'name' in hosts ? [hosts] : hosts;
}

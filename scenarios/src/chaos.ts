import type { Host, World } from '@quorate/simulator';

export interface ChaosOptions {
  /** Starts the host's program again after a crash. */
  readonly restart: (host: Host) => void;
  /** Asks the host's program for something that a user may ask at any time, such as a hand-over. */
  readonly disturb: (host: Host) => void;
  /** The most that a clock runs fast or slow, as a fraction. */
  readonly maxDrift: number;
}

interface Fault {
  /** How often, against the others; drawn for each world, so that each has a character of its own. */
  readonly weight: number;
  strike(): void;
}

/** The longest that one fault lasts. */
const MAX_FAULT_MS = 2500;
/** A restart is often quick, so that what a process forgot is still believed by others. */
const QUICK_RESTART_MS = 30;
const SLOW_RESTART_MS = 1200;
/** How long a write to a disk that works may take. */
const MAX_WRITE_MS = 5;

/**
 * Faults of every kind, by seed: at random moments, and at the moments at which a node writes, which is when a crash
 * or a lost message hurts most. Each ends by itself; `stop` ends all of them.
 */
export class Chaos {
  readonly #world: World;
  readonly #options: ChaosOptions;
  readonly #meanIntervalMs: number;
  readonly #atWrite: number;
  readonly #faults: readonly Fault[];
  readonly #disksStalledUntil = new Map<Host, number>();
  #stopped = false;

  constructor(world: World, options: ChaosOptions) {
    this.#world = world;
    this.#options = options;
    this.#meanIntervalMs = 50 + world.random.int(1000);
    this.#atWrite = world.chance(0.7) ? world.random.next() * 0.5 : 0;
    const sometimes = (weight: number) => (world.chance(0.65) ? weight * world.random.next() : 0);
    this.#faults = [
      { weight: sometimes(1), strike: () => this.#partition() },
      { weight: sometimes(3), strike: () => this.#block(this.#pick(), this.#pick()) },
      { weight: sometimes(2), strike: () => this.#crash(this.#pick()) },
      { weight: sometimes(1), strike: () => this.#pick().stall(this.#draw(800)) },
      { weight: sometimes(1), strike: () => this.#disturbLink(this.#pick(), this.#pick()) },
      { weight: sometimes(2), strike: () => this.#mute(this.#pick()) },
      { weight: sometimes(2), strike: () => this.#options.disturb(this.#pick()) },
      { weight: sometimes(1), strike: () => this.#stallDisk(this.#pick()) },
      { weight: 0.2, strike: () => this.#drift(this.#pick()) },
    ];
  }

  start(): void {
    this.#world.after(this.#draw(2 * this.#meanIntervalMs), () => {
      if (this.#stopped) return;
      this.#strike();
      this.start();
    });
  }

  /** The host is writing something that it must not forget. */
  onWrite(host: Host): void {
    if (this.#stopped || !this.#world.chance(this.#atWrite)) return;
    if (this.#world.chance(0.5)) this.#world.after(this.#draw(10), () => this.#crash(host));
    if (this.#world.chance(0.5)) this.#block(host, this.#pick());
    if (this.#world.chance(0.5)) this.#block(this.#pick(), host);
    if (this.#world.chance(0.2)) this.#pick().stall(this.#draw(300));
  }

  get isOver(): boolean {
    return this.#stopped;
  }

  /** How long the host's disk takes for a write that begins now. */
  writeMs(host: Host): number {
    const stalledMs = (this.#disksStalledUntil.get(host) ?? 0) - this.#world.now;
    return Math.max(0, stalledMs) + this.#draw(MAX_WRITE_MS);
  }

  /** Peace: whole links, running clocks and processes. Crashed hosts are left to the caller. */
  stop(): void {
    const { hosts } = this.#world;
    this.#stopped = true;
    this.#disksStalledUntil.clear();
    this.#world.heal();
    this.#world.resetLink(hosts, hosts);
    for (const host of hosts) host.resume();
  }

  #strike(): void {
    const total = this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    let point = this.#draw(total);
    for (const fault of this.#faults) {
      point -= fault.weight;
      if (point < 0) return fault.strike();
    }
  }

  #partition(): void {
    const { hosts, random } = this.#world;
    const side = new Set(hosts.filter(() => random.next() < 0.5));
    const rest = hosts.filter((host) => !side.has(host));
    this.#world.partition([...side], rest);
    this.#later(MAX_FAULT_MS, () => {
      this.#world.unblock([...side], rest);
      this.#world.unblock(rest, [...side]);
    });
  }

  #block(from: Host, to: Host): void {
    if (from === to) return;
    this.#world.block(from, to);
    this.#later(MAX_FAULT_MS, () => this.#world.unblock(from, to));
  }

  #crash(host: Host): void {
    if (this.#stopped) return;
    host.crash({ powerLoss: this.#world.chance(0.3) });
    this.#later(this.#world.chance(0.5) ? QUICK_RESTART_MS : SLOW_RESTART_MS, () => {
      if (!host.running && !this.#stopped) this.#options.restart(host);
    });
  }

  /** One direction becomes slow and unreliable: answers may take longer than what they answer lasts. */
  #disturbLink(from: Host, to: Host): void {
    if (from === to) return;
    const often = (most: number) => (this.#world.chance(0.5) ? this.#draw(most) : 0);
    const faults = { loss: often(0.5), duplicate: often(0.5), reorder: often(0.5) };
    const slow = this.#world.chance(0.3) ? 1000 : 150;
    this.#world.setLink(from, to, { ...faults, latencyMs: often(slow), jitterMs: often(slow) });
    this.#later(MAX_FAULT_MS, () => this.#world.resetLink(from, to));
  }

  /** A host that hears others late, and then is heard no more: answers reach it when what they answer is long past. */
  #mute(host: Host): void {
    const others = this.#world.hosts.filter((other) => other !== host);
    this.#world.setLink(others, host, { latencyMs: this.#draw(150) });
    this.#later(500, () => {
      if (this.#stopped) return;
      this.#world.block(host, others);
      this.#later(1000, () => {
        this.#world.unblock(host, others);
        this.#world.resetLink(others, host);
      });
    });
  }

  /** Its writes end late, though the process runs: what it was told to store is stored when it matters no more. */
  #stallDisk(host: Host): void {
    this.#disksStalledUntil.set(host, this.#world.now + this.#draw(1500));
  }

  #drift(host: Host): void {
    const { maxDrift } = this.#options;
    const most = this.#world.chance(0.5) ? 1 : this.#world.random.next();
    host.drift = (this.#world.chance(0.5) ? 1 : -1) * most * maxDrift;
  }

  #later(withinMs: number, step: () => void): void {
    this.#world.after(this.#draw(withinMs), step);
  }

  #pick(): Host {
    const { hosts, random } = this.#world;
    return hosts[random.int(hosts.length)] as Host;
  }

  #draw(most: number): number {
    return this.#world.random.next() * most;
  }
}

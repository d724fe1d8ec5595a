import type { Host, World } from '@quorate/simulator';
import { Chaos } from '../chaos.ts';

export interface LifeFaultsOptions {
  /** Starts the host's program again after a crash. */
  readonly restart: (host: Host) => void;
  /** Who leads, or believes so. */
  readonly leaders: () => readonly Host[];
  /** Asks the host's program to hand leadership over to somebody. */
  readonly handOver: (host: Host) => void;
  /** Ends the host's program in order. */
  readonly stop: (host: Host) => Promise<void>;
  readonly maxDrift: number;
}

interface Fault {
  readonly weight: number;
  strike(): void;
}

/** The longest that one fault lasts. */
const MAX_FAULT_MS = 2500;
/** The longest that a node is cut off, so that others go on without it and cut their logs. */
const MAX_ABSENCE_MS = 6000;
/** From the beginning of an operation of a disk on, a crash may hit one of so many. */
const MAX_OPERATIONS = 40;

/** What goes wrong in a life beyond what goes wrong with any program: disks, leaders, and all at once. */
export class LifeFaults {
  readonly #world: World;
  readonly #options: LifeFaultsOptions;
  readonly #chaos: Chaos;
  readonly #faults: readonly Fault[];
  /** Whose disk fails now. */
  readonly #failing = new Set<Host>();
  /** Whose disk may have failed the living process. */
  readonly #failed = new Set<Host>();
  #isOver = false;

  constructor(world: World, options: LifeFaultsOptions) {
    this.#world = world;
    this.#options = options;
    const { maxDrift, restart } = options;
    this.#chaos = new Chaos(world, { maxDrift, restart, disturb: () => this.#strike() });
    const sometimes = (weight: number) => (world.chance(0.65) ? weight * world.random.next() : 0);
    this.#faults = [
      { weight: sometimes(2), strike: () => this.#handOver(this.#victim()) },
      { weight: sometimes(1), strike: () => this.#stopInOrder(this.#victim()) },
      { weight: sometimes(2), strike: () => this.#stallDisk(this.#victim()) },
      { weight: sometimes(2), strike: () => this.#crashInDisk(this.#victim()) },
      { weight: sometimes(1), strike: () => this.#crash(this.#victim()) },
      { weight: sometimes(1), strike: () => this.#victim().stall(this.#draw(MAX_FAULT_MS)) },
      { weight: sometimes(2), strike: () => this.#isolate(this.#victim()) },
      { weight: sometimes(0.3), strike: () => this.#breakDisk(this.#victim()) },
      { weight: sometimes(0.3), strike: () => this.#crashAll() },
    ];
  }

  start(): void {
    this.#chaos.start();
  }

  /** The host is writing what it must not forget, such as its vote. */
  onPromise(host: Host): void {
    this.#chaos.onWrite(host);
  }

  /** Whether the disk has failed under the living process, which may say so. */
  hasFailed(host: Host): boolean {
    return this.#failed.has(host);
  }

  /** A process is started on it. */
  started(host: Host): void {
    if (!this.#failing.has(host)) this.#failed.delete(host);
  }

  /** Peace: whole links, disks and running clocks. Crashed hosts, and those whose disks had failed, are left to the caller. */
  stop(): void {
    this.#isOver = true;
    this.#failing.clear();
    for (const host of this.#world.hosts) {
      host.disk.recover();
      host.crashAtDiskOperation(Infinity);
    }
    this.#chaos.stop();
  }

  #strike(): void {
    const total = this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    let point = this.#draw(total);
    for (const fault of this.#faults) {
      point -= fault.weight;
      if (point < 0) return fault.strike();
    }
  }

  /** Leaders are worth more than others. */
  #victim(): Host {
    const leaders = this.#options.leaders();
    return this.#pick(leaders.length > 0 && this.#world.chance(0.6) ? leaders : this.#world.hosts);
  }

  /** Often the leader hears nothing more from then on, neither of its success nor of its failure. */
  #handOver(host: Host): void {
    this.#options.handOver(host);
    if (this.#world.chance(0.5)) return;
    const others = this.#world.hosts.filter((other) => other !== host);
    this.#later(5, () => {
      this.#world.block(others, host);
      this.#later(1000, () => this.#world.unblock(others, host));
    });
  }

  #stopInOrder(host: Host): void {
    if (!host.running || host.paused) return;
    const { boots } = host;
    void this.#options.stop(host).then(() => this.#later(0, () => this.#endProcess(host, boots)));
    this.#later(MAX_FAULT_MS, () => {
      this.#endProcess(host, boots);
      if (!host.running) this.#options.restart(host);
    });
  }

  #endProcess(host: Host, boots: number): void {
    if (host.boots === boots) host.crash();
  }

  #stallDisk(host: Host): void {
    host.disk.fail({ stallMs: this.#draw(this.#world.chance(0.3) ? 2000 : 100) });
    this.#later(MAX_FAULT_MS, () => host.disk.fail({ stallMs: 0 }));
  }

  #crashInDisk(host: Host): void {
    host.crashAtDiskOperation(1 + this.#world.random.int(MAX_OPERATIONS));
    this.#bringBack(host, MAX_FAULT_MS);
  }

  #crash(host: Host): void {
    host.crash({ powerLoss: this.#world.chance(0.3) });
    this.#bringBack(host, this.#world.chance(0.5) ? 50 : MAX_FAULT_MS);
  }

  #crashAll(): void {
    for (const host of this.#world.hosts) {
      host.crash({ powerLoss: true });
      this.#bringBack(host, 1000);
    }
  }

  #isolate(host: Host): void {
    const others = this.#world.hosts.filter((other) => other !== host);
    const isOneWay = this.#world.chance(0.2);
    this.#world.block(host, others);
    if (!isOneWay) this.#world.block(others, host);
    this.#later(MAX_ABSENCE_MS, () => {
      this.#world.unblock(host, others);
      this.#world.unblock(others, host);
    });
  }

  /** A sync fails, or a write for want of space: then nothing more of this process counts. */
  #breakDisk(host: Host): void {
    if (!host.running) return;
    this.#failing.add(host);
    this.#failed.add(host);
    host.disk.fail(this.#world.chance(0.5) ? { sync: true } : { full: true });
    this.#later(MAX_FAULT_MS, () => {
      this.#failing.delete(host);
      host.disk.fail({ sync: false, full: false });
      host.crash();
      this.#bringBack(host, 200);
    });
  }

  #bringBack(host: Host, withinMs: number): void {
    this.#later(withinMs, () => {
      if (!host.running) this.#options.restart(host);
    });
  }

  #later(withinMs: number, step: () => void): void {
    this.#world.after(this.#draw(withinMs), () => {
      if (!this.#isOver) step();
    });
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#world.random.int(from.length)] as T;
  }

  #draw(most: number): number {
    return this.#world.random.next() * most;
  }
}

import type { Lock, Locks, System } from '@quorate/core';
import type { Host, World } from '@quorate/simulator';

const PERMITS = 2;
const MAX_HELD_MS = 1_500;

type Kind = 'exclusive' | 'read' | 'write' | 'permit';

interface Held {
  readonly host: Host;
  readonly boots: number;
  readonly name: string;
  readonly kind: Kind;
  readonly lock: Lock;
}

/** Nodes that take locks of each kind again and again, and what must be true of those that are valid. */
export class LockUsers {
  static readonly names: readonly string[] = ['/life/lock', '/life/shared', '/life/permits'];
  readonly #world: World;
  readonly #ttlMs: number;
  readonly #held = new Set<Held>();
  /** The highest token that was seen of each name. */
  readonly #highest = new Map<string, bigint>();
  #fault: string | undefined;
  taken = 0;

  constructor(world: World, ttlMs: number) {
    this.#world = world;
    this.#ttlMs = ttlMs;
  }

  /** Until the process dies. */
  use(host: Host, system: System, locks: Locks): void {
    const ttlMs = this.#ttlMs;
    const waiting = () => (this.#world.chance(0.5) ? { ttlMs } : { ttlMs, waitMs: this.#draw(2 * ttlMs) });
    void this.#again(host, system, 'lock', 'exclusive', () =>
      this.#world.chance(0.3) ? locks.tryLock('lock', { ttlMs }) : locks.lock('lock', waiting()),
    );
    void this.#again(host, system, 'shared', 'read', () => locks.readLock('shared', waiting()));
    void this.#again(host, system, 'shared', 'write', () => locks.writeLock('shared', waiting()));
    for (let user = 0; user < 2; user += 1) {
      void this.#again(host, system, 'permits', 'permit', () =>
        locks.semaphore('permits', { ...waiting(), permits: PERMITS }),
      );
    }
  }

  /** @throws Error */
  check(): void {
    if (this.#fault !== undefined) throw new Error(this.#fault);
    const valid = [...this.#held].filter(({ host, boots, lock }) => isAlive(host, boots) && lock.isValid());
    for (const kind of ['exclusive', 'write', 'permit'] as const) {
      const most = kind === 'permit' ? PERMITS : 1;
      const holders = valid.filter((held) => held.kind === kind);
      if (holders.length > most) throw new Error(`${kind}: ${describe(holders)}`);
    }
    const shared = valid.filter(({ name }) => name === 'shared');
    if (shared.length > 1 && shared.some(({ kind }) => kind === 'write')) throw new Error(describe(shared));
  }

  async #again(
    host: Host,
    system: System,
    name: string,
    kind: Kind,
    take: () => Promise<Lock | undefined>,
  ): Promise<void> {
    const { boots } = host;
    const pause = (ms: number) => new Promise<void>((resolve) => void system.clock.setTimer(ms, resolve));
    while (isAlive(host, boots)) {
      const lock = await take().catch(() => undefined);
      if (lock !== undefined) {
        const held = { host, boots, name, kind, lock };
        this.#began(held);
        await pause(this.#draw(MAX_HELD_MS));
        await lock.release().catch(() => undefined);
        this.#held.delete(held);
      }
      await pause(this.#draw(MAX_HELD_MS));
    }
  }

  #began(held: Held): void {
    const { name, kind, lock } = held;
    const highest = this.#highest.get(name) ?? 0n;
    // Of those that hold it together, one may hear of its grant later than another of a later one.
    const isAlone = kind === 'exclusive' || kind === 'write';
    if (isAlone && lock.token <= highest) this.#fault ??= `${describe([held])} after ${highest}`;
    if (lock.token > highest) this.#highest.set(name, lock.token);
    this.taken += 1;
    this.#held.add(held);
  }

  #draw(most: number): number {
    return this.#world.random.next() * most;
  }
}

function isAlive(host: Host, boots: number): boolean {
  return host.running && host.boots === boots;
}

function describe(held: readonly Held[]): string {
  return held.map(({ host, name, kind, lock }) => `${host.name} has ${name} (${kind}) by ${lock.token}`).join(', ');
}

import { type Clock, isClusterError, type Lock, type Locks, sleep } from '@quorate/core';
import type { Host, World } from '@quorate/simulator';
import { type LockRules, PERMITS, type Share } from './lock-rules.ts';

const NAMES: Readonly<Record<Share, readonly string[]>> = {
  exclusive: ['x', 'y'],
  read: ['rw'],
  write: ['rw'],
  permit: ['s'],
};
const SHARES: readonly Share[] = ['exclusive', 'exclusive', 'read', 'write', 'permit'];
const MAX_REST_MS = 300;
const MAX_HOLD_MS = 400;
/** Longer than a lock lasts that is not renewed. */
const LONG_HOLD_MS = 5_000;
const MAX_TTL_MS = 3_000;
const MAX_WAIT_MS = 3_000;

/** Asks for locks again and again on one process, holds them for a while, and gives them back. */
export class LockClient {
  readonly #world: World;
  readonly #host: Host;
  readonly #locks: Locks;
  readonly #clock: Clock;
  readonly #rules: LockRules;
  #isOver = false;
  /** Since when it waits for what nobody limits, in true time. */
  #waitingFor: string | undefined;

  constructor(parts: {
    readonly world: World;
    readonly host: Host;
    readonly locks: Locks;
    readonly clock: Clock;
    readonly rules: LockRules;
  }) {
    this.#world = parts.world;
    this.#host = parts.host;
    this.#locks = parts.locks;
    this.#clock = parts.clock;
    this.#rules = parts.rules;
  }

  /** What it waits for, if it does. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** It begins nothing more. */
  stop(): void {
    this.#isOver = true;
  }

  async work(): Promise<void> {
    while (!this.#isOver) {
      await sleep(this.#clock, this.#world.random.next() * MAX_REST_MS);
      if (this.#isOver) return;
      const lock = await this.#take();
      if (lock !== undefined) await this.#use(lock);
    }
  }

  async #take(): Promise<Lock | undefined> {
    const { random } = this.#world;
    const share = SHARES[random.int(SHARES.length)] as Share;
    const name = NAMES[share][random.int(NAMES[share].length)] as string;
    const giving = new AbortController();
    // Whoever limits how long it waits is no proof that nobody waits for ever.
    const kind = random.next();
    const waitMs = kind < 0.2 ? Math.ceil(random.next() * MAX_WAIT_MS) : undefined;
    if (kind > 0.8) this.#world.after(random.next() * MAX_WAIT_MS, () => giving.abort());
    const ttlMs = 1 + random.int(MAX_TTL_MS);
    this.#waitingFor = waitMs === undefined && kind <= 0.8 ? `${share} ${name}` : undefined;
    try {
      const options = { ttlMs, signal: giving.signal, ...(waitMs !== undefined && { waitMs }) };
      const lock = await this.#ask(share, name, options);
      this.#rules.granted(this.#host, lock, share);
      return lock;
    } catch (error) {
      if (isClusterError(error, 'TIMEOUT') || isClusterError(error, 'ABORTED')) return undefined;
      if (isClusterError(error, 'CLOSED')) this.#isOver = true;
      else throw error;
      return undefined;
    } finally {
      this.#waitingFor = undefined;
    }
  }

  #ask(share: Share, name: string, options: Parameters<Locks['lock']>[1]): Promise<Lock> {
    if (share === 'exclusive') return this.#locks.lock(name, options);
    if (share === 'permit') return this.#locks.semaphore(name, { ...options, permits: PERMITS });
    return share === 'read' ? this.#locks.readLock(name, options) : this.#locks.writeLock(name, options);
  }

  async #use(lock: Lock): Promise<void> {
    const { random } = this.#world;
    const most = this.#world.chance(0.1) ? LONG_HOLD_MS : MAX_HOLD_MS;
    await sleep(this.#clock, random.next() * most);
    await lock[Symbol.asyncDispose]();
  }
}

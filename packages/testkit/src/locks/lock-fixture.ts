import type { Lock, LockOptions, Locks, LockSupport, NodeId, Plugin } from '@quorate/core';
import type { World } from '@quorate/simulator';
import { expectDefined } from '../expectations.ts';
import type { RefusedOptions } from '../lifecycle.ts';
import { NodeCluster, type NodeHarness } from '../node-cluster.ts';
import type { TestBed } from '../test-bed.ts';
import { LockAudit, type LockMode } from './lock-audit.ts';

/** How to test locks. */
export interface LockHarness extends NodeHarness {
  /** What `supports` of the locks says. */
  readonly supports: LockSupport;
  /**
   * The adapter, for nodes with these ids. Called once for each case, so that names of one case are not another's; with the
   * world that the case runs in, where there is one, for what else is to run in it.
   */
  readonly create: (cluster: {
    readonly voters: readonly NodeId[];
    readonly world?: World | undefined;
  }) => Plugin<Locks, 'locks'>;
  /** Options that the factory must refuse. */
  readonly refuses?: RefusedOptions;
  /**
   * For how long the cases ask for a lock to outlive its holder.
   * @default 5000 in a simulated world, 1000 on a real machine
   */
  readonly ttlMs?: number;
  /**
   * How soon a lock must be had that nobody else has, at the beginning of a case too.
   * @default 60000 in a simulated world, 10000 on a real machine
   */
  readonly takenWithinMs?: number;
  /**
   * How soon who waits must have what is released.
   * @default 2000 in a simulated world, 5000 on a real machine
   */
  readonly handedOverWithinMs?: number;
  /**
   * How soon the next one must have what a holder leaves that died.
   * @default `takenWithinMs` and twice `ttlMs`
   */
  readonly expiredWithinMs?: number;
  /**
   * Cuts a node off from what keeps the locks, until the result is disposed of. Cases that need it are skipped on a real
   * machine without it.
   * @default in a simulated world, the network between the node and the others
   */
  readonly cutOff?: (id: NodeId) => Promise<AsyncDisposable>;
}

export interface Taking extends LockOptions {
  /** @default 'exclusive' */
  readonly mode?: LockMode;
}

const NODES: readonly NodeId[] = ['a', 'b', 'c'];
/** How often it is looked who holds what, where nobody tells of each step. */
const SAMPLE_MS = 5;

/** Three nodes with locks, watched over at every step of the world. */
export class LockFixture implements AsyncDisposable {
  readonly cluster: NodeCluster<Locks>;
  readonly bed: TestBed;
  readonly audit: LockAudit = new LockAudit();
  readonly ttlMs: number;
  readonly takenWithinMs: number;
  readonly handedOverWithinMs: number;
  readonly expiredWithinMs: number;
  readonly #harness: LockHarness;
  readonly #watch: Disposable;
  /** What a sample found wrong, to be thrown where the case can see it. */
  #fault: unknown;

  private constructor(harness: LockHarness, bed: TestBed) {
    this.bed = bed;
    this.#harness = harness;
    const isSimulated = bed.world !== undefined;
    this.ttlMs = harness.ttlMs ?? (isSimulated ? 5_000 : 1_000);
    this.takenWithinMs = harness.takenWithinMs ?? (isSimulated ? 60_000 : 10_000);
    this.handedOverWithinMs = harness.handedOverWithinMs ?? (isSimulated ? 2_000 : 5_000);
    this.expiredWithinMs = harness.expiredWithinMs ?? this.takenWithinMs + 2 * this.ttlMs;
    const plugin = harness.create({ voters: NODES, world: bed.world });
    const recipe = { kind: 'locks', plugin, start: (locks: Locks) => locks.start() } as const;
    this.cluster = new NodeCluster(bed, NODES, recipe, harness.nodes);
    this.#watch = bed.world?.onStep(() => this.audit.check()) ?? this.#sample();
  }

  static async open(harness: LockHarness, bed: TestBed): Promise<LockFixture> {
    const fixture = new LockFixture(harness, bed);
    await fixture.cluster.startAll();
    return fixture;
  }

  locks(id: NodeId): Locks {
    return this.cluster.part(id);
  }

  /** Asks for a lock. Whoever gets one is watched over. */
  async ask(id: NodeId, name: string, { mode = 'exclusive', ...options }: Taking = {}): Promise<Lock> {
    const lock = await this.#call(id, name, mode, { ttlMs: this.ttlMs, ...options });
    this.audit.note(id, lock, mode, options.owner);
    return lock;
  }

  async try(id: NodeId, name: string, options: Omit<LockOptions, 'waitMs'> = {}): Promise<Lock | undefined> {
    const call = this.locks(id).tryLock(name, { ttlMs: this.ttlMs, ...options });
    const lock = await this.bed.soon(`tryLock ${name} on ${id}`, call, this.takenWithinMs);
    if (lock !== undefined) this.audit.note(id, lock, 'exclusive', options.owner);
    return lock;
  }

  /** A lock that is there to be had. */
  async take(id: NodeId, name: string, options: Taking = {}): Promise<Lock> {
    return await this.bed.soon(`${name} for ${id}`, this.ask(id, name, options), this.takenWithinMs);
  }

  /** Asks for a lock that another has, and lets the call get to where it waits. */
  async queue(id: NodeId, name: string, options: Taking = {}): Promise<Waiter> {
    const waiter = new Waiter(this, `${name} for ${id}`, this.ask(id, name, options));
    await this.bed.pass(this.bed.world === undefined ? 150 : 1_000);
    return waiter;
  }

  async release(lock: Lock): Promise<void> {
    await this.bed.soon(`release ${lock.name}`, lock.release(), this.takenWithinMs);
  }

  /** Cuts a node off from what keeps the locks. */
  async cutOff(id: NodeId): Promise<AsyncDisposable> {
    if (this.#harness.cutOff !== undefined) return await this.#harness.cutOff(id);
    this.cluster.isolate(id);
    return { [Symbol.asyncDispose]: async () => this.cluster.heal() };
  }

  /** @throws ExpectationError where two had at one time what only one can have */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
    this.audit.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    this.#watch[Symbol.dispose]();
    this.check();
  }

  #call(id: NodeId, name: string, mode: LockMode, options: LockOptions): Promise<Lock> {
    const locks = this.locks(id);
    if (mode === 'exclusive') return locks.lock(name, options);
    if (mode === 'read') return locks.readLock(name, options);
    if (mode === 'write') return locks.writeLock(name, options);
    return locks.semaphore(name, { ...options, permits: mode.permits });
  }

  #sample(): Disposable {
    const look = (): void => {
      try {
        this.audit.check();
      } catch (error) {
        this.#fault ??= error;
      }
      timer = this.bed.clock.setTimer(SAMPLE_MS, look);
    };
    let timer = this.bed.clock.setTimer(SAMPLE_MS, look);
    return { [Symbol.dispose]: () => timer.cancel() };
  }
}

/** A call that waits for a lock. */
export class Waiter {
  readonly #fixture: LockFixture;
  readonly #what: string;
  readonly #call: Promise<Lock>;
  #lock: Lock | undefined;
  #error: unknown;

  constructor(fixture: LockFixture, what: string, call: Promise<Lock>) {
    this.#fixture = fixture;
    this.#what = what;
    this.#call = call;
    call.then(
      (lock) => (this.#lock = lock),
      (error: unknown) => (this.#error = error),
    );
  }

  /** Whether it has the lock. */
  get isServed(): boolean {
    return this.#lock !== undefined;
  }

  get error(): unknown {
    return this.#error;
  }

  async lock(withinMs: number = this.#fixture.takenWithinMs): Promise<Lock> {
    return expectDefined(await this.#fixture.bed.soon(this.#what, this.#call, withinMs), this.#what);
  }

  async rejection(): Promise<never> {
    await this.#fixture.bed.soon(this.#what, this.#call, this.#fixture.takenWithinMs);
    throw new Error(`${this.#what}: it was granted`);
  }
}

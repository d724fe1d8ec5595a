import type { CallOptions } from './call-options.ts';
import type { Clock } from './clock.ts';
import { ClusterError } from './cluster-error.ts';
import { settleWithin, throwIfAborted, withDeadline } from './deadline.ts';
import { linkSignals } from './linked-signal.ts';
import { LockInstruments } from './lock-instruments.ts';
import { type HeldLock, LockHandle } from './lock-handle.ts';
import type { Lock, LockOptions, Locks, LockSupport, SemaphoreOptions } from './locks.ts';
import { checkOptions, invalidOption, type OptionRules, rule } from './option-rules.ts';
import { noTelemetry, type Telemetry } from './telemetry.ts';

/** How many may hold a lock at one time. Readers and writers keep each other out; readers don't keep out readers. */
export type LockShare =
  | { readonly kind: 'exclusive' }
  | { readonly kind: 'read' }
  | { readonly kind: 'write' }
  | { readonly kind: 'permit'; readonly permits: number };

/** What a backend of locks is asked for. */
export interface LockRequest {
  readonly name: string;
  readonly share: LockShare;
  readonly ttlMs: number;
  /** False for who doesn't queue: the answer is the lock or undefined. */
  readonly waits: boolean;
}

/** The longest name of a lock, in UTF-16 units. */
const MAX_LOCK_NAME_LENGTH = 256;

const DEFAULT_TTL_MS = 15_000;
const DAY_MS = 86_400_000;
const MAX_PERMITS = 100_000;

const nameRule = rule.text(
  `a text of 1 to ${MAX_LOCK_NAME_LENGTH} characters, none of them a control character`,
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  (text) => text.length > 0 && text.length <= MAX_LOCK_NAME_LENGTH && !/[\u0000-\u001f\u007f]/u.test(text),
);
const lockRules: OptionRules<LockOptions> = {
  ttlMs: rule.duration({ min: 1, max: DAY_MS }),
  waitMs: rule.duration({ min: 0, max: 365 * DAY_MS }),
  owner: rule.text(`a text of 1 to ${MAX_LOCK_NAME_LENGTH} characters`, (text) => {
    return text.length > 0 && text.length <= MAX_LOCK_NAME_LENGTH;
  }),
  signal: rule.value('an AbortSignal', (value) => value instanceof AbortSignal),
};
const semaphoreRules: OptionRules<SemaphoreOptions> = {
  ...lockRules,
  permits: rule.integer({ min: 1, max: MAX_PERMITS }),
};

/** A lock that one owner has, or waits for. */
interface Owned {
  readonly kind: LockShare['kind'];
  /** Resolves when the wait is over, whatever came of it. */
  readonly settled: Promise<void>;
  held: HeldLock | undefined;
  /** How many handles are yet to be released. */
  users: number;
}

/**
 * What all backends of locks have in common: options, waiting, giving up, owners, handles, the end. A backend adds how one
 * lock is taken.
 */
export abstract class BaseLocks implements Locks {
  abstract readonly supports: LockSupport;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #instruments: LockInstruments;
  readonly #closed = new AbortController();
  readonly #handles = new Set<LockHandle>();
  /** Calls that are not settled, each until what it may yet take has been given back. */
  readonly #taking = new Set<Promise<void>>();
  /** By name and owner. */
  readonly #owned = new Map<string, Owned>();
  #hasStarted = false;
  #closing: Promise<void> | undefined;

  /** @param name of the plugin, for messages */
  protected constructor(name: string, clock: Clock, telemetry: Telemetry = noTelemetry) {
    this.#name = name;
    this.#clock = clock;
    this.#instruments = new LockInstruments(telemetry, () => ({
      held: this.#handles.size,
      waiting: this.#taking.size,
    }));
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#check('start', options);
    this.#hasStarted = true;
    await this.open(options);
  }

  async lock(name: string, options: LockOptions = {}): Promise<Lock> {
    return await this.#wait(name, { kind: 'exclusive' }, checkOptions(`${this.#name}: lock`, lockRules, options));
  }

  async tryLock(name: string, options: Omit<LockOptions, 'waitMs'> = {}): Promise<Lock | undefined> {
    const { waitMs: _, ...rules } = lockRules;
    const checked = checkOptions<Omit<LockOptions, 'waitMs'>>(`${this.#name}: tryLock`, rules, options);
    return await this.#ask(name, { kind: 'exclusive' }, checked);
  }

  async readLock(name: string, options: LockOptions = {}): Promise<Lock> {
    return await this.#wait(name, { kind: 'read' }, checkOptions(`${this.#name}: readLock`, lockRules, options));
  }

  async writeLock(name: string, options: LockOptions = {}): Promise<Lock> {
    return await this.#wait(name, { kind: 'write' }, checkOptions(`${this.#name}: writeLock`, lockRules, options));
  }

  async semaphore(name: string, options: SemaphoreOptions): Promise<Lock> {
    const owner = `${this.#name}: semaphore`;
    // Whatever the types say: a program in JavaScript may have left it out.
    const given: Partial<SemaphoreOptions> = checkOptions<Partial<SemaphoreOptions>>(owner, semaphoreRules, options);
    const { permits } = given;
    if (permits === undefined) throw invalidOption(owner, 'permits', semaphoreRules.permits.expected, permits);
    return await this.#wait(name, { kind: 'permit', permits }, given);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** Begins to work, without waiting for peers. */
  protected abstract open(options: CallOptions): Promise<void>;

  /**
   * Takes a lock, waiting for as long as its signal lets it; with `waits` false, undefined when somebody else has it. What
   * it takes after the signal has aborted it gives back by itself, unless it has resolved with it.
   */
  protected abstract acquire(
    request: LockRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<HeldLock | undefined>;

  /**
   * Ends for good. All locks are being given back.
   * @param released resolves when they are, or that has failed
   */
  protected abstract close(released: Promise<unknown>): Promise<void>;

  async #close(): Promise<void> {
    this.#closed.abort(new ClusterError('CLOSED', `${this.#name}: disposed`));
    const given = [...this.#handles].map(async (handle) => handle[Symbol.asyncDispose]());
    await this.close(Promise.all([...given, ...this.#taking]));
    this.#instruments[Symbol.dispose]();
  }

  async #wait(name: string, share: LockShare, options: LockOptions): Promise<Lock> {
    const { waitMs } = options;
    if (waitMs === undefined) return (await this.#take(name, share, options, true)) as Lock;
    if (waitMs === 0) {
      const lock = await this.#ask(name, share, options);
      if (lock === undefined) throw new ClusterError('TIMEOUT', `${this.#name}: somebody else has ${name}`);
      return lock;
    }
    let taken: Promise<Lock | undefined> | undefined;
    const wait = async (signal: AbortSignal) => {
      taken = this.#take(name, share, { ...options, signal }, true);
      return (await taken) as Lock;
    };
    try {
      return await withDeadline(this.#clock, waitMs, `${this.#name}: wait for ${name}`, wait, options);
    } catch (error) {
      // It may have come just when its caller gave up.
      taken?.then(async (lock) => lock?.[Symbol.asyncDispose]()).catch(() => undefined);
      throw error;
    }
  }

  async #ask(name: string, share: LockShare, options: LockOptions): Promise<Lock | undefined> {
    return await this.#take(name, share, options, false);
  }

  async #take(name: string, share: LockShare, options: LockOptions, waits: boolean): Promise<Lock | undefined> {
    if (nameRule.accept(name) === undefined) throw invalidOption(this.#name, 'name', nameRule.expected, name);
    this.#check(share.kind, options);
    this.#checkSupport(share);
    const ending = linkSignals(options.signal, this.#closed.signal);
    const request = { name, share, ttlMs: options.ttlMs ?? DEFAULT_TTL_MS, waits };
    const { signal } = ending;
    const taken =
      options.owner === undefined ? this.#alone(request, signal) : this.#together(request, options.owner, signal);
    this.#follow(taken);
    this.#measure(taken);
    try {
      return await this.#unlessEnded(taken, name, options);
    } finally {
      ending[Symbol.dispose]();
    }
  }

  #measure(taken: Promise<LockHandle | undefined>): void {
    const began = this.#clock.now();
    const { taken: had, refused } = this.#instruments;
    if (!had.isEnabled) return;
    const seconds = (): number => (this.#clock.now() - began) / 1000;
    taken.then(
      (handle) => (handle === undefined ? refused : had).record(seconds()),
      () => refused.record(seconds()),
    );
  }

  /** What is taken when this has been disposed of is given back before the backend ends. */
  #follow(taken: Promise<LockHandle | undefined>): void {
    const settled = taken.then(
      async (handle) => {
        if (this.#closed.signal.aborted) await handle?.[Symbol.asyncDispose]();
      },
      () => undefined,
    );
    this.#taking.add(settled);
    void settled.then(() => this.#taking.delete(settled));
  }

  async #alone(request: LockRequest, signal: AbortSignal): Promise<LockHandle | undefined> {
    const held = await this.acquire(request, { signal });
    return held && this.#handle(request.name, held, async (options) => held.release(options));
  }

  /** What this owner holds already, or else a lock that others of this owner can have too. */
  async #together(request: LockRequest, owner: string, signal: AbortSignal): Promise<LockHandle | undefined> {
    const { name, share, waits } = request;
    const key = JSON.stringify([name, owner]);
    for (;;) {
      const owned = this.#owned.get(key);
      if (owned === undefined || owned.held?.isValid() === false) return await this.#own(key, request, signal);
      if (owned.kind !== share.kind) {
        const message = `${this.#name}: ${owner} has ${name} as ${owned.kind}, and asks for it as ${share.kind}`;
        throw new ClusterError('INVALID_OPTIONS', message);
      }
      if (owned.held !== undefined) return this.#use(name, key, owned, owned.held);
      if (!waits) return undefined;
      // oxlint-disable-next-line no-await-in-loop -- one after the other: who waits first may give up
      await settleWithin<void>(signal, `${this.#name}: wait for ${name}`, (resolve) => {
        void owned.settled.then(resolve);
        return () => undefined;
      });
    }
  }

  async #own(key: string, request: LockRequest, signal: AbortSignal): Promise<LockHandle | undefined> {
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const owned: Owned = { kind: request.share.kind, settled, held: undefined, users: 0 };
    this.#owned.set(key, owned);
    try {
      owned.held = await this.acquire(request, { signal });
    } finally {
      if (owned.held === undefined) this.#disown(key, owned);
      resolve();
    }
    const { held } = owned;
    if (held === undefined) return undefined;
    held.signal.addEventListener('abort', () => this.#disown(key, owned), { once: true });
    return this.#use(request.name, key, owned, held);
  }

  /** It is over, also where nobody releases what has run out. Another may have taken its place already. */
  #disown(key: string, owned: Owned): void {
    if (this.#owned.get(key) === owned) this.#owned.delete(key);
  }

  #use(name: string, key: string, owned: Owned, held: HeldLock): LockHandle {
    owned.users += 1;
    return this.#handle(name, held, async (options) => {
      owned.users -= 1;
      if (owned.users > 0) return;
      this.#disown(key, owned);
      await held.release(options);
    });
  }

  #handle(name: string, held: HeldLock, release: (options: CallOptions) => Promise<void>): LockHandle {
    const handle = new LockHandle(name, held, release, () => this.#handles.delete(handle));
    this.#handles.add(handle);
    return handle;
  }

  /** A lock that came when its caller had given up is nobody's: it is given back. */
  async #unlessEnded(
    taken: Promise<LockHandle | undefined>,
    name: string,
    options: LockOptions,
  ): Promise<Lock | undefined> {
    try {
      const handle = await taken;
      if (handle === undefined || (!this.#closed.signal.aborted && options.signal?.aborted !== true)) return handle;
      void handle[Symbol.asyncDispose]();
    } catch (error) {
      if (!this.#closed.signal.aborted && options.signal?.aborted !== true) throw error;
    }
    this.#check(name, options);
    throw new ClusterError('ABORTED', `${this.#name}: ${name}: aborted by the caller`);
  }

  #check(what: string, options: CallOptions): void {
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', `${this.#name}: disposed`);
    throwIfAborted(options.signal, `${this.#name}: ${what}`);
    if (what !== 'start' && !this.#hasStarted) throw new ClusterError('CLOSED', `${this.#name}: not started`);
  }

  #checkSupport({ kind }: LockShare): void {
    const { shared, semaphore } = this.supports;
    const can = kind === 'exclusive' || (kind === 'permit' ? semaphore : shared);
    if (!can) throw new ClusterError('UNSUPPORTED', `${this.#name} has no locks of kind ${kind}`);
  }
}

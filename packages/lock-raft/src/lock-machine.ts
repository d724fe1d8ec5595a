import {
  type CommittedCommand,
  type LockClaim,
  LockQueue,
  type LockShare,
  type RestoreOptions,
  type SnapshotSource,
  type StateMachine,
} from '@quorate/core';
import {
  type ClaimState,
  type Holder,
  type LockAnswer,
  lockCodec,
  type LockCommand,
  type LockQuery,
  type LockResult,
  MAX_CLAIMS_OF_HOLDER,
  type Standing,
} from './lock-command.ts';
import { type LockState, readState, stateChunks } from './lock-snapshot.ts';

/** A lock that is held, or waited for. */
export interface Claim extends LockClaim {
  readonly holder: Holder;
  readonly number: number;
  readonly name: string;
  readonly share: LockShare;
  readonly ttlMs: number;
  /** In the time of the log: from then on it is nobody's. */
  expiresAt: number;
  /** Undefined while it waits. */
  token: number | undefined;
}

/** What a node sees of its machine. */
export interface LockObserver {
  /** Of these claims some came in or were granted, others ended: ask the machine how they stand. */
  changed(claims: readonly Claim[]): void;
  /** All may be different: a snapshot has replaced it. */
  restored(): void;
}

/** How much there can be. Part of the replicated state, and so no option. */
export interface LockLimits {
  readonly claims: number;
  readonly waitingPerName: number;
}

const LIMITS: LockLimits = { claims: 200_000, waitingPerName: 10_000 };

/**
 * Locks as a deterministic state. Time is that of the log, which a leader counts on from where the log was when it was
 * elected, by its monotonic clock: it goes no faster than true time, jumps with no clock, and stands still while nobody
 * leads. So a claim lasts for its time at least.
 */
export class LockMachine implements StateMachine<LockCommand, LockResult, LockQuery, LockAnswer> {
  readonly version = 1;
  readonly codec: typeof lockCodec = lockCodec;
  readonly #observer: LockObserver;
  readonly #limits: LockLimits;
  /** In the order of coming. */
  #claims = new Map<string, Claim>();
  /** Of the names in use. */
  #queues = new Map<string, LockQueue<Claim>>();
  /** How many claims each holder has. */
  #counts = new Map<string, number>();
  #lastToken = 0;
  #time = 0;
  /** Nothing expires before. */
  #expiryFloor = Infinity;
  /** By the commands that are being applied. */
  #changed: Claim[] = [];

  constructor(observer: LockObserver, limits: LockLimits = LIMITS) {
    this.#observer = observer;
    this.#limits = limits;
  }

  /** Of the log, when the last command was applied. */
  get time(): number {
    return this.#time;
  }

  /** In the time of the log: nothing expires before. */
  get nextExpiry(): number {
    return this.#expiryFloor;
  }

  stateOf(holder: Holder, number: number): ClaimState {
    const claim = this.#claims.get(keyOf(holder, number));
    return claim === undefined ? { type: 'gone' } : this.#standing(claim);
  }

  apply(batch: readonly CommittedCommand<LockCommand>[]): readonly LockResult[] {
    const results = batch.map(({ time, command }) => {
      this.#advance(time);
      return this.#do(command);
    });
    const changed = this.#changed;
    this.#changed = [];
    this.#observer.changed(changed);
    return results;
  }

  query({ name }: LockQuery): LockAnswer {
    const queue = this.#queues.get(name);
    const holders = [...(queue?.holders ?? [])].map(({ holder, token = 0 }) => ({ nodeId: holder.nodeId, token }));
    return { holders, waiting: queue?.waiting.size ?? 0 };
  }

  capture(): SnapshotSource {
    const claims = [...this.#claims.values()].map((claim) => ({ ...claim }));
    const state: LockState = { time: this.#time, lastToken: this.#lastToken, claims };
    return { chunks: () => stateChunks(state), release: () => undefined };
  }

  async restore(chunks: AsyncIterable<Uint8Array>, { version }: RestoreOptions): Promise<void> {
    const { time, lastToken, claims } = await readState(chunks, version);
    this.#claims = new Map(claims.map((claim) => [keyOf(claim.holder, claim.number), claim]));
    this.#counts = new Map();
    this.#queues = new Map();
    for (const { holder } of claims) this.#count(holder, 1);
    for (const claim of [...claims].sort(byToken)) {
      const queue = this.#queueOf(claim.name);
      (claim.token === undefined ? queue.waiting : queue.holders).add(claim);
    }
    this.#lastToken = lastToken;
    this.#time = time;
    this.#expiryFloor = claims.reduce((floor, { expiresAt }) => Math.min(floor, expiresAt), Infinity);
    this.#observer.restored();
  }

  #do(command: LockCommand): LockResult {
    switch (command.type) {
      case 'acquire':
        return this.#acquire(command);
      case 'renew': {
        const { holder, claims } = command;
        const known = claims.map((number) => this.#claims.get(keyOf(holder, number)));
        return { type: 'renewed', states: known.map((claim) => (claim ? this.#renew(claim) : { type: 'gone' })) };
      }
      case 'release':
        for (const number of command.claims) this.#release(keyOf(command.holder, number));
        return { type: 'done' };
      case 'expire':
        return { type: 'done' };
    }
  }

  #acquire({
    holder,
    claim: number,
    name,
    share,
    ttlMs,
    waits,
  }: LockCommand & { readonly type: 'acquire' }): LockResult {
    const key = keyOf(holder, number);
    const known = this.#claims.get(key);
    if (known !== undefined) return this.#renew(known);
    const queue = this.#queueOf(name);
    const expiresAt = this.#time + ttlMs;
    const claim: Claim = { holder, number, name, share, ttlMs, expiresAt, token: undefined };
    const refusal = this.#refusal(queue, claim, waits);
    if (refusal !== undefined) {
      this.#forget(name, queue);
      return refusal;
    }
    this.#claims.set(key, claim);
    this.#count(holder, 1);
    queue.waiting.add(claim);
    this.#expiryFloor = Math.min(this.#expiryFloor, expiresAt);
    this.#changed.push(claim);
    this.#grant(name, queue);
    return this.#standing(claim);
  }

  #refusal(queue: LockQueue<Claim>, claim: Claim, waits: boolean): LockResult | undefined {
    if (!queue.fits(claim)) return { type: 'misfit' };
    if (!waits && !queue.isFree(claim)) return { type: 'taken' };
    if (this.#claims.size >= this.#limits.claims) return full(`${this.#claims.size} locks are held or waited for`);
    const { size } = queue.waiting;
    if (size >= this.#limits.waitingPerName) return full(`${size} wait for ${claim.name}`);
    const own = this.#counts.get(nameOf(claim.holder)) ?? 0;
    return own >= MAX_CLAIMS_OF_HOLDER ? full(`${claim.holder.nodeId} has or waits for ${own} locks`) : undefined;
  }

  #renew(claim: Claim): Standing {
    claim.expiresAt = Math.max(claim.expiresAt, this.#time + claim.ttlMs);
    return this.#standing(claim);
  }

  #standing(claim: Claim): Standing {
    if (claim.token === undefined) return { type: 'waiting', after: this.#lastToken };
    return { type: 'held', token: claim.token };
  }

  #release(key: string): void {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    const queue = this.#remove(key, claim);
    this.#grant(claim.name, queue);
  }

  /** Ends what is over by now. */
  #advance(time: number): void {
    this.#time = Math.max(this.#time, time);
    if (this.#time < this.#expiryFloor) return;
    const freed = new Map<string, LockQueue<Claim>>();
    this.#expiryFloor = Infinity;
    for (const [key, claim] of this.#claims) {
      if (claim.expiresAt <= this.#time) freed.set(claim.name, this.#remove(key, claim));
      else this.#expiryFloor = Math.min(this.#expiryFloor, claim.expiresAt);
    }
    for (const [name, queue] of freed) this.#grant(name, queue);
  }

  #remove(key: string, claim: Claim): LockQueue<Claim> {
    const queue = this.#queueOf(claim.name);
    queue.remove(claim);
    this.#claims.delete(key);
    this.#count(claim.holder, -1);
    this.#changed.push(claim);
    return queue;
  }

  #grant(name: string, queue: LockQueue<Claim>): void {
    for (const claim of queue.grants()) {
      this.#lastToken += 1;
      claim.token = this.#lastToken;
      this.#changed.push(claim);
    }
    this.#forget(name, queue);
  }

  #queueOf(name: string): LockQueue<Claim> {
    const queue = this.#queues.get(name) ?? new LockQueue<Claim>();
    this.#queues.set(name, queue);
    return queue;
  }

  #forget(name: string, queue: LockQueue<Claim>): void {
    if (queue.isEmpty) this.#queues.delete(name);
  }

  #count(holder: Holder, change: number): void {
    const count = (this.#counts.get(nameOf(holder)) ?? 0) + change;
    if (count === 0) this.#counts.delete(nameOf(holder));
    else this.#counts.set(nameOf(holder), count);
  }
}

function nameOf({ nodeId, incarnation }: Holder): string {
  return `${nodeId} ${incarnation}`;
}

function keyOf(holder: Holder, number: number): string {
  return `${nameOf(holder)} ${number}`;
}

function full(what: string): LockResult {
  return { type: 'full', what };
}

/** Holders in the order of their grants, before those who wait, who stay in theirs. */
function byToken({ token: a = Infinity }: Claim, { token: b = Infinity }: Claim): number {
  return a === b ? 0 : a - b;
}

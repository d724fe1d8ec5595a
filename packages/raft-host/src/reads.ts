import { type Clock, ClusterError, isCarrier, type MonotonicMs, type Random } from '@quorate/core';
import type { ReadState } from '@quorate/raft';
import type { GroupInstruments } from './group-instruments.ts';

/** A read that waits until the machine is far enough. */
interface Waiter {
  readonly deadline: MonotonicMs;
  /** Of the span that it is in, where it is traced. */
  readonly carrier?: string | undefined;
  resolve(): void;
  reject(error: ClusterError): void;
}

/** Reads that share one question to the leader. */
interface Round {
  /** When the leader was asked: all its reads had begun to wait by then. */
  readonly askedAt: MonotonicMs;
  readonly context: Uint8Array;
  readonly waiters: Waiter[];
  /** What the machine must have applied, once the leader has said so. */
  index: number | undefined;
}

const CONTEXT_BYTES = 16;
/** Trace (16), span (8), flags (1). */
const TRACE_BYTES = 25;
const NO_CONTEXT = new Uint8Array();
const MAX_WAITING_READS = 65_536;

/**
 * Linearizable reads of one group on one node (dissertation, 6.4): those of one turn ask together from which index on the
 * machine is fresh, and are answered as soon as it has applied that.
 */
export class Reads {
  readonly #clock: Clock;
  readonly #instruments: Pick<GroupInstruments, 'reads' | 'readDuration'>;
  readonly #askAgainMs: number;
  readonly #ask: (context: Uint8Array) => void;
  /** Contexts of another run of this node must not be taken for ones of this. */
  #prefix: Uint8Array | undefined;
  readonly #random: Random;
  #lastRound = 0;
  /** Of this turn, not asked for yet. */
  #gathered: Waiter[] = [];
  /** In the order of asking. */
  #rounds: Round[] = [];
  #applied = 0;
  #waiting = 0;
  /** The machine is known to be as fresh as the leader was at this time, once it has applied the index. */
  #fresh: { readonly askedAt: MonotonicMs; readonly index: number } = { askedAt: -Infinity, index: Infinity };

  constructor(parts: {
    readonly clock: Clock;
    readonly instruments: Pick<GroupInstruments, 'reads' | 'readDuration'>;
    readonly random: Random;
    /** After how long without an answer the leader is asked once more. */
    readonly askAgainMs: number;
    /** Asks the leader, whoever that is; the answer comes to `readable`, or never. */
    readonly ask: (context: Uint8Array) => void;
  }) {
    this.#clock = parts.clock;
    this.#instruments = parts.instruments;
    this.#askAgainMs = parts.askAgainMs;
    this.#ask = parts.ask;
    this.#random = parts.random;
  }

  get isEmpty(): boolean {
    return this.#waiting === 0;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether the machine is known to have been as fresh as the leader at some moment of the last `maxStalenessMs`. */
  isFresh(maxStalenessMs: number): boolean {
    return this.#fresh.index <= this.#applied && this.#clock.now() - this.#fresh.askedAt <= maxStalenessMs;
  }

  /**
   * Resolves when the machine has all that was committed before the call. `flush` is to be called when the turn is over.
   * @throws ClusterError `TIMEOUT`, `OVERLOADED`
   */
  barrier(deadline: MonotonicMs, carrier?: string): Promise<void> {
    if (this.#waiting >= MAX_WAITING_READS) {
      return Promise.reject(new ClusterError('OVERLOADED', `${MAX_WAITING_READS} reads wait for the leader already`));
    }
    this.#waiting += 1;
    return new Promise((resolve, reject) => this.#gathered.push({ deadline, carrier, resolve, reject }));
  }

  /**
   * Resolves when the machine has applied this.
   * @throws ClusterError `TIMEOUT`
   */
  whenApplied(index: number, deadline: MonotonicMs): Promise<void> {
    if (index <= this.#applied) return Promise.resolve();
    this.#waiting += 1;
    return new Promise((resolve, reject) => {
      const waiters = [{ deadline, resolve, reject }];
      this.#rounds.push({ askedAt: this.#clock.now(), context: NO_CONTEXT, waiters, index });
    });
  }

  /** Asks for what was gathered. */
  flush(): void {
    if (this.#gathered.length > 0) this.#open(this.#gathered.splice(0));
  }

  readable(states: readonly ReadState[]): void {
    for (const { index, context } of states) {
      const round = this.#rounds.find((each) => sameBytes(each.context, context));
      if (round === undefined) continue;
      round.index = Math.min(index, round.index ?? Infinity);
      if (round.askedAt > this.#fresh.askedAt) this.#fresh = { askedAt: round.askedAt, index: round.index };
    }
    this.applied(this.#applied);
  }

  /** The machine has applied this much. */
  applied(index: number): void {
    this.#applied = Math.max(this.#applied, index);
    if (this.#rounds.length === 0) return;
    const kept: Round[] = [];
    for (const round of this.#rounds) {
      if (round.index === undefined || round.index > this.#applied) kept.push(round);
      else this.#done(round);
    }
    this.#rounds = kept;
  }

  /** Another leads: what was asked of the last one is not answered any more. */
  askAgain(): void {
    const unanswered = this.#rounds.filter(({ index }) => index === undefined);
    if (unanswered.length === 0) return;
    this.#rounds = this.#rounds.filter(({ index }) => index !== undefined);
    this.#open(unanswered.flatMap(({ waiters }) => waiters));
  }

  /** Gives up what has waited too long, and asks again for what was not answered. */
  tick(): void {
    if (this.#waiting === 0) return;
    const now = this.#clock.now();
    const isLate = ({ deadline }: Waiter) => deadline <= now;
    for (const round of this.#rounds) {
      if (!round.waiters.some(isLate)) continue;
      const late = round.waiters.filter(isLate);
      round.waiters.splice(0, Infinity, ...round.waiters.filter((waiter) => !isLate(waiter)));
      this.#fail(late, new ClusterError('TIMEOUT', 'no leader confirmed the read in time'));
    }
    const isLost = (round: Round) => round.index === undefined && now - round.askedAt >= this.#askAgainMs;
    if (this.#rounds.some(isLost)) this.askAgain();
  }

  failAll(error: ClusterError): void {
    const waiters = [...this.#rounds.flatMap((round) => round.waiters), ...this.#gathered];
    this.#rounds = [];
    this.#gathered = [];
    this.#fail(waiters, error);
  }

  #open(waiters: Waiter[]): void {
    if (waiters.length === 0) return;
    this.#lastRound += 1;
    // Of many that ask together the leader hears of the first that is traced.
    const context = tracedContext(waiters.find(({ carrier }) => carrier !== undefined)?.carrier);
    this.#prefix ??= this.#random.bytes(CONTEXT_BYTES / 2);
    context.set(this.#prefix);
    new DataView(context.buffer).setFloat64(CONTEXT_BYTES / 2, this.#lastRound);
    this.#rounds.push({ askedAt: this.#clock.now(), context, waiters, index: undefined });
    this.#ask(context);
  }

  #done({ askedAt, waiters }: Round): void {
    const { reads, readDuration } = this.#instruments;
    if (readDuration.isEnabled) readDuration.record((this.#clock.now() - askedAt) / 1000);
    reads.done.add(waiters.length);
    this.#settle(waiters, (waiter) => waiter.resolve());
  }

  #fail(waiters: readonly Waiter[], error: ClusterError): void {
    this.#instruments.reads.failed.add(waiters.length);
    this.#settle(waiters, (waiter) => waiter.reject(error));
  }

  #settle(waiters: readonly Waiter[], how: (waiter: Waiter) => void): void {
    this.#waiting -= waiters.length;
    for (const waiter of waiters) how(waiter);
  }
}

/** A context, with the carrier's numbers behind it: whoever doesn't look for them takes them for a part of the name. */
function tracedContext(carrier: string | undefined): Uint8Array<ArrayBuffer> {
  if (carrier === undefined) return new Uint8Array(CONTEXT_BYTES);
  const context = new Uint8Array(CONTEXT_BYTES + TRACE_BYTES);
  const digits = carrier.slice('00-'.length).replaceAll('-', '');
  for (let at = 0; at < TRACE_BYTES; at += 1) {
    context[CONTEXT_BYTES + at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  }
  return context;
}

/** The carrier in the context of a read of this or another node, if it has one. */
export function carrierIn(context: Uint8Array): string | undefined {
  if (context.length !== CONTEXT_BYTES + TRACE_BYTES) return undefined;
  const digits = [...context.subarray(CONTEXT_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const carrier = `00-${digits.slice(0, 32)}-${digits.slice(32, 48)}-${digits.slice(48)}`;
  return isCarrier(carrier) ? carrier : undefined;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = a.length - 1; at >= 0; at -= 1) if (a[at] !== b[at]) return false;
  return true;
}

import {
  type Clock,
  ClusterError,
  isClusterError,
  type Session,
  sleep,
  type Timer,
  type WriteOptions,
} from '@quorate/core';
import type { Command, Settled } from '@quorate/raft-host';
import { resultOf } from './result-of.ts';

/** A session lives on while there is a sign of it in each third of its time. */
const SIGNS_PER_TTL = 3;
/** What is tried again waits so long, so that it does not ask all the time. */
const RETRY_MS = 20;

/** Tries each command until its fate is known; the log sees to it that it takes effect once. */
export class RaftSession<C, R> implements Session<C, R> {
  readonly id: string;
  readonly #number: number;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #defaultTimeoutMs: number;
  readonly #encode: (command: C) => Uint8Array;
  readonly #write: (command: Command, options: WriteOptions) => Promise<Settled<R>>;
  readonly #onClose: () => void;
  /** Of the commands on their way, in order. */
  readonly #open = new Set<number>();
  #nextSequence = 1;
  readonly #ending = new AbortController();
  #timer: Timer | undefined;

  constructor(parts: {
    readonly id: number;
    readonly ttlMs: number;
    readonly clock: Clock;
    readonly defaultTimeoutMs: number;
    readonly encode: (command: C) => Uint8Array;
    readonly write: (command: Command, options: WriteOptions) => Promise<Settled<R>>;
    readonly onClose: () => void;
  }) {
    this.id = String(parts.id);
    this.#number = parts.id;
    this.#clock = parts.clock;
    this.#ttlMs = parts.ttlMs;
    this.#defaultTimeoutMs = parts.defaultTimeoutMs;
    this.#encode = parts.encode;
    this.#write = parts.write;
    this.#onClose = parts.onClose;
    this.#keepAlive();
  }

  async replicate(command: C, options: WriteOptions = {}): Promise<R> {
    this.#throwIfEnded();
    const data = this.#encode(command);
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#open.add(sequence);
    try {
      return await this.#untilKnown(data, sequence, options);
    } finally {
      // Whoever gave up doesn't come back for the result.
      this.#open.delete(sequence);
    }
  }

  /** Ends it here; in the log it expires. */
  end(): void {
    if (this.#hasEnded) return;
    this.#ending.abort();
    this.#timer?.cancel();
    this.#onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    this.end();
    // Without an answer it expires by itself.
    await this.#write({ kind: 'close-session', sessionId: this.#number }, {}).catch(() => undefined);
  }

  get #hasEnded(): boolean {
    return this.#ending.signal.aborted;
  }

  async #untilKnown(data: Uint8Array, sequence: number, options: WriteOptions): Promise<R> {
    const deadline = this.#clock.now() + (options.timeoutMs ?? this.#defaultTimeoutMs);
    let isUnknown = false;
    for (;;) {
      const left = deadline - this.#clock.now();
      const settled = await this.#attempt(data, sequence, { ...options, timeoutMs: Math.max(1, left) });
      if (!isClusterError(settled)) return resultOf(settled);
      // That this attempt had no effect says nothing of those before it.
      isUnknown ||= settled.outcome !== 'not-applied';
      const isOver = this.#isOver(settled, deadline, options) || !(await this.#pause());
      if (isOver) throw isUnknown ? unknown(settled) : settled;
    }
  }

  async #attempt(data: Uint8Array, sequence: number, options: WriteOptions): Promise<Settled<R> | ClusterError> {
    const [settled = sequence] = this.#open;
    try {
      return await this.#write({ kind: 'in-session', sessionId: this.#number, sequence, settled, data }, options);
    } catch (error) {
      if (isClusterError(error)) return error;
      throw error;
    }
  }

  /** Whether it is not to be tried again. */
  #isOver(error: ClusterError, deadline: number, { signal }: WriteOptions): boolean {
    if (this.#hasEnded || signal?.aborted === true || this.#clock.now() + RETRY_MS >= deadline) return true;
    return error.outcome === undefined || isFinal(error);
  }

  /** Before the next attempt. False when the session has ended, and there is to be none. */
  #pause(): Promise<boolean> {
    return sleep(this.#clock, RETRY_MS, { signal: this.#ending.signal }).then(
      () => true,
      () => false,
    );
  }

  #keepAlive(): void {
    this.#timer = this.#clock.setTimer(this.#ttlMs / SIGNS_PER_TTL, () => {
      if (this.#hasEnded) return;
      // Should it fail, the next one comes; should it have expired, the next command says so.
      this.#write({ kind: 'keep-session', sessionId: this.#number }, {}).catch(() => undefined);
      this.#keepAlive();
    });
  }

  #throwIfEnded(): void {
    if (this.#hasEnded) throw new ClusterError('CLOSED', `session ${this.id} is closed`, { outcome: 'not-applied' });
  }
}

/** The same, of a command that may have had an effect all the same. */
function unknown(error: ClusterError): ClusterError {
  if (error.outcome === 'unknown') return error;
  const { code, message, leader } = error;
  return new ClusterError(code, message, { cause: error, leader, outcome: 'unknown' });
}

/** What would be no different the next time. */
function isFinal({ code }: ClusterError): boolean {
  return code === 'INVALID_OPTIONS' || code === 'CLOSED' || code === 'ABORTED' || code === 'UNSUPPORTED';
}

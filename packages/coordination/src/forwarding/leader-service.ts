import {
  ClusterError,
  type Leadership,
  linkSignals,
  type MonotonicMs,
  settleWithin,
  sleep,
  type Span,
  telemetryOf,
  toClusterError,
} from '@quorate/core';
import { errorText } from '../error-text.ts';
import { leaderOf, type Led } from '../leading/led.ts';
import {
  decodeAnswer,
  decodeEnvelope,
  encodeAnswer,
  type ForwardedAnswer,
  type ForwardedEnvelope,
} from './envelope.ts';
import type { ForwardSettings } from './forward-options.ts';
import type { ForwardingInstruments } from './forwarding-instruments.ts';
import type { Remembered, RequestMark, RequestMemory } from './request-memory.ts';

/** What a handler is told about a request. */
export interface ForwardedRequest {
  /** The same however often it is repeated. */
  readonly id: string;
  /** The fencing token of this leadership, to go along with every effect outside. */
  readonly token: bigint;
  /** The same number: what elections with terms call it. */
  readonly term: bigint;
  /** Aborts when the caller's time is over or the leadership has ended. */
  readonly signal: AbortSignal;
  /** When the caller gives up. */
  readonly deadline: MonotonicMs;
  /** Whether this node still leads, by the clock. */
  readonly isValid: () => boolean;
}

/** Settings, and what is measured. */
type MeasuredSettings = ForwardSettings & { readonly instruments: ForwardingInstruments };

export type AnyForwardHandler = (input: unknown, request: ForwardedRequest) => unknown;

/** What the leader does: each request once, as far as its memory reaches. */
export class LeaderService implements Disposable {
  readonly #led: Led;
  readonly #handlers: ReadonlyMap<string, AnyForwardHandler>;
  readonly #memory: RequestMemory;
  readonly #settings: MeasuredSettings;
  readonly #closing = new AbortController();
  /** What is under way, by id: who repeats a request waits for the first. */
  readonly #flights = new Map<string, Promise<ForwardedAnswer>>();
  #isDraining = false;

  constructor(
    led: Led,
    handlers: ReadonlyMap<string, AnyForwardHandler>,
    memory: RequestMemory,
    settings: MeasuredSettings,
  ) {
    this.#led = led;
    this.#handlers = handlers;
    this.#memory = memory;
    this.#settings = settings;
  }

  /** How much is under way. */
  get running(): number {
    return this.#flights.size;
  }

  /** Never rejects. */
  async receive(bytes: Uint8Array, { signal }: { readonly signal: AbortSignal | undefined }): Promise<Uint8Array> {
    let answer: ForwardedAnswer;
    try {
      if (bytes.byteLength > this.#settings.maxBytes + HEADROOM_BYTES) throw tooLarge(bytes.byteLength);
      const envelope = decodeEnvelope(bytes);
      const isRefused = this.#isDraining && !this.#flights.has(envelope.id);
      answer = isRefused ? this.#notLeader() : await this.ask(envelope, signal);
    } catch (error) {
      answer = errorAnswer(toClusterError(error, 'REMOTE', 'forwarding'));
    }
    return encodeAnswer(answer);
  }

  /**
   * Does what is asked, if this node leads.
   * @param signal ends the wait for it
   */
  async ask(envelope: ForwardedEnvelope, signal: AbortSignal | undefined): Promise<ForwardedAnswer> {
    const { name, token, hops, remainingMs } = envelope;
    const { leadership } = this.#led.election;
    if (this.#closing.signal.aborted) return this.#notLeader();
    if (hops > this.#settings.maxHops) return refusal('REFUSED', `${name}: it was sent on ${hops} times`);
    // The caller may know of a later leader than this node does.
    if (leadership?.isValid() !== true || token > leadership.token) return this.#notLeader();
    const handler = this.#handlers.get(name);
    if (handler === undefined) return refusal('NOT_FOUND', `the leader has no handler ${name}`);
    const flight = this.#flights.get(envelope.id) ?? this.#begin(envelope, leadership, handler);
    if (flight === undefined) return refusal('OVERLOADED', `${name}: the leader does ${this.#flights.size} already`);
    return await this.#within(flight, name, remainingMs, signal);
  }

  /** From here on nothing more is taken from other nodes; resolves once nothing is under way. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.allSettled(this.#flights.values());
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new ClusterError('CLOSED', 'forwarding was disposed of'));
  }

  #begin(
    envelope: ForwardedEnvelope,
    leadership: Leadership,
    handler: AnyForwardHandler,
  ): Promise<ForwardedAnswer> | undefined {
    if (this.#flights.size >= this.#settings.maxInFlight) return undefined;
    const flight = this.#run(envelope, leadership, handler).finally(() => this.#flights.delete(envelope.id));
    this.#flights.set(envelope.id, flight);
    // Whoever waits hears of it; but nobody may.
    flight.catch(() => undefined);
    return flight;
  }

  async #run(
    envelope: ForwardedEnvelope,
    leadership: Leadership,
    handler: AnyForwardHandler,
  ): Promise<ForwardedAnswer> {
    const mark = { id: envelope.id, token: leadership.token, doubt: envelope.doubt };
    let remembered: Remembered;
    try {
      remembered = await this.#remember(mark, leadership);
      if (remembered.kind === 'answered') return decodeAnswer(remembered.answer);
    } catch (error) {
      this.#led.system.logger.warn(`forwarding: ${envelope.name} could not be begun: ${errorText(error)}`, error);
      return this.#notLeader();
    }
    if (remembered.kind !== 'begun') {
      const message = `${envelope.name}: the request was begun before, and nobody knows how far it came`;
      return { kind: 'error', code: 'SESSION_EXPIRED', message, outcome: 'unknown' };
    }
    if (!leadership.isValid()) {
      await this.#withdraw(mark);
      return this.#notLeader();
    }
    const answer = await this.#work(envelope, leadership, handler);
    // The effect is there, whether or not its answer is kept; and whether or not this node still leads.
    await this.#memory.answer(mark, encodeAnswer(answer)).catch((error: unknown) => {
      this.#led.system.logger.warn(
        `forwarding: the answer to ${envelope.name} is not kept: ${errorText(error)}`,
        error,
      );
    });
    return answer;
  }

  /** What an earlier leader has begun and not answered may be answered, or withdrawn, any moment. */
  async #remember(mark: RequestMark, leadership: Leadership): Promise<Remembered> {
    const { clock } = this.#led.system;
    const end = clock.now() + this.#settings.attemptTimeoutMs / 2;
    for (;;) {
      const remembered = await this.#memory.begin(mark);
      if (remembered.kind !== 'under-way' || clock.now() >= end || !leadership.isValid()) return remembered;
      await sleep(clock, ASK_AGAIN_MS);
    }
  }

  /** Nothing was done. If that can't be told, repetitions have an unknown outcome. */
  async #withdraw(mark: RequestMark): Promise<void> {
    await this.#memory.withdraw?.(mark).catch((error: unknown) => {
      this.#led.system.logger.debug(`forwarding: a request is not withdrawn: ${errorText(error)}`);
    });
  }

  async #work(
    { id, name, remainingMs, carrier, payload }: ForwardedEnvelope,
    leadership: Leadership,
    handler: AnyForwardHandler,
  ): Promise<ForwardedAnswer> {
    const { clock } = this.#led.system;
    const { codec, maxBytes } = this.#settings;
    const { token } = leadership;
    const late = new AbortController();
    const error = new ClusterError('TIMEOUT', `${name}: the caller's time is over`);
    const timer = clock.setTimer(remainingMs, () => late.abort(error));
    using link = linkSignals(leadership.signal, this.#closing.signal, late.signal);
    const { signal } = link;
    const deadline = clock.now() + remainingMs;
    const isValid = (): boolean => leadership.isValid();
    const began = clock.now();
    const span = this.#startSpan(name, carrier);
    try {
      const input = decodeInput(() => codec.decode(payload));
      const request = { id, token, term: token, signal, deadline, isValid };
      const output = codec.encode(await span.run(() => handler(input, request)));
      span.end();
      this.#settings.instruments.served(name, true, clock.now() - began);
      if (output.byteLength <= maxBytes) return { kind: 'answer', token, payload: output };
      const message = `${name}: it was done, and its answer has ${output.byteLength} bytes, more than ${maxBytes}`;
      return { kind: 'error', code: 'OVERLOADED', message, outcome: 'unknown' };
    } catch (cause) {
      span.end(cause);
      this.#settings.instruments.served(name, false, clock.now() - began);
      return errorAnswer(toClusterError(cause, 'REMOTE', name));
    } finally {
      timer.cancel();
    }
  }

  #startSpan(name: string, parent: string | undefined): Span {
    const attributes = { 'quorate.forwarding.handler': name };
    return telemetryOf(this.#led.system).startSpan('quorate.forward.handle', { parent, kind: 'server', attributes });
  }

  /** The wait ends with the caller's time; what is under way goes on, and its answer is for who asks again. */
  async #within(
    flight: Promise<ForwardedAnswer>,
    name: string,
    remainingMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ForwardedAnswer> {
    const { clock } = this.#led.system;
    const message = `${name}: it goes on, and its answer did not come in time`;
    const late: ForwardedAnswer = { kind: 'error', code: 'TIMEOUT', message, outcome: 'unknown' };
    const wait = settleWithin<ForwardedAnswer>(signal, name, (resolve, reject) => {
      const timer = clock.setTimer(remainingMs, () => resolve(late));
      flight.then(resolve, reject);
      return () => timer.cancel();
    });
    return await wait.catch(() => late);
  }

  #notLeader(): ForwardedAnswer {
    const { leader } = this.#led.election;
    const known = leaderOf(this.#led);
    const isOwn = this.#led.election.leadership !== undefined;
    // That this node was seen to lead helps nobody whom it refuses.
    if (leader === undefined || known === undefined || isOwn) return { kind: 'not-leader', leader: undefined };
    return { kind: 'not-leader', leader: { ...known, token: leader.token } };
  }
}

/** How long to wait before the memory is asked again. */
const ASK_AGAIN_MS = 50;
/** What an envelope has beside its payload, and more. */
const HEADROOM_BYTES = 1024;

function decodeInput(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    throw new ClusterError('PROTOCOL', `a request that can't be read: ${errorText(error)}`, {
      cause: error,
      outcome: 'not-applied',
    });
  }
}

function refusal(code: ClusterError['code'], message: string): ForwardedAnswer {
  return { kind: 'error', code, message, outcome: 'not-applied' };
}

function errorAnswer({ code, message, outcome }: ClusterError): ForwardedAnswer {
  return { kind: 'error', code, message, outcome };
}

function tooLarge(bytes: number): ClusterError {
  return new ClusterError('OVERLOADED', `a request of ${bytes} bytes is too large`, { outcome: 'not-applied' });
}

import {
  abortError,
  type Clock,
  ClusterError,
  type Histogram,
  type MessageKind,
  type RequestOptions,
  type Timer,
} from '@quorate/core';
import type { Outlet } from './outlet.ts';
import type { TransportInstruments } from './transport-instruments.ts';
import { errorFromWire } from './wire-error.ts';

/** What `request` waits when it isn't told. */
const DEFAULT_TIMEOUT_MS = 5000;
const ID_SPACE = 2 ** 32;

interface Call {
  /** Counted from 1, of all that this connection has carried. */
  readonly number: number;
  readonly deadline: number;
  readonly timeoutMs: number;
  /** Stops listening to the caller's signal. */
  readonly unlisten: (() => void) | undefined;
  resolve(answer: Uint8Array): void;
  reject(error: unknown): void;
}

/** The requests of one connection that wait for their answers. One timer serves the deadlines of all of them. */
export class OutgoingRequests {
  readonly #clock: Clock;
  readonly #outlet: Outlet;
  readonly #limit: number;
  readonly #instruments: TransportInstruments;
  readonly #calls = new Map<number, Call>();
  #nextId = 0;
  #sent = 0;
  #sweep: Timer | undefined;
  /** When the sweep is due; no call has an earlier deadline. */
  #sweepAt = Infinity;

  constructor(clock: Clock, outlet: Outlet, limit: number, instruments: TransportInstruments) {
    this.#clock = clock;
    this.#outlet = outlet;
    this.#limit = limit;
    this.#instruments = instruments;
  }

  request(kind: MessageKind, payload: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (signal?.aborted === true) return Promise.reject(abortError(signal, this.#what(kind), 'not-applied'));
    const id = this.#calls.size < this.#limit ? this.#freeId() : undefined;
    if (id === undefined || !this.#outlet.offer({ type: 'REQUEST', id, kind, payload })) {
      const message = `${this.#what(kind)}: too much is under way`;
      return Promise.reject(new ClusterError('OVERLOADED', message, { outcome: 'not-applied' }));
    }
    this.#sent += 1;
    const number = this.#sent;
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.now() + timeoutMs;
      const unlisten = signal === undefined ? undefined : this.#listen(id, kind, signal);
      this.#instruments.traffic.requests += 1;
      this.#calls.set(id, { number, deadline, timeoutMs, unlisten, resolve, reject });
      this.#sweepBy(deadline);
    });
  }

  answered(id: number, answer: Uint8Array): void {
    this.#take(id, this.#instruments.answered)?.resolve(answer);
  }

  failed(id: number, detail: unknown): void {
    this.#take(id, this.#instruments.failed)?.reject(errorFromWire(detail));
  }

  /** The peer has parted, and taken only so many: the others certainly were not done. */
  notTaken(taken: number): void {
    for (const [id, { number }] of this.#calls) {
      if (number <= taken) continue;
      const message = `${this.#outlet.peerId} said goodbye before it took the request`;
      this.#take(id)?.reject(new ClusterError('DISCONNECTED', message, { outcome: 'not-applied' }));
    }
  }

  /** The connection has ended: nobody will answer. */
  end(error: ClusterError): void {
    this.#sweep?.cancel();
    for (const id of this.#calls.keys()) this.#take(id)?.reject(error);
  }

  #listen(id: number, kind: MessageKind, signal: AbortSignal): () => void {
    const onAbort = () => this.#giveUp(id, abortError(signal, this.#what(kind), 'unknown'));
    signal.addEventListener('abort', onAbort, { once: true });
    return () => signal.removeEventListener('abort', onAbort);
  }

  #giveUp(id: number, error: ClusterError): void {
    const call = this.#take(id);
    if (call === undefined) return;
    this.#outlet.push({ type: 'CANCEL', id });
    call.reject(error);
  }

  #take(id: number, outcome: Histogram = this.#instruments.unanswered): Call | undefined {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    this.#instruments.traffic.requests -= 1;
    if (outcome.isEnabled) outcome.record((this.#clock.now() - call.deadline + call.timeoutMs) / 1000);
    call.unlisten?.();
    return call;
  }

  /** The sweep is left armed when calls are answered: that is cheaper than a timer for each. */
  #sweepBy(deadline: number): void {
    if (deadline >= this.#sweepAt) return;
    this.#sweep?.cancel();
    this.#sweepAt = deadline;
    this.#sweep = this.#clock.setTimer(Math.max(0, deadline - this.#clock.now()), () => this.#expire());
  }

  #expire(): void {
    const now = this.#clock.now();
    this.#sweepAt = Infinity;
    let next = Infinity;
    for (const [id, { deadline, timeoutMs }] of this.#calls) {
      if (deadline > now) next = Math.min(next, deadline);
      else this.#giveUp(id, this.#timedOut(timeoutMs));
    }
    if (next < Infinity) this.#sweepBy(next);
  }

  #timedOut(timeoutMs: number): ClusterError {
    const message = `request to ${this.#outlet.peerId}: no answer within ${timeoutMs} ms`;
    return new ClusterError('TIMEOUT', message, { outcome: 'unknown' });
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) % ID_SPACE;
    while (this.#calls.has(this.#nextId));
    return this.#nextId;
  }

  #what(kind: MessageKind): string {
    return `request of kind ${kind} to ${this.#outlet.peerId}`;
  }
}

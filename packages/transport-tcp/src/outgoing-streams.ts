import {
  abortError,
  type CallOptions,
  checkBytes,
  ClusterError,
  type MessageKind,
  type OutgoingStream,
  settleWithin,
} from '@quorate/core';
import { CHUNK_COST_BYTES } from './frame.ts';
import type { Outlet } from './outlet.ts';
import { errorFromWire } from './wire-error.ts';

/** Longer chunks are cut, so that other frames get their turn. */
const MAX_PIECE_BYTES = 64 * 1024 - CHUNK_COST_BYTES;
const MAX_CREDIT = 2 ** 40;
const ID_SPACE = 2 ** 32;

/** The streams of one connection that this side sends. */
export class OutgoingStreams {
  readonly #outlet: Outlet;
  readonly #limit: number;
  readonly #streams = new Map<number, SendingStream>();
  #nextId = 0;

  constructor(outlet: Outlet, limit: number) {
    this.#outlet = outlet;
    this.#limit = limit;
  }

  open(kind: MessageKind, { signal }: CallOptions = {}): Promise<OutgoingStream> {
    const what = `stream of kind ${kind} to ${this.#outlet.peerId}`;
    return settleWithin<OutgoingStream>(signal, what, (resolve, reject) => {
      const id = this.#streams.size < this.#limit ? this.#freeId() : undefined;
      if (id === undefined || !this.#outlet.offer({ type: 'STREAM_OPEN', id, kind })) {
        reject(new ClusterError('OVERLOADED', `${what}: too much is under way`, { outcome: 'not-applied' }));
        return () => undefined;
      }
      const onDone = () => void this.#streams.delete(id);
      const stream = new SendingStream(this.#outlet, id, { onOpen: resolve, onFailure: reject, onDone });
      this.#streams.set(id, stream);
      return () => {
        if (signal?.aborted === true) stream.abort(abortError(signal, what));
      };
    });
  }

  credited(id: number, bytes: number): void {
    this.#streams.get(id)?.credited(bytes);
  }

  acknowledged(id: number): void {
    this.#streams.get(id)?.acknowledged();
  }

  reset(id: number, detail: unknown): void {
    this.#streams.get(id)?.fail(errorFromWire(detail));
  }

  /** The queue may have room again. */
  resume(): void {
    for (const stream of this.#streams.values()) stream.pump();
  }

  /** The connection has ended. */
  end(error: ClusterError): void {
    for (const stream of this.#streams.values()) stream.fail(error);
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) % ID_SPACE;
    while (this.#streams.has(this.#nextId));
    return this.#nextId;
  }
}

interface StreamEvents {
  onOpen(stream: OutgoingStream): void;
  /** Before it was open. */
  onFailure(error: ClusterError): void;
  onDone(): void;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

class SendingStream implements OutgoingStream {
  readonly #outlet: Outlet;
  readonly #id: number;
  readonly #events: StreamEvents;
  /** Undefined until the receiver has accepted the stream. */
  #credit: number | undefined;
  /** What of the chunk under way is not sent. */
  #rest: Uint8Array | undefined;
  #writer: Waiter | undefined;
  #ender: Waiter | undefined;
  #state: 'open' | 'ending' | 'done' = 'open';
  #error: ClusterError | undefined;

  constructor(outlet: Outlet, id: number, events: StreamEvents) {
    this.#outlet = outlet;
    this.#id = id;
    this.#events = events;
  }

  async write(chunk: Uint8Array): Promise<void> {
    checkBytes('stream', 'chunk', chunk);
    await this.#write(chunk);
  }

  #write(chunk: Uint8Array): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    // Acknowledged before its end: the receiver has had all it wanted.
    if (this.#state === 'done' || chunk.length === 0) return Promise.resolve();
    if (this.#state === 'ending') return Promise.reject(new ClusterError('CLOSED', 'the stream has been ended'));
    if (this.#writer !== undefined) {
      return Promise.reject(new ClusterError('OVERLOADED', 'one write at a time: the last has not resolved'));
    }
    return new Promise((resolve, reject) => {
      this.#rest = chunk;
      this.#writer = { resolve, reject };
      this.pump();
    });
  }

  end(): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#state === 'done') return Promise.resolve();
    if (this.#state === 'ending') return Promise.reject(new ClusterError('CLOSED', 'the stream has been ended'));
    this.#state = 'ending';
    return new Promise((resolve, reject) => {
      this.#ender = { resolve, reject };
      if (this.#writer === undefined) this.#outlet.push({ type: 'STREAM_END', id: this.#id });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.abort(new ClusterError('CLOSED', 'the stream was disposed before its end'));
    return Promise.resolve();
  }

  abort(error: ClusterError): void {
    if (this.#state === 'done') return;
    this.#outlet.push({ type: 'STREAM_ABORT', id: this.#id });
    this.fail(error);
  }

  credited(bytes: number): void {
    if (this.#credit === undefined) this.#events.onOpen(this);
    this.#credit = Math.min(MAX_CREDIT, (this.#credit ?? 0) + bytes);
    this.pump();
  }

  acknowledged(): void {
    if (this.#credit === undefined) {
      this.#outlet.violated(`the stream ${this.#id} was acknowledged before it was accepted`);
      return;
    }
    this.#finish();
    this.#writer?.resolve();
    this.#ender?.resolve();
  }

  fail(error: ClusterError): void {
    if (this.#state === 'done') return;
    this.#error = error;
    this.#finish();
    this.#events.onFailure(error);
    this.#writer?.reject(error);
    this.#ender?.reject(error);
  }

  /** Sends what credit and queue allow. */
  pump(): void {
    while (this.#rest !== undefined && (this.#credit ?? 0) > CHUNK_COST_BYTES && this.#outlet.idle) {
      this.#sendPiece(this.#rest, this.#credit ?? 0);
    }
  }

  #sendPiece(rest: Uint8Array, credit: number): void {
    const length = Math.min(rest.length, MAX_PIECE_BYTES, credit - CHUNK_COST_BYTES);
    this.#outlet.push({ type: 'STREAM_CHUNK', id: this.#id, payload: rest.subarray(0, length) });
    this.#credit = credit - length - CHUNK_COST_BYTES;
    this.#rest = length < rest.length ? rest.subarray(length) : undefined;
    if (this.#rest === undefined) this.#written();
  }

  #written(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    if (this.#state === 'ending') this.#outlet.push({ type: 'STREAM_END', id: this.#id });
    writer?.resolve();
  }

  #finish(): void {
    this.#state = 'done';
    this.#rest = undefined;
    this.#events.onDone();
  }
}

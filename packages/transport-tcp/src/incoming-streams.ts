import { ClusterError, type StreamHandler } from '@quorate/core';
import { CHUNK_COST_BYTES, type FrameOf } from './frame.ts';
import type { HandlerTable } from './handlers.ts';
import type { Outlet } from './outlet.ts';
import { errorToWire } from './wire-error.ts';

export interface StreamLimits {
  readonly maxStreams: number;
  readonly windowBytes: number;
}

/** The streams of one connection that this side receives. One holds its place until its handler is done. */
export class IncomingStreams {
  readonly #outlet: Outlet;
  readonly #handlers: HandlerTable<StreamHandler>;
  readonly #limits: StreamLimits;
  readonly #streams = new Map<number, ReceivingStream>();

  constructor(outlet: Outlet, handlers: HandlerTable<StreamHandler>, limits: StreamLimits) {
    this.#outlet = outlet;
    this.#handlers = handlers;
    this.#limits = limits;
  }

  open({ id, kind }: FrameOf<'STREAM_OPEN'>): void {
    const handler = this.#handlers.get(kind);
    const { maxStreams, windowBytes } = this.#limits;
    if (this.#streams.has(id)) {
      this.#outlet.violated(`the stream id ${id} is in use`);
    } else if (this.#streams.size >= maxStreams) {
      this.#refuse(id, new ClusterError('OVERLOADED', `more than ${maxStreams} streams`, { outcome: 'not-applied' }));
    } else if (handler === undefined) {
      this.#refuse(id, new ClusterError('UNSUPPORTED', `no handler for streams of kind ${kind}`));
    } else {
      const stream = new ReceivingStream(this.#outlet, id, windowBytes);
      this.#streams.set(id, stream);
      this.#outlet.push({ type: 'STREAM_CREDIT', id, bytes: windowBytes });
      void this.#run(id, stream, handler);
    }
  }

  chunk({ id, payload }: FrameOf<'STREAM_CHUNK'>): void {
    this.#streams.get(id)?.chunk(payload);
  }

  ended(id: number): void {
    this.#streams.get(id)?.finish();
  }

  aborted(id: number): void {
    this.#streams.get(id)?.fail(new ClusterError('ABORTED', 'the sender gave the stream up'));
  }

  /** The connection has ended. */
  end(error: ClusterError): void {
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#streams.clear();
  }

  async #run(id: number, stream: ReceivingStream, handler: StreamHandler): Promise<void> {
    try {
      await handler(this.#outlet.peerId, stream);
      if (!stream.failed) this.#outlet.push({ type: 'STREAM_ACK', id });
    } catch (error) {
      if (!stream.failed) this.#refuse(id, error);
    }
    stream.release();
    if (this.#streams.get(id) === stream) this.#streams.delete(id);
  }

  #refuse(id: number, error: unknown): void {
    this.#outlet.push({ type: 'STREAM_RESET', id, detail: errorToWire(error) });
  }
}

interface Waiter {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

/** The chunks of a stream, as its handler iterates them. Their bytes never exceed the window. */
class ReceivingStream implements AsyncIterableIterator<Uint8Array> {
  readonly #outlet: Outlet;
  readonly #id: number;
  /** Consumed bytes are credited when they are this many: not each chunk needs a frame. */
  readonly #creditStep: number;
  readonly #queue: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  /** What the sender may still send. */
  #credit: number;
  #consumed = 0;
  #state: 'open' | 'ended' | 'failed' | 'released' = 'open';
  #error: ClusterError | undefined;

  constructor(outlet: Outlet, id: number, windowBytes: number) {
    this.#outlet = outlet;
    this.#id = id;
    this.#credit = windowBytes;
    this.#creditStep = windowBytes >>> 2;
  }

  get failed(): boolean {
    return this.#state === 'failed';
  }

  chunk(payload: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#credit -= payload.length + CHUNK_COST_BYTES;
    if (this.#credit < 0) {
      this.#outlet.violated(`the stream ${this.#id} exceeds its credit`);
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#queue.push(compact(payload));
    else waiter.resolve(this.#consume(payload));
  }

  finish(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(END);
  }

  fail(error: ClusterError): void {
    if (this.#state !== 'open' && this.#state !== 'ended') return;
    this.#state = 'failed';
    this.#error = error;
    this.#queue.length = 0;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** The handler is done; what it left is dropped. */
  release(): void {
    if (this.#state !== 'failed') this.#state = 'released';
    this.#queue.length = 0;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(END);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) return Promise.resolve(this.#consume(chunk));
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#state !== 'open') return Promise.resolve(END);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.release();
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #consume(chunk: Uint8Array): IteratorResult<Uint8Array> {
    this.#consumed += chunk.length + CHUNK_COST_BYTES;
    if (this.#state === 'open' && this.#consumed >= this.#creditStep) {
      this.#outlet.push({ type: 'STREAM_CREDIT', id: this.#id, bytes: this.#consumed });
      this.#credit += this.#consumed;
      this.#consumed = 0;
    }
    return { done: false, value: chunk };
  }
}

/** A view keeps all that arrived with it; what waits is to hold little more than what its credit has paid for. */
function compact(payload: Uint8Array): Uint8Array {
  return payload.length * 2 < payload.buffer.byteLength ? payload.slice() : payload;
}

const END: IteratorResult<Uint8Array> = { done: true, value: undefined };

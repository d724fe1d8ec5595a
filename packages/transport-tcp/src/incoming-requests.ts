import { ClusterError, type RequestHandler } from '@quorate/core';
import type { FrameOf } from './frame.ts';
import type { HandlerTable } from './handlers.ts';
import type { Outlet } from './outlet.ts';
import { errorToWire } from './wire-error.ts';

/** The requests of one connection that are being handled. A cancelled one holds its place until its handler is done. */
export class IncomingRequests {
  readonly #outlet: Outlet;
  readonly #handlers: HandlerTable<RequestHandler>;
  readonly #limit: number;
  readonly #calls = new Map<number, IncomingCall>();
  #taken = 0;

  constructor(outlet: Outlet, handlers: HandlerTable<RequestHandler>, limit: number) {
    this.#outlet = outlet;
    this.#handlers = handlers;
    this.#limit = limit;
  }

  /** How many have come: whatever the peer sent after them was not looked at. */
  get taken(): number {
    return this.#taken;
  }

  handle({ id, kind, payload }: FrameOf<'REQUEST'>): void {
    this.#taken += 1;
    const handler = this.#handlers.get(kind);
    if (this.#calls.has(id)) {
      this.#outlet.violated(`the request id ${id} is in use`);
    } else if (this.#calls.size >= this.#limit) {
      this.#refuse(id, new ClusterError('OVERLOADED', `more than ${this.#limit} requests in flight`, NOT_APPLIED));
    } else if (handler === undefined) {
      this.#refuse(id, new ClusterError('UNSUPPORTED', `no handler for requests of kind ${kind}`, NOT_APPLIED));
    } else {
      this.#run(id, handler, payload);
    }
  }

  cancel(id: number): void {
    this.#calls.get(id)?.abort(new ClusterError('ABORTED', 'the caller gave the request up'));
  }

  /** The connection has ended: there is nobody to answer. */
  end(error: ClusterError): void {
    for (const call of this.#calls.values()) call.abort(error);
    this.#calls.clear();
  }

  #run(id: number, handler: RequestHandler, payload: Uint8Array): void {
    const call = new IncomingCall();
    this.#calls.set(id, call);
    let answer: ReturnType<RequestHandler>;
    try {
      answer = handler(this.#outlet.peerId, payload, call);
    } catch (error) {
      this.#fail(id, call, error);
      return;
    }
    // An answer that is there at once is spared the promise.
    if (answer instanceof Uint8Array) this.#answer(id, call, answer);
    else this.#await(id, call, answer);
  }

  #await(id: number, call: IncomingCall, answer: Promise<Uint8Array>): void {
    Promise.resolve(answer).then(
      (payload) => this.#answer(id, call, payload),
      (error: unknown) => this.#fail(id, call, error),
    );
  }

  #answer(id: number, call: IncomingCall, payload: Uint8Array): void {
    if (!(payload instanceof Uint8Array)) {
      this.#fail(id, call, new TypeError('the handler returned no bytes'));
    } else if (payload.length > this.#outlet.maxPayloadBytes) {
      const message = `the answer has ${payload.length} bytes, ${this.#outlet.maxPayloadBytes} fit`;
      this.#fail(id, call, new ClusterError('OVERLOADED', message, { outcome: 'unknown' }));
    } else if (this.#done(id, call) && !this.#outlet.offer({ type: 'RESPONSE', id, payload })) {
      this.#refuse(id, new ClusterError('OVERLOADED', 'the queue for answers is full', { outcome: 'unknown' }));
    }
  }

  #fail(id: number, call: IncomingCall, error: unknown): void {
    if (this.#done(id, call)) this.#refuse(id, error);
  }

  /** Frees the place; whether an answer is still wanted. */
  #done(id: number, call: IncomingCall): boolean {
    if (this.#calls.get(id) === call) this.#calls.delete(id);
    return !call.aborted;
  }

  #refuse(id: number, error: unknown): void {
    this.#outlet.push({ type: 'ERROR', id, detail: errorToWire(error) });
  }
}

const NOT_APPLIED = { outcome: 'not-applied' } as const;

/** What a handler gets as its options. Most never look at the signal, so it is made when one does. */
class IncomingCall {
  #controller: AbortController | undefined;
  #reason: ClusterError | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  abort(reason: ClusterError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }
}

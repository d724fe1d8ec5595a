import {
  abortError,
  type Clock,
  ClusterError,
  type MessageKind,
  type NodeId,
  type RequestHandler,
  type RequestOptions,
  settleWithin,
} from '@quorate/core';

import { type CallFrame, fromFailure, toFailure } from './frames.ts';
import { type Link, queuedBytes } from './link.ts';

const DEFAULT_TIMEOUT_MS = 5000;
/** Requests of one peer that are being handled at a time. */
const MAX_RUNNING = 1024;

interface Pending {
  resolve(payload: Uint8Array): void;
  reject(error: ClusterError): void;
}

/** Requests and answers over one link, in both directions. */
export class Calls {
  readonly #link: Link;
  readonly #peer: NodeId;
  readonly #clock: Clock;
  readonly #handler: (kind: MessageKind) => RequestHandler | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Map<number, AbortController>();
  #lastId = 0;

  constructor(link: Link, peer: NodeId, clock: Clock, handler: (kind: MessageKind) => RequestHandler | undefined) {
    this.#link = link;
    this.#peer = peer;
    this.#clock = clock;
    this.#handler = handler;
  }

  request(kind: MessageKind, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    const what = `request of kind ${kind} to ${this.#peer}`;
    if (signal?.aborted === true) return Promise.reject(abortError(signal, what, 'not-applied'));
    return settleWithin(undefined, what, (resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      const copy = payload.slice();
      if (!this.#link.offer(queuedBytes(copy), (offset) => ({ type: 'request', id, kind, payload: copy, offset }))) {
        reject(new ClusterError('OVERLOADED', `${what}: its queue is full`, { outcome: 'not-applied' }));
        return () => undefined;
      }
      this.#pending.set(id, { resolve, reject });
      const timer = this.#clock.setTimer(timeoutMs, () => {
        reject(new ClusterError('TIMEOUT', `${what}: no answer within ${timeoutMs} ms`, { outcome: 'unknown' }));
      });
      const onAbort = (): void => reject(abortError(signal as AbortSignal, what, 'unknown'));
      signal?.addEventListener('abort', onAbort, { once: true });
      return () => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        if (this.#pending.delete(id)) this.#link.post({ type: 'cancel', id });
      };
    });
  }

  receive(frame: CallFrame): void {
    if (frame.type === 'request') void this.#serve(frame.id, frame.kind, frame.payload);
    else if (frame.type === 'answer') this.#take(frame.id)?.resolve(frame.payload);
    else if (frame.type === 'failure') this.#take(frame.id)?.reject(fromFailure(this.#peer, frame.failure));
    else this.#running.get(frame.id)?.abort(new ClusterError('ABORTED', `${this.#peer} gave the request up`));
  }

  /** The link has ended. */
  end(error: ClusterError): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of waiting) pending.reject(error);
    for (const controller of this.#running.values()) controller.abort(error);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  async #serve(id: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    const controller = new AbortController();
    try {
      const handler = this.#admit(kind);
      this.#running.set(id, controller);
      const answer = await handler(this.#peer, payload, { signal: controller.signal });
      this.#link.post({ type: 'answer', id, payload: answer.slice() });
    } catch (error) {
      this.#link.post({ type: 'failure', id, failure: toFailure(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  /** @throws ClusterError when the request can't be handled */
  #admit(kind: MessageKind): RequestHandler {
    const handler = this.#handler(kind);
    if (handler === undefined) {
      throw new ClusterError('UNSUPPORTED', `no handler for requests of kind ${kind}`, { outcome: 'not-applied' });
    }
    if (this.#running.size >= MAX_RUNNING) {
      throw new ClusterError('OVERLOADED', `${MAX_RUNNING} requests are being handled`, { outcome: 'not-applied' });
    }
    return handler;
  }
}

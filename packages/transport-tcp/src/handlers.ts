import {
  ClusterError,
  invalidOption,
  type MessageHandler,
  type MessageKind,
  type RequestHandler,
  type StreamHandler,
} from '@quorate/core';

const MAX_KIND = 0xffff;

/** The handlers of one sort, one a kind. */
export class HandlerTable<H> {
  readonly #handlers = new Map<MessageKind, H>();

  get(kind: MessageKind): H | undefined {
    return this.#handlers.get(kind);
  }

  /** @throws ClusterError `INVALID_OPTIONS` when the kind is taken or no kind */
  add(kind: MessageKind, handler: H): Disposable {
    checkKind(kind);
    if (this.#handlers.has(kind)) {
      throw new ClusterError('INVALID_OPTIONS', `kind ${kind} has a handler already`);
    }
    this.#handlers.set(kind, handler);
    return {
      [Symbol.dispose]: () => {
        if (this.#handlers.get(kind) === handler) this.#handlers.delete(kind);
      },
    };
  }
}

export interface Handlers {
  readonly messages: HandlerTable<MessageHandler>;
  readonly requests: HandlerTable<RequestHandler>;
  readonly streams: HandlerTable<StreamHandler>;
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkKind(kind: MessageKind): void {
  if (Number.isInteger(kind) && kind >= 0 && kind <= MAX_KIND) return;
  throw invalidOption('transport', 'kind', `an integer from 0 to ${MAX_KIND}`, kind);
}

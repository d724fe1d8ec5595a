import {
  checkMessageKind,
  ClusterError,
  type MessageHandler,
  type MessageKind,
  type RequestHandler,
  type StreamHandler,
} from '@quorate/core';

/** The handlers of one sort, one a kind. */
export class HandlerTable<H> {
  readonly #handlers = new Map<MessageKind, H>();

  get(kind: MessageKind): H | undefined {
    return this.#handlers.get(kind);
  }

  /** @throws ClusterError `INVALID_OPTIONS` when the kind is taken or no kind */
  add(kind: MessageKind, handler: H): Disposable {
    checkMessageKind(kind);
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

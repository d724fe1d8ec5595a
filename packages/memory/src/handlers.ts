import { checkMessageKind, ClusterError, type MessageKind } from '@quorate/core';

/** One handler for each kind of message. */
export class Handlers<H> {
  readonly #handlers = new Map<MessageKind, H>();

  get(kind: MessageKind): H | undefined {
    return this.#handlers.get(kind);
  }

  /** @throws ClusterError `INVALID_OPTIONS` for a kind that has one, or is no kind */
  add(kind: MessageKind, handler: H): Disposable {
    checkMessageKind(kind);
    if (this.#handlers.has(kind)) throw new ClusterError('INVALID_OPTIONS', `kind ${kind} has a handler already`);
    this.#handlers.set(kind, handler);
    return {
      [Symbol.dispose]: () => {
        if (this.#handlers.get(kind) === handler) this.#handlers.delete(kind);
      },
    };
  }
}

import { ClusterError, type MessageKind } from '@quorate/core';

const MAX_KIND = 65_535;

/** One handler for each kind of message. */
export class Handlers<H> {
  readonly #handlers = new Map<MessageKind, H>();

  get(kind: MessageKind): H | undefined {
    return this.#handlers.get(kind);
  }

  /** @throws ClusterError `INVALID_OPTIONS` for a kind that has one, or is no kind */
  add(kind: MessageKind, handler: H): Disposable {
    if (!Number.isInteger(kind) || kind < 0 || kind > MAX_KIND) {
      throw new ClusterError('INVALID_OPTIONS', `a message kind is an integer from 0 to ${MAX_KIND}, got ${kind}`);
    }
    if (this.#handlers.has(kind)) throw new ClusterError('INVALID_OPTIONS', `kind ${kind} has a handler already`);
    this.#handlers.set(kind, handler);
    return {
      [Symbol.dispose]: () => {
        if (this.#handlers.get(kind) === handler) this.#handlers.delete(kind);
      },
    };
  }
}

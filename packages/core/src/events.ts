import { guardedCall } from './guarded-call.ts';

/**
 * Called with the event's payload. What a listener throws, or rejects with, is reported and hurts nobody else. Nobody
 * waits for one that is async.
 */
export type Listener<E> = (event: E) => unknown;

/** Typed events: `Events` maps names to payloads. Listeners run in the order they were added. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onError: (error: unknown, event: keyof Events) => void;

  constructor(onError: (error: unknown, event: keyof Events) => void) {
    this.#onError = onError;
  }

  /** Disposing the result removes the listener. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): Disposable {
    // A wrapper of its own, so that one function added twice is called twice and removed once.
    const own: Listener<Events[K]> = (payload) => listener(payload);
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(own));
    return { [Symbol.dispose]: () => void listeners.delete(own) };
  }

  /** Calls who listens now. Returns when all were called, and never throws. */
  emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    const listeners = this.#listeners.get(event) ?? new Set();
    const now = [...listeners];
    for (const listener of now) {
      // One that an earlier listener removed is not called any more; one that it added, not yet.
      if (!listeners.has(listener)) continue;
      guardedCall(
        () => (listener as Listener<Events[K]>)(payload),
        (error) => this.#onError(error, event),
      );
    }
  }
}

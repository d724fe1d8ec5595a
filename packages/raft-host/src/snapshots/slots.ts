import { type CallOptions, settleWithin } from '@quorate/core';

/** How many may do something at a time; the others wait in order. */
export class Slots {
  #free: number;
  #waiting: Set<() => void> | undefined;

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * A place of one's own, until it is disposed (once).
   * @throws ClusterError `ABORTED`
   */
  take(what: string, { signal }: CallOptions = {}): Promise<Disposable> {
    return settleWithin<Disposable>(signal, what, (resolve) => {
      const enter = () => {
        this.#free -= 1;
        resolve({ [Symbol.dispose]: () => this.#release() });
      };
      if (this.#free > 0) enter();
      else (this.#waiting ??= new Set()).add(enter);
      return () => void this.#waiting?.delete(enter);
    });
  }

  #release(): void {
    this.#free += 1;
    const [next] = this.#waiting ?? [];
    if (next === undefined) return;
    this.#waiting?.delete(next);
    next();
  }
}

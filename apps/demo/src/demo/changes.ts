/** Something that changes now and then, and those who wait for how. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  /** Called after each change. */
  listen(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /**
   * Resolves once the condition holds. Rejects when it doesn't in time.
   * @param failure why it never will; undefined as long as it may
   */
  until(what: string, condition: () => boolean, failure: () => string | undefined, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (then: () => void) => {
        clearTimeout(timer);
        listening[Symbol.dispose]();
        then();
      };
      const look = () => {
        const why = failure();
        if (condition()) finish(resolve);
        else if (why !== undefined) finish(() => reject(new Error(why)));
      };
      const timer = setTimeout(() => {
        finish(() => reject(new Error(`${what}: it did not happen within ${withinMs} ms`)));
      }, withinMs);
      const listening = this.listen(look);
      look();
    });
  }
}

import type { LogEntry } from '../dashboard/dashboard-state.ts';

const MAX_KEPT = 500;

/** What happened, for people. */
export class DemoLog {
  #entries: LogEntry[] = [];
  #number = 0;
  readonly #listeners = new Set<(entry: LogEntry) => void>();

  /** The newest last. */
  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  write(level: LogEntry['level'], node: string | undefined, text: string): void {
    this.#number += 1;
    const entry: LogEntry = { number: this.#number, at: new Date().toISOString(), level, node, text };
    this.#entries.push(entry);
    if (this.#entries.length > MAX_KEPT) this.#entries = this.#entries.slice(MAX_KEPT / 2);
    for (const listener of this.#listeners) listener(entry);
  }

  listen(listener: (entry: LogEntry) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

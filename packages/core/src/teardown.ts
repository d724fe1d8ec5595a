import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';

interface Step {
  readonly what: string;
  readonly close: (signal: AbortSignal) => Promise<void>;
}

/** What is to be undone, last things first, each step bounded in time and none kept from its turn by one before it. */
export class Teardown {
  readonly #steps: Step[] = [];

  /** `close` is undone before all that was pushed earlier. `what` names it where it fails. */
  push(what: string, close: (signal: AbortSignal) => Promise<void>): void {
    this.#steps.push({ what, close });
  }

  /** Undoes all of it, and never rejects: a step that fails, or takes longer than `stepTimeoutMs`, is told to `onError`. */
  async run(clock: Clock, stepTimeoutMs: number, onError: (what: string, error: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { what, close } = step;
      await withDeadline(clock, stepTimeoutMs, what, close).catch((error: unknown) => onError(what, error));
    }
  }
}

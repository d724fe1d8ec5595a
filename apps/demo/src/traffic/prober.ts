import { pause } from './nodes-client.ts';
import type { Line, Producer } from './producer.ts';

/** From one client to the next. */
const REST_MS = 100;

/** Clients that each publish one thing, one after the other, whether or not those before are done. */
export class Prober {
  readonly #line: Line;
  readonly #producer: () => Producer;
  readonly #underWay = new Set<Promise<void>>();
  #number = 0;

  /** @param producer makes one that asks another node first each time */
  constructor(line: Line, producer: () => Producer) {
    this.#line = line;
    this.#producer = producer;
  }

  /** Until the signal aborts. What was begun goes on. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const probe = this.#producer().publish(this.#line.draft(this.#number));
      this.#number += 1;
      this.#underWay.add(probe);
      void probe.finally(() => this.#underWay.delete(probe));
      await pause(REST_MS, signal);
    }
  }

  /** Resolves when all that was begun is done. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}

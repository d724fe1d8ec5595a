import type { Delivery } from '../broker/commands.ts';
import type { Consumer, Dispatcher } from './dispatcher.ts';
import type { Problem } from './problem.ts';

export interface LongPollOptions {
  readonly name: string;
  readonly max: number;
  readonly waitMs: number;
  readonly visibilityMs: number | undefined;
}

/** One request for deliveries: until there are some, or its time is over. */
export class LongPoll implements Consumer {
  readonly name: string;
  readonly visibilityMs: number | undefined;
  readonly #max: number;
  readonly #dispatcher: Dispatcher;
  readonly #done = Promise.withResolvers<readonly Delivery[]>();
  readonly #timer: NodeJS.Timeout | undefined;
  #isImpatient: boolean;
  #isOver = false;

  constructor(dispatcher: Dispatcher, { name, max, waitMs, visibilityMs }: LongPollOptions) {
    this.name = name;
    this.visibilityMs = visibilityMs;
    this.#isImpatient = waitMs === 0;
    this.#max = max;
    this.#dispatcher = dispatcher;
    this.#timer = waitMs === 0 ? undefined : setTimeout(() => this.#expire(), waitMs);
    dispatcher.add(this);
  }

  /** @throws Problem */
  get deliveries(): Promise<readonly Delivery[]> {
    return this.#done.promise;
  }

  get isImpatient(): boolean {
    return this.#isImpatient;
  }

  get wants(): number {
    return this.#isOver ? 0 : this.#max;
  }

  take(deliveries: readonly Delivery[]): void {
    this.#finish();
    this.#done.resolve(deliveries);
  }

  fail(problem: Problem): void {
    this.#finish();
    this.#done.reject(problem);
  }

  end(): void {
    this.take([]);
  }

  settled(): void {
    // It holds nothing: what was handed over is the client's.
  }

  review(): void {
    // As above.
  }

  /** Whoever has waited to the end is told why there was nothing, unless there was just nothing. */
  #expire(): void {
    // What is under way to it would be handed out to nobody, and that counts: it is told in a moment in any case.
    if (this.#dispatcher.isReceivingFor(this)) {
      this.#isImpatient = true;
      return;
    }
    const { trouble } = this.#dispatcher;
    if (trouble === undefined) this.take([]);
    else this.fail(trouble);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#dispatcher.remove(this, []);
  }
}

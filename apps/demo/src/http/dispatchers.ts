import type { QueueName } from '../broker/commands.ts';
import type { Broker } from './broker.ts';
import { Dispatcher } from './dispatcher.ts';
import type { LocalView } from './local-view.ts';
import { Problem } from './problem.ts';

export interface DispatchersParts {
  readonly broker: Broker;
  readonly local: LocalView;
  /** This node. */
  readonly id: string;
  /** Long polls and streams that may be open at one time. */
  readonly maxWaiting: number;
}

/** The dispatchers of all queues for which somebody waits on this node. */
export class Dispatchers {
  readonly #parts: DispatchersParts;
  readonly #byQueue = new Map<QueueName, Dispatcher>();
  readonly #changes: Disposable;
  #waiting = 0;
  #isClosed = false;

  constructor(parts: DispatchersParts) {
    this.#parts = parts;
    this.#changes = parts.local.onChange((queue) => {
      if (queue !== undefined) this.#byQueue.get(queue)?.changed();
      else for (const dispatcher of this.#byQueue.values()) dispatcher.changed();
    });
  }

  /** Long polls and streams that are open. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Counts somebody who is going to wait, until the result is disposed of.
   * @throws Problem `OVERLOADED`, `STOPPING`
   */
  enter(): Disposable {
    this.throwIfClosed();
    if (this.#waiting >= this.#parts.maxWaiting) {
      throw new Problem('OVERLOADED', `${this.#parts.maxWaiting} requests wait here already`, {
        outcome: 'not-applied',
      });
    }
    this.#waiting += 1;
    let isIn = true;
    return {
      [Symbol.dispose]: () => {
        if (isIn) this.#waiting -= 1;
        isIn = false;
      },
    };
  }

  /** @throws Problem `STOPPING` */
  throwIfClosed(): void {
    if (this.#isClosed) throw new Problem('STOPPING', 'the node is about to stop', { outcome: 'not-applied' });
  }

  of(queue: QueueName): Dispatcher {
    const known = this.#byQueue.get(queue);
    if (known !== undefined) return known;
    const made: Dispatcher = new Dispatcher(queue, {
      ...this.#parts,
      onIdle: () => {
        if (this.#byQueue.get(queue) === made) this.#byQueue.delete(queue);
      },
    });
    this.#byQueue.set(queue, made);
    return made;
  }

  /** Clients have settled these by this node. */
  settled(queue: QueueName, receipts: ReadonlySet<string>): void {
    this.#byQueue.get(queue)?.settled(receipts);
  }

  /** Ends all long polls and streams, and resolves when what they held is given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#byQueue.values()].map((dispatcher) => dispatcher.close()));
    this.#changes[Symbol.dispose]();
  }
}

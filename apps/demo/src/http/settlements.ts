import type { Command, QueueName, Settlement } from '../broker/commands.ts';
import { BROKER_LIMITS } from '../broker/limits.ts';
import type { Broker } from './broker.ts';
import type { Dispatchers } from './dispatchers.ts';
import { type Problem, problemOf } from './problem.ts';

/** What becomes of deliveries. */
export type Settling = Extract<Command, { type: 'acknowledge' | 'reject' | 'extend' }>;

interface Asked {
  readonly receipts: readonly string[];
  resolve(settled: readonly Settlement[]): void;
  reject(problem: Problem): void;
}

interface Gathered {
  readonly settling: Settling;
  readonly asked: Asked[];
  count: number;
}

/** Settles deliveries: what clients ask within one turn of the event loop goes with one command, as far as it is alike. */
export class Settlements {
  readonly #broker: Broker;
  readonly #dispatchers: Dispatchers;
  readonly #gathered = new Map<string, Gathered>();

  constructor(broker: Broker, dispatchers: Dispatchers) {
    this.#broker = broker;
    this.#dispatchers = dispatchers;
  }

  /**
   * One for each receipt, in order.
   * @throws Problem
   */
  settle(settling: Settling): Promise<readonly Settlement[]> {
    const { receipts } = settling;
    return new Promise((resolve, reject) => {
      const kind = kindOf(settling);
      const gathered = this.#gathered.get(kind);
      const asked = { receipts, resolve, reject };
      if (gathered === undefined || gathered.count + receipts.length > BROKER_LIMITS.batch) {
        this.#begin(kind, { settling, asked: [asked], count: receipts.length });
        return;
      }
      gathered.asked.push(asked);
      gathered.count += receipts.length;
    });
  }

  #begin(kind: string, gathered: Gathered): void {
    this.#gathered.set(kind, gathered);
    setImmediate(() => {
      if (this.#gathered.get(kind) === gathered) this.#gathered.delete(kind);
      void this.#run(gathered);
    });
  }

  async #run({ settling, asked }: Gathered): Promise<void> {
    try {
      const receipts = asked.flatMap((each) => each.receipts);
      const { settled } = await this.#broker.run({ ...settling, receipts }, 'settled');
      this.#tell(settling, receipts);
      let at = 0;
      for (const each of asked) {
        each.resolve(settled.slice(at, at + each.receipts.length));
        at += each.receipts.length;
      }
    } catch (error) {
      // They differ in their receipts alone, and of those each is judged by itself: whatever fails fails for all.
      const problem = problemOf(error);
      for (const each of asked) each.reject(problem);
    }
  }

  #tell({ type, queue }: Settling, receipts: readonly string[]): void {
    if (type !== 'extend') this.#dispatchers.settled(queue, new Set(receipts));
  }
}

function kindOf(settling: Settling): string {
  const { type, queue }: { type: string; queue: QueueName } = settling;
  if (settling.type === 'reject') return `${type} ${queue} ${settling.delayMs}`;
  if (settling.type === 'extend') return `${type} ${queue} ${settling.visibilityMs}`;
  return `${type} ${queue}`;
}

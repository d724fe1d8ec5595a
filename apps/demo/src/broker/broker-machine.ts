import type { CommittedCommand, MachineCodec, RestoreOptions, SnapshotSource, StateMachine } from '@quorate/core';
import { BrokerState } from './broker-state.ts';
import { commandCodec } from './command-codec.ts';
import type { Command, QueueName, Result } from './commands.ts';
import { BROKER_LIMITS, type BrokerLimits } from './limits.ts';
import { delivered, perform } from './perform.ts';
import type { Answer, Query } from './queries.ts';
import { answerCodec, queryCodec } from './query-codec.ts';
import type { Queue } from './queue.ts';
import { resultCodec } from './result-codec.ts';
import { readBroker } from './snapshot-reader.ts';
import { captureBroker } from './snapshot-writer.ts';

/** Told after the commands are applied that brought it about, in a turn of its own. Not part of the state. */
export interface BrokerListener {
  /** There may be something to hand out, now or, where it was due to come, earlier than it was: see `nextDue`. */
  available(queue: QueueName): void;
}

/** How much there is, in all. */
export interface BrokerUsage {
  readonly queues: number;
  readonly topics: number;
  readonly messages: number;
  readonly bytes: number;
  /** Remembered for deduplication. */
  readonly ids: number;
}

/**
 * Durable queues and topics as a replicated state machine. Times are those of commands. Every command first lets take
 * effect what is due by its time: so much of it that no command takes long, later ones (and `housekeeping`, which exists
 * for nothing else) do the rest.
 *
 * A receipt is good for its delivery: once that is over, because it was settled or has run out, it is unknown.
 */
export class BrokerMachine implements StateMachine<Command, Result, Query, Answer> {
  readonly version = 1;
  readonly codec: MachineCodec<Command, Result, Query, Answer> = {
    command: commandCodec(),
    result: resultCodec(),
    query: queryCodec,
    answer: answerCodec,
  };
  readonly #limits: BrokerLimits;
  readonly #listeners = new Set<BrokerListener>();
  #state: BrokerState;

  /** @param limits the same on every node, and never others than those that the log's commands were taken with */
  constructor(limits: BrokerLimits = BROKER_LIMITS) {
    this.#limits = limits;
    this.#state = new BrokerState(limits);
  }

  /** Of the last command. Milliseconds of the log, which is the leader's time. */
  get now(): number {
    return this.#state.now;
  }

  get usage(): BrokerUsage {
    const { queues, topics, messages, bytes, ids } = this.#state;
    return { queues: queues.size, topics: topics.size, messages, bytes, ids };
  }

  /**
   * When the queue has something to hand out, in milliseconds of the log: `now` or before where it has already, undefined
   * where it never will unless something is published. What is in flight counts as of when its delivery runs out.
   */
  nextDue(name: QueueName): number | undefined {
    const content = this.#state.queues.get(name)?.content;
    if (content === undefined) return undefined;
    return content.ready.size > 0 ? this.#state.now : content.timed.first?.due;
  }

  /** Whether the delivery with this receipt has not ended, by the time of the last command. */
  isInFlight(name: QueueName, receipt: string): boolean {
    const queue = this.#state.queues.get(name);
    return queue !== undefined && delivered(this.#state, queue, receipt) !== undefined;
  }

  /** Until it is disposed of. */
  listen(listener: BrokerListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  apply(batch: readonly CommittedCommand<Command>[]): readonly Result[] {
    const results = batch.map(({ command, time }) => perform(this.#state, command, time));
    this.#tell();
    return results;
  }

  query(query: Query): Answer {
    const { queues, topics } = this.#state;
    switch (query.type) {
      case 'queues':
        return { type: 'queues', queues: [...queues.values()].map(({ status }) => status).sort(byName) };
      case 'queue':
        return { type: 'queue', queue: queues.get(query.queue)?.status };
      case 'topics': {
        const all = [...topics].map(([name, { accepted, subscriptions }]) => {
          return { name, subscriptions: [...subscriptions.keys()].sort(), accepted };
        });
        return { type: 'topics', topics: all.sort(byName) };
      }
    }
  }

  capture(): SnapshotSource {
    return captureBroker(this.#state);
  }

  async restore(chunks: AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<void> {
    this.#state = await readBroker(chunks, this.#limits, options);
    this.#tell();
  }

  #tell(): void {
    const { available } = this.#state;
    if (available.size === 0) return;
    const queues: readonly Queue[] = [...available];
    available.clear();
    if (this.#listeners.size === 0) return;
    queueMicrotask(() => {
      for (const { name } of queues) for (const listener of this.#listeners) listener.available(name);
    });
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

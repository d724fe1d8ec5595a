import type { CommittedCommand, RestoreOptions } from '@quorate/core';
import { BrokerMachine, type BrokerUsage } from '../broker/broker-machine.ts';
import type { Command, QueueName, Result } from '../broker/commands.ts';
import type { QueueStatus } from '../broker/queries.ts';
import type { LocalView } from '../http/local-view.ts';

/** This node's copy of the broker: the machine that is fed by the log now, and what it tells. */
export class LocalBroker implements LocalView {
  readonly #listeners = new Set<(queue: QueueName | undefined) => void>();
  #machine = new BrokerMachine();
  /** The time of the log as of then, by this process's clock. */
  #timeSeenAt = performance.now();

  /** Makes the machine: for the replicator, and again where it needs another one. */
  readonly make = (): BrokerMachine => {
    const machine: BrokerMachine = new WatchedMachine((queues) => {
      if (machine === this.#machine) this.#changed(queues);
    });
    machine.listen({ available: (queue) => machine === this.#machine && this.#tell(queue) });
    this.#machine = machine;
    return machine;
  };

  get usage(): BrokerUsage {
    return this.#machine.usage;
  }

  has(queue: QueueName): boolean {
    const answer = this.#machine.query({ type: 'queue', queue });
    return answer.type === 'queue' && answer.queue !== undefined;
  }

  queues(): readonly QueueStatus[] {
    const answer = this.#machine.query({ type: 'queues' });
    return answer.type === 'queues' ? answer.queues : [];
  }

  dueInMs(queue: QueueName): number | undefined {
    const due = this.#machine.nextDue(queue);
    if (due === undefined) return undefined;
    // The time of the log goes on while nobody writes to it.
    const now = this.#machine.now + (performance.now() - this.#timeSeenAt);
    return Math.max(0, Math.ceil(due - now));
  }

  isInFlight(queue: QueueName, receipt: string): boolean {
    return this.#machine.isInFlight(queue, receipt);
  }

  onChange(listener: (queue: QueueName | undefined) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #changed(queues: ReadonlySet<QueueName | undefined>): void {
    this.#timeSeenAt = performance.now();
    if (queues.has(undefined)) this.#tell(undefined);
    else for (const queue of queues) this.#tell(queue);
  }

  #tell(queue: QueueName | undefined): void {
    for (const listener of this.#listeners) listener(queue);
  }
}

type Changed = ReadonlySet<QueueName | undefined>;

/** Tells, with each piece of the log, of the queues in which deliveries have ended, or something is due sooner. */
class WatchedMachine extends BrokerMachine {
  readonly #onApplied: (queues: Changed) => void;

  /** @param onApplied told of `undefined` where it may be any queue */
  constructor(onApplied: (queues: Changed) => void) {
    super();
    this.#onApplied = onApplied;
  }

  override apply(batch: readonly CommittedCommand<Command>[]): readonly Result[] {
    const results = super.apply(batch);
    const queues = new Set<QueueName | undefined>();
    for (const { command } of batch) changedBy(command, queues);
    this.#onApplied(queues);
    return results;
  }

  override async restore(chunks: AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<void> {
    await super.restore(chunks, options);
    this.#onApplied(new Set([undefined]));
  }
}

/** Messages that can be handed out at once are told of by the machine itself. */
function changedBy(command: Command, queues: Set<QueueName | undefined>): void {
  switch (command.type) {
    case 'acknowledge':
    case 'reject':
    case 'extend':
    case 'delete-queue':
    case 'purge-queue':
      queues.add(command.queue);
      return;
    case 'unsubscribe':
      queues.add(`${command.topic}:${command.subscription}`);
      return;
    case 'delete-topic':
      queues.add(undefined);
      return;
    case 'publish':
    case 'publish-to-topic':
      if (command.messages.every(({ delayMs = 0 }) => delayMs === 0)) return;
      queues.add(command.type === 'publish' ? command.queue : undefined);
      return;
    case 'create-queue':
    case 'create-topic':
    case 'subscribe':
    case 'receive':
    case 'housekeeping':
  }
}

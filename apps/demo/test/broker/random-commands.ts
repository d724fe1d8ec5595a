import * as fc from 'fast-check';
import type { Command, NewMessage, QueueOptions, Result } from '../../src/broker/commands.ts';
import { BROKER_LIMITS, type BrokerLimits } from '../../src/broker/limits.ts';

/** So low that all of them are met. */
export const LOW_LIMITS: BrokerLimits = {
  ...BROKER_LIMITS,
  queues: 5,
  messages: 14,
  bytes: 160,
  ids: 16,
  copies: 6,
  receiveBytes: 12,
};

/** A command at a time; receipts are places in the list of all that were given so far. */
export interface Step {
  readonly afterMs: number;
  readonly command: Command;
  readonly receipts: readonly number[];
}

const queue = fc.constantFrom('a', 'b', 'dead');
const anyQueue = fc.constantFrom('a', 'a', 'b', 'dead', 't:x', 't:y', 'none');
const topic = fc.constantFrom('t', 'u');
const subscription = fc.constantFrom('x', 'y');
const options: fc.Arbitrary<QueueOptions> = fc.record(
  {
    fifo: fc.boolean(),
    visibilityMs: fc.constantFrom(5, 20),
    maxDeliveries: fc.integer({ min: 1, max: 3 }),
    deadLetterQueue: fc.constantFrom('dead', 'b'),
    deduplicationMs: fc.constantFrom(0, 15, 60),
    maxMessages: fc.constantFrom(3, 8),
  },
  { requiredKeys: ['fifo', 'visibilityMs', 'maxDeliveries', 'deduplicationMs', 'maxMessages'] },
);
const settings = fc.oneof(
  fc.record({ key: fc.constantFrom('', 'k', 'l', 'ключ') }),
  fc.record({ priority: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ delayMs: fc.constantFrom(0, 3, 30) }),
  fc.constant({}),
);
const message: fc.Arbitrary<NewMessage> = fc
  .tuple(
    fc.record(
      {
        id: fc.constantFrom('1', '2', '3', '4', '5', '6', '7', 'ü'),
        body: fc.uint8Array({ maxLength: 9 }),
        headers: fc.dictionary(fc.constantFrom('h', '__proto__'), fc.string({ maxLength: 3 }), { maxKeys: 2 }),
      },
      { requiredKeys: ['id', 'body'] },
    ),
    settings,
  )
  .map(([base, more]) => ({ ...base, ...more }));
const messages = fc.array(message, { minLength: 1, maxLength: 4 });
const type = <const T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);
const receipts = fc.constant([]);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: type('create-queue'), queue, options }).filter(isSound) },
  { weight: 1, arbitrary: fc.record({ type: type('delete-queue'), queue }) },
  { weight: 1, arbitrary: fc.record({ type: type('purge-queue'), queue: anyQueue }) },
  { weight: 2, arbitrary: fc.record({ type: type('create-topic'), topic }) },
  { weight: 1, arbitrary: fc.record({ type: type('delete-topic'), topic }) },
  { weight: 2, arbitrary: fc.record({ type: type('subscribe'), topic, subscription, options }) },
  { weight: 1, arbitrary: fc.record({ type: type('unsubscribe'), topic, subscription }) },
  { weight: 9, arbitrary: fc.record({ type: type('publish'), queue, messages }) },
  { weight: 4, arbitrary: fc.record({ type: type('publish-to-topic'), topic, messages }) },
  {
    weight: 10,
    arbitrary: fc.record(
      {
        type: type('receive'),
        queue: anyQueue,
        consumer: type('c'),
        max: fc.integer({ min: 1, max: 4 }),
        visibilityMs: fc.constantFrom(1, 40),
      },
      { requiredKeys: ['type', 'queue', 'consumer', 'max'] },
    ),
  },
  { weight: 7, arbitrary: fc.record({ type: type('acknowledge'), queue: anyQueue, receipts }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: type('reject'), queue: anyQueue, receipts, delayMs: fc.constantFrom(0, 12) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: type('extend'), queue: anyQueue, receipts, visibilityMs: fc.constantFrom(9, 50) }),
  },
  { weight: 1, arbitrary: fc.record({ type: type('housekeeping'), token: fc.bigInt({ min: 0n, max: 3n }) }) },
);

function isSound({ queue: name, options: { deadLetterQueue } }: { queue: string; options: QueueOptions }): boolean {
  return name !== deadLetterQueue;
}

/** Queues that there are from the start, so that most commands find something. */
const first: readonly Step[] = (['a', 'b', 'dead'] as const).map((name) => ({
  afterMs: 0,
  receipts: [],
  command: {
    type: 'create-queue',
    queue: name,
    options: {
      fifo: name === 'b',
      visibilityMs: 10,
      maxDeliveries: 2,
      deduplicationMs: 40,
      maxMessages: 8,
      ...(name !== 'dead' && { deadLetterQueue: 'dead' }),
    },
  },
}));

export const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.record({
      afterMs: fc.constantFrom(0, 0, 0, 1, 2, 7, 25),
      command,
      receipts: fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((more) => [...first, ...more]);

/** Fills in what a command has from the results of those before. */
export class Unfolding {
  readonly #given: string[] = [];
  #time = 1_000;

  command({ afterMs, command: raw, receipts: places }: Step): { readonly command: Command; readonly time: number } {
    this.#time += afterMs;
    if (!('receipts' in raw)) return { command: raw, time: this.#time };
    // The latest first: most of what is settled is in flight.
    const chosen = places.map((place) => this.#given.at(-1 - place) ?? ['x', '1.1', '0.0', '7.99'][place % 4] ?? '');
    return { command: { ...raw, receipts: chosen }, time: this.#time };
  }

  learn(result: Result): void {
    if (result.type === 'deliveries') this.#given.push(...result.deliveries.map(({ receipt }) => receipt));
  }
}

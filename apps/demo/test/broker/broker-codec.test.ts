import { isClusterError } from '@quorate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import type { Command, Result } from '../../src/broker/commands.ts';
import { BROKER_LIMITS } from '../../src/broker/limits.ts';
import { LOW_LIMITS, steps, Unfolding } from './random-commands.ts';

const { codec } = new BrokerMachine();
const text = fc.string({ unit: 'binary', maxLength: 20 });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const results: fc.Arbitrary<Result> = fc.oneof(
  fc.record({ type: fc.constant('done' as const), changed: fc.boolean() }),
  fc.record({
    type: fc.constant('published' as const),
    messages: fc.array(fc.record({ id: text, sequence: count, duplicate: fc.boolean() })),
  }),
  fc.record({
    type: fc.constant('settled' as const),
    settled: fc.array(fc.constantFrom('done' as const, 'unknown-receipt' as const)),
  }),
  fc.record({
    type: fc.constant('refused' as const),
    code: fc.constantFrom('not-found', 'exists', 'full', 'invalid', 'fenced'),
    message: text,
  }),
);

/** A machine in the middle of a life, and the commands that brought it there. */
const lives = steps.map((life) => {
  const machine = new BrokerMachine(LOW_LIMITS);
  const unfolding = new Unfolding();
  const commands: Command[] = [];
  const given: Result[] = [];
  for (const step of life) {
    const { command, time } = unfolding.command(step);
    const [result] = machine.apply([{ index: 1, term: 1, time, command }]);
    if (result !== undefined) unfolding.learn(result);
    if (result !== undefined) given.push(result);
    commands.push(command);
  }
  return { machine, commands, results: given };
});

describe('the codecs', () => {
  it('read what they wrote', () => {
    fc.assert(
      fc.property(lives, results, ({ commands, results: given }, made) => {
        for (const command of commands)
          expect(plain(codec.command.decode(codec.command.encode(command)))).toEqual(plain(command));
        for (const result of [...given, made]) {
          expect(plain(codec.result.decode(codec.result.encode(result)))).toEqual(plain(result));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('read queries and answers, and nothing else', () => {
    const { machine } = fc.sample(lives, { numRuns: 1, seed: 7 })[0] as { machine: BrokerMachine };
    const queries = [
      { type: 'queues' },
      { type: 'topics' },
      { type: 'queue', queue: 'a' },
      { type: 'queue', queue: 'none' },
    ] as const;
    for (const query of queries) {
      expect(codec.query.decode(codec.query.encode(query))).toEqual(query);
      const answer = machine.query(query);
      expect(codec.answer.decode(codec.answer.encode(answer))).toEqual(answer);
    }
    for (const bad of ['', 'null', '{}', '{"type":"queue"}', '{"type":"all"}', '[']) {
      expect(() => codec.query.decode(Buffer.from(bad)), bad).toThrowError(protocol);
      expect(() => codec.answer.decode(Buffer.from(bad === '{"type":"queue"}' ? '7' : bad)), bad).toThrowError(
        protocol,
      );
    }
  });

  it.each([{ delayMs: -1 }, { delayMs: 1.5 }, { delayMs: Number.NaN }, { priority: -1 }])(
    'refuse to write what nobody could read: %o',
    (settings) => {
      const messages = [{ id: '1', body: new Uint8Array(), ...settings }];
      expect(() => codec.command.encode({ type: 'publish', queue: 'a', messages })).toThrowError(/integer/u);
    },
  );

  it('have bytes that anybody made refused as such, or make a command of them that a machine survives', () => {
    fc.assert(
      fc.property(
        lives,
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        fc.uint8Array(),
        ({ machine, commands }, turned, tail) => {
          for (const command of [...commands, undefined]) {
            const bytes =
              command === undefined ? tail : Uint8Array.from([...codec.command.encode(command), ...tail.slice(0, 1)]);
            if (command !== undefined) for (const [at, byte] of turned) bytes[at % bytes.length] = byte;
            survives(machine, bytes);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a snapshot', () => {
  it('that is not whole, or not sound, is refused, and the state stays what it was', async () => {
    await fc.assert(
      fc.asyncProperty(lives, fc.nat(), fc.nat(), fc.nat(255), async ({ machine }, cut, at, byte) => {
        const bytes = await snapshotOf(machine);
        const other = new BrokerMachine(LOW_LIMITS);
        apply(other, { type: 'create-topic', topic: 'mine' });
        const before = await snapshotOf(other);
        await expect(restore(other, bytes.subarray(0, cut % bytes.length))).rejects.toThrowError(corrupt);
        await expect(restore(other, Uint8Array.from([...bytes, 0, 0]))).rejects.toThrowError(corrupt);
        expect(await snapshotOf(other)).toEqual(before);
        const turned = bytes.slice();
        turned[at % bytes.length] = byte;
        const isRefused = await restore(other, turned).then(
          () => false,
          (error: unknown) => isClusterError(error, 'CORRUPT') || error,
        );
        expect([true, false]).toContain(isRefused);
        if (isRefused === true) expect(await snapshotOf(other)).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });

  it('is read with the bounds of the machine that reads it', async () => {
    const machine = new BrokerMachine(BROKER_LIMITS);
    const other = new BrokerMachine({ ...BROKER_LIMITS, queues: 1 });
    const options = { fifo: false, visibilityMs: 1, maxDeliveries: 1, deduplicationMs: 0, maxMessages: 1 };
    apply(machine, { type: 'create-queue', queue: 'a', options });
    await restore(other, await snapshotOf(machine));
    expect(apply(other, { type: 'create-queue', queue: 'b', options })).toMatchObject({ code: 'full' });
  });
});

function survives(machine: BrokerMachine, bytes: Uint8Array): void {
  let command: Command;
  try {
    command = codec.command.decode(bytes);
  } catch (error) {
    expect(isClusterError(error, 'PROTOCOL'), String(error)).toBe(true);
    return;
  }
  const result = apply(machine, command);
  expect(codec.result.decode(codec.result.encode(result)).type).toBe(result.type);
}

function apply(machine: BrokerMachine, command: Command): Result {
  return machine.apply([{ index: 1, term: 1, time: machine.now, command }])[0] as Result;
}

async function snapshotOf(machine: BrokerMachine): Promise<Uint8Array> {
  const source = machine.capture();
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks({})) parts.push(chunk);
  source.release();
  return Uint8Array.from(Buffer.concat(parts));
}

async function restore(machine: BrokerMachine, bytes: Uint8Array): Promise<void> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  await machine.restore(chunks(), { version: 1 });
}

/** Without what makes no difference: which kind of bytes they are, and what headers are made of. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, each]) => [name, plain(each)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

const protocol: unknown = expect.toSatisfy((error) => isClusterError(error, 'PROTOCOL'));
const corrupt: unknown = expect.toSatisfy((error) => isClusterError(error, 'CORRUPT'));

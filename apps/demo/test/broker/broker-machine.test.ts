import type { SnapshotSource } from '@quorate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerMachine } from '../../src/broker/broker-machine.ts';
import type { Command, Result } from '../../src/broker/commands.ts';
import type { BrokerLimits } from '../../src/broker/limits.ts';
import type { QueueStatus } from '../../src/broker/queries.ts';
import { BrokerModel } from './broker-model.ts';
import { LOW_LIMITS, type Step, steps, Unfolding } from './random-commands.ts';

const RUNS = Number(process.env['QUORATE_BROKER_RUNS'] ?? 200);

interface Timed {
  readonly command: Command;
  readonly time: number;
}

describe('the broker, against a model of plain lists', () => {
  it('gives the same results and the same totals, whatever is done when', () => {
    fc.assert(
      fc.property(steps, (life) => {
        const machine = new BrokerMachine(LOW_LIMITS);
        const model = new BrokerModel(LOW_LIMITS);
        const unfolding = new Unfolding();
        for (const step of life) {
          const timed = unfolding.command(step);
          const expected = model.perform(timed.command, timed.time);
          expect(comparable(apply(machine, timed)), JSON.stringify(timed.command, showBigints)).toEqual(
            comparable(expected),
          );
          expect(statuses(machine)).toEqual(model.statuses());
          expect(machine.usage).toEqual(model.usage());
          unfolding.learn(expected);
          expectBalanced(machine);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('gives them however the commands are cut into batches', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (life, cuts) => {
        const { commands, results } = unfold(life);
        const machine = new BrokerMachine(LOW_LIMITS);
        const all: Result[] = [];
        for (let at = 0, cut = 0; at < commands.length; cut += 1) {
          const size = cuts[cut % cuts.length] ?? 1;
          all.push(...machine.apply(commands.slice(at, at + size).map(committed)));
          at += size;
        }
        expect(all).toEqual(results);
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });

  it('gives them from a snapshot on, which is of the moment of its capture however late it is read', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), fc.nat(20), fc.integer({ min: 1, max: 50 }), async (life, at, later, cut) => {
        const { commands, results } = unfold(life);
        const captured = at % commands.length;
        const machine = new BrokerMachine(LOW_LIMITS);
        for (const each of commands.slice(0, captured)) apply(machine, each);
        const atOnce = await bytesOf(machine.capture());
        const source = machine.capture();
        for (const each of commands.slice(captured, captured + later)) apply(machine, each);
        const bytes = await bytesOf(source);
        expect(bytes).toBe(atOnce);
        const restored = await restoredFrom(bytes, cut);
        const rest = commands.slice(captured).map((each) => apply(restored, each));
        expect(rest).toEqual(results.slice(captured));
        for (const each of commands.slice(captured + later)) apply(machine, each);
        expect(statuses(restored)).toEqual(statuses(machine));
        expect(await bytesOf(restored.capture())).toEqual(await bytesOf(machine.capture()));
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });
});

function comparable(result: Result): unknown {
  if (result.type === 'refused') return result.code;
  if (result.type !== 'deliveries') return result;
  return result.deliveries.map((each) => ({ ...each, body: [...each.body], headers: Object.entries(each.headers) }));
}

/** Nothing that was accepted is nowhere. */
function expectBalanced(machine: BrokerMachine): void {
  let messages = 0;
  for (const status of statuses(machine)) {
    const { name, accepted, ready, delayed, inFlight, acknowledged, deadLettered, dropped } = status;
    expect(ready + delayed + inFlight + acknowledged + deadLettered + dropped, name).toBe(accepted);
    messages += ready + delayed + inFlight;
  }
  expect(machine.usage.messages).toBe(messages);
  expect(machine.usage.ids).toBeLessThanOrEqual(LOW_LIMITS.ids);
  expect(machine.usage.bytes).toBeLessThanOrEqual(LOW_LIMITS.bytes);
  if (messages === 0) expect(machine.usage.bytes).toBe(0);
}

/** The commands of a life with their results, from a machine of its own. */
function unfold(life: readonly Step[]): { readonly commands: readonly Timed[]; readonly results: readonly Result[] } {
  const machine = new BrokerMachine(LOW_LIMITS);
  const unfolding = new Unfolding();
  const commands: Timed[] = [];
  const results: Result[] = [];
  for (const step of life) {
    const timed = unfolding.command(step);
    const result = apply(machine, timed);
    unfolding.learn(result);
    commands.push(timed);
    results.push(result);
  }
  return { commands, results };
}

/** Through the codec, as from the log. */
function committed({ command, time }: Timed): { index: number; term: number; time: number; command: Command } {
  const { codec } = new BrokerMachine();
  return { index: 1, term: 1, time, command: codec.command.decode(codec.command.encode(command)) };
}

function apply(machine: BrokerMachine, timed: Timed): Result {
  return machine.apply([committed(timed)])[0] as Result;
}

function statuses(machine: BrokerMachine): readonly QueueStatus[] {
  const answer = machine.query({ type: 'queues' });
  return answer.type === 'queues' ? answer.queues : [];
}

async function restoredFrom(snapshot: string, cut: number, limits: BrokerLimits = LOW_LIMITS): Promise<BrokerMachine> {
  const machine = new BrokerMachine(limits);
  await machine.restore(cutUp(snapshot, cut), { version: 1 });
  return machine;
}

async function* cutUp(snapshot: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < snapshot.length; at += size) yield Buffer.from(snapshot.slice(at, at + size), 'latin1');
}

async function bytesOf(source: SnapshotSource): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks({})) parts.push(chunk);
  source.release();
  return Buffer.concat(parts).toString('latin1');
}

function showBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

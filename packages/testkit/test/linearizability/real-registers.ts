import type { Random } from '@quorate/core';

import type { RegisterInput, RegisterOutput } from '../../src/index.ts';
import { cas, read, type RegisterOperation, write } from './operations.ts';

/** A call as it will go: what its client notices, and what only the object knows. */
export interface PlannedCall {
  readonly client: string | number;
  readonly input: RegisterInput<number>;
  readonly calledAt: number;
  /** When it takes effect, or that it never does; then its output is lost. */
  readonly effectAt: number | 'never';
  readonly returnedAt: number;
  /** Whether the client never hears of it; it may then take effect after it returned. */
  readonly lost: boolean;
}

/** What clients see of registers that do one call after another, each when it is said to take effect. */
export function execute(calls: readonly PlannedCall[]): readonly RegisterOperation[] {
  const registers = new Map<string, number>();
  const outputs = new Map<PlannedCall, RegisterOutput<number>>();
  const effective = calls.filter(({ effectAt }) => effectAt !== 'never');
  for (const call of effective.toSorted((a, b) => Number(a.effectAt) - Number(b.effectAt))) {
    outputs.set(call, apply(registers, call.input));
  }
  return calls.map((call) => {
    const { client, input, calledAt, returnedAt, lost, effectAt } = call;
    const output = lost || effectAt === 'never' ? ('unknown' as const) : { value: outputs.get(call) };
    return { client, input, output, calledAt, returnedAt };
  });
}

function apply(registers: Map<string, number>, input: RegisterInput<number>): RegisterOutput<number> {
  const held = registers.get(input.key);
  if (input.type === 'read') return held;
  if (input.type === 'write' || held === input.expected) registers.set(input.key, input.value);
  return input.type === 'cas' ? held === input.expected : undefined;
}

export interface Workload {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** How often a client never hears of its call. */
  readonly lost: number;
  /** How many different values are written; the fewer, the more can be mistaken for each other. */
  readonly values: number;
}

/** The calls of clients that are never idle for long. */
export function planCalls(
  random: Random,
  { operations, clients, keys, lost, values }: Workload,
): readonly PlannedCall[] {
  const freeAt = Array.from({ length: clients }, () => random.next());
  return Array.from({ length: operations }, (_none, at) => {
    const client = freeAt.indexOf(Math.min(...freeAt));
    const calledAt = (freeAt[client] ?? 0) + random.next() * 2;
    const lasts = 1 + random.next() * 9;
    freeAt[client] = calledAt + lasts;
    const key = `k${random.int(keys)}`;
    const value = values > operations ? at : random.int(values);
    const input =
      [read(key), write(value, key), cas(random.int(Math.min(values, 50)), value, key)][random.int(3)] ?? read(key);
    const isLost = random.next() < lost;
    const effectAt =
      isLost && random.next() < 0.5 ? ('never' as const) : calledAt + random.next() * lasts * (isLost ? 20 : 1);
    return { client, input, calledAt, effectAt, returnedAt: calledAt + lasts, lost: isLost };
  });
}

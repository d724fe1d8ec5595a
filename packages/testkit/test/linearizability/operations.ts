import type { Operation, RegisterInput, RegisterOutput } from '../../src/index.ts';

/** An operation of a register of numbers. */
export type RegisterOperation = Operation<RegisterInput<number>, RegisterOutput<number>>;

/** An operation that returned, in words: `op('a', [0, 5], write(1), undefined)`. */
export function op<I, O>(client: string, [calledAt, returnedAt]: readonly [number, number], input: I, value: O) {
  return { client, input, output: { value }, calledAt, returnedAt };
}

/** One that nobody knows the end of, called at this time. */
export function lost<I>(client: string, calledAt: number, input: I) {
  return { client, input, output: 'unknown' as const, calledAt, returnedAt: calledAt + 1 };
}

export function read(key = 'x'): RegisterInput<number> {
  return { type: 'read', key };
}

export function write(value: number, key = 'x'): RegisterInput<number> {
  return { type: 'write', key, value };
}

export function cas(expected: number | undefined, value: number, key = 'x'): RegisterInput<number> {
  return { type: 'cas', key, expected, value };
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  checkLinearizable,
  type Operation,
  registerModel,
  type SequentialModel,
  ticketModel,
  type TicketInput,
} from '../../src/index.ts';
import { isLinearizable } from './brute-force.ts';
import { cas, read, type RegisterOperation, write } from './operations.ts';

type Unplaced<I, O> = Pick<Operation<I, O>, 'input' | 'output'>;

const registers = registerModel<number>();
const registerKinds: readonly Unplaced<RegisterOperation['input'], number | boolean | undefined>[] = [
  { input: read(), output: { value: undefined } },
  { input: read(), output: { value: 1 } },
  { input: read(), output: 'unknown' },
  { input: write(1), output: { value: undefined } },
  { input: write(1), output: 'unknown' },
  { input: write(2), output: 'unknown' },
  { input: cas(1, 2), output: { value: true } },
  { input: cas(1, 2), output: { value: false } },
  { input: cas(2, 1), output: 'unknown' },
];

/** Every way in which three operations can lie in time, by their calls and returns. */
const intervals: readonly (readonly (readonly [number, number])[])[] = interleavings([0, 0, 1, 1, 2, 2]).map((order) =>
  [0, 1, 2].map((operation) => [order.indexOf(operation), order.lastIndexOf(operation)] as const),
);

describe('every history of three operations', () => {
  it('of a register is judged as brute force judges it', () => {
    const counts = compareAll(registers, registerKinds);
    expect(counts.good).toBeGreaterThan(10_000);
    expect(counts.bad).toBeGreaterThan(10_000);
  });

  it('of a ticket machine is judged as brute force judges it', () => {
    const outputs = [{ value: 1 }, { value: 2 }, { value: 3 }, 'unknown'] as const;
    const counts = compareAll(
      ticketModel(),
      outputs.map((output) => ({ input: { type: 'next' } as TicketInput, output })),
    );
    expect(counts.good).toBeGreaterThan(100);
    expect(counts.bad).toBeGreaterThan(1_000);
  });
});

describe('histories of up to seven operations', () => {
  const operation = fc
    .record({
      kind: fc.constantFrom(
        ...registerKinds,
        { input: write(2), output: { value: undefined } },
        { input: read(), output: { value: 2 } },
        { input: cas(undefined, 1), output: { value: true } },
        { input: cas(undefined, 2), output: 'unknown' as const },
      ),
      calledAt: fc.nat(12),
      lastsMs: fc.nat(8),
    })
    .map(({ kind, calledAt, lastsMs }) => ({ ...kind, client: 'a', calledAt, returnedAt: calledAt + lastsMs }));

  it('are judged as brute force judges them', () => {
    const seen = { good: 0, bad: 0 };
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 7 }), (history) => {
        const good = isLinearizable(registers, history);
        expect(checkLinearizable(registers, history).verdict).toBe(good ? 'linearizable' : 'not-linearizable');
        seen[good ? 'good' : 'bad'] += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(seen.good, seen.bad)).toBeGreaterThan(200);
  });

  it('are judged the same without being told which operations are reads', () => {
    const { isRead: _isRead, ...untold } = registers;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 7 }), (history) => {
        expect(checkLinearizable(untold, history).verdict).toBe(checkLinearizable(registers, history).verdict);
      }),
      { numRuns: 1_000 },
    );
  });
});

function compareAll<S, I, O>(model: SequentialModel<S, I, O>, kinds: readonly Unplaced<I, O>[]) {
  const counts = { good: 0, bad: 0 };
  for (const a of kinds)
    for (const b of kinds)
      for (const c of kinds)
        for (const times of intervals) {
          const history = [a, b, c].map((kind, at): Operation<I, O> => {
            const [calledAt = 0, returnedAt = 0] = times[at] ?? [];
            return { ...kind, client: at, calledAt, returnedAt };
          });
          const good = isLinearizable(model, history);
          counts[good ? 'good' : 'bad'] += 1;
          const { verdict } = checkLinearizable(model, history);
          if (verdict !== (good ? 'linearizable' : 'not-linearizable')) {
            expect.fail(`${verdict}: ${JSON.stringify(history)}`);
          }
        }
  return counts;
}

/** The different orders of these items. */
function interleavings(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length === 0) return [[]];
  return [...new Set(items)].flatMap((first) =>
    interleavings(items.toSpliced(items.indexOf(first), 1)).map((rest) => [first, ...rest]),
  );
}

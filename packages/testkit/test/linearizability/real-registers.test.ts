import { seededRandom } from '@quorate/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkLinearizable, type Operation, registerModel, type SequentialModel } from '../../src/index.ts';
import { isLinearizable } from './brute-force.ts';
import { cas, read, type RegisterOperation, write } from './operations.ts';
import { execute, type PlannedCall, planCalls, type Workload } from './real-registers.ts';

const model = registerModel<number>();

const call: fc.Arbitrary<PlannedCall> = fc
  .record({
    client: fc.nat(3),
    input: fc.constantFrom(read(), write(1), write(2), write(3), cas(undefined, 1), cas(1, 2), cas(2, 1)),
    calledAt: fc.nat(30),
    effectAfter: fc.nat(6),
    returnsAfter: fc.nat(6),
    fate: fc.constantFrom('returned', 'returned', 'returned', 'lost', 'late', 'never'),
  })
  .map(({ client, input, calledAt, effectAfter, returnsAfter, fate }) => ({
    client,
    input,
    calledAt,
    effectAt: fate === 'never' ? fate : calledAt + effectAfter * (fate === 'late' ? 5 : 1),
    returnedAt: calledAt + effectAfter + returnsAfter,
    lost: fate !== 'returned',
  }));

describe('the history of real registers', () => {
  it('is always linearizable, with an order that explains it', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        const history = execute(calls);
        const verdict = checkLinearizable(model, history);
        if (verdict.verdict !== 'linearizable') return expect.fail(verdict.verdict);
        expectExplained(model, history, verdict.orders.get('x') ?? []);
      }),
      { numRuns: 500 },
    );
  });

  it('with anything changed is judged as brute force judges it', () => {
    const change = fc.record({ at: fc.nat(6), what: fc.constantFrom('value', 'earlier', 'later', 'left out') });
    let bad = 0;
    fc.assert(
      fc.property(fc.array(call, { minLength: 2, maxLength: 7 }), change, (calls, { at, what }) => {
        const history = mutate(execute(calls), at % calls.length, what);
        const good = isLinearizable(model, history);
        expect(checkLinearizable(model, history).verdict).toBe(good ? 'linearizable' : 'not-linearizable');
        if (!good) bad += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(bad).toBeGreaterThan(200);
  });
});

describe('a history of many operations', () => {
  const wide: Workload = { operations: 10_000, clients: 10, keys: 100, lost: 0.05, values: 100_000 };
  const narrow: Workload = { ...wide, operations: 2_000, keys: 1 };

  it.each<[string, Workload]>([
    ['10,000 by 10 clients on 100 registers, 5% of them unknown', wide],
    ['2,000 by 10 clients on one register, 5% of them unknown', narrow],
  ])('is decided: %s', (name, workload) => {
    for (let seed = 0; seed < 5; seed += 1) {
      const history = execute(planCalls(seededRandom(seed, name), workload));
      expect(timed(`${name}, seed ${seed}`, history)).toBe('linearizable');
      expect(timed(`${name}, seed ${seed}, a read spoiled`, spoil(history))).toBe('not-linearizable');
    }
  });

  it('is decided where few values can be mistaken for each other', () => {
    for (let seed = 0; seed < 5; seed += 1) {
      const history = execute(planCalls(seededRandom(seed, 'few values'), { ...narrow, values: 3 }));
      expect(timed(`2,000 of three values, seed ${seed}`, history)).toBe('linearizable');
    }
  });
});

function timed(name: string, history: readonly RegisterOperation[]): string {
  const begun = performance.now();
  const { verdict, configurations } = checkLinearizable(model, history);
  console.log(`${name}: ${verdict}, ${configurations} configurations, ${Math.round(performance.now() - begun)} ms`);
  return verdict;
}

/** A read in the second half returns what nobody wrote. */
function spoil(history: readonly RegisterOperation[]): readonly RegisterOperation[] {
  const isRead = ({ input, output }: RegisterOperation) => input.type === 'read' && output !== 'unknown';
  const at = history.findIndex((operation, index) => index > history.length / 2 && isRead(operation));
  return history.with(at, { ...(history[at] as RegisterOperation), output: { value: -1 } });
}

function mutate(history: readonly RegisterOperation[], at: number, what: string): readonly RegisterOperation[] {
  const operation = history[at] as RegisterOperation;
  const { calledAt, returnedAt, output } = operation;
  switch (what) {
    case 'left out':
      return history.toSpliced(at, 1);
    case 'earlier':
      return history.with(at, { ...operation, calledAt: calledAt - 6, returnedAt: calledAt - 5 });
    case 'later':
      return history.with(at, { ...operation, calledAt: returnedAt + 5, returnedAt: returnedAt + 6 });
    default: {
      const value = output === 'unknown' || typeof output.value === 'number' ? undefined : 1;
      const changed = output !== 'unknown' && typeof output.value === 'boolean' ? !output.value : value;
      return history.with(at, { ...operation, output: { value: changed } });
    }
  }
}

/** The order holds each completed operation once, keeps to time, and is one that the model allows. */
function expectExplained<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  order: readonly Operation<I, O>[],
): void {
  const needed = history.filter(({ output }) => output !== 'unknown');
  expect(new Set(order).size).toBe(order.length);
  expect(needed.filter((operation) => !order.includes(operation))).toEqual([]);
  expect(order.filter((operation) => !history.includes(operation))).toEqual([]);
  let state = model.init();
  for (const [at, operation] of order.entries()) {
    const step = model.step(state, operation.input, operation.output);
    if (!step.ok) return expect.fail(`the order breaks at ${at}`);
    state = step.state;
    const later = order.slice(at + 1).filter(({ output }) => output !== 'unknown');
    expect(later.filter(({ returnedAt }) => returnedAt < operation.calledAt)).toEqual([]);
  }
}

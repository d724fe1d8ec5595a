import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkLinearizable, explainViolation, type Operation, registerModel, ticketModel } from '../../src/index.ts';
import { OperationSet } from '../../src/linearizability/operation-set.ts';
import { lost, op, read, type RegisterOperation, write } from './operations.ts';

const model = registerModel<number>();

describe('a violation', () => {
  const first = op('a', [0, 1], write(1), undefined);
  const second = op('a', [2, 3], write(2), undefined);
  const overlapping = op('c', [3, 9], write(3), undefined);
  const stale = op('b', [4, 5], read(), 1);
  const after = op('b', [6, 7], read(), 3);
  const late = lost('d', 1, write(4));
  const elsewhere = op('e', [0, 9], write(5, 'y'), undefined);
  const history: readonly RegisterOperation[] = [elsewhere, after, stale, overlapping, late, second, first];

  it('tells what can be placed, what cannot, and what overlaps with that', () => {
    const verdict = checkLinearizable(model, history);
    if (verdict.verdict !== 'not-linearizable') return expect.fail(verdict.verdict);
    expect(verdict.partition).toBe('x');
    expect(verdict.prefix.slice(0, 2)).toEqual([first, second]);
    expect(verdict.unplaced).toBe(stale);
    expect(verdict.concurrent).toEqual([late, overlapping]);
  });

  it('is explained in words', () => {
    const verdict = checkLinearizable(model, history.toSpliced(3, 2));
    if (verdict.verdict !== 'not-linearizable') return expect.fail(verdict.verdict);
    expect(explainViolation(verdict).split('\n')).toEqual([
      'not linearizable: x',
      'the longest order that explains a part of it:',
      '  a: {"type":"write","key":"x","value":1} -> undefined [0, 1]',
      '  a: {"type":"write","key":"x","value":2} -> undefined [2, 3]',
      'leads to the state 2, where this can be placed no more:',
      '  b: {"type":"read","key":"x"} -> 1 [4, 5]',
    ]);
  });

  it('is explained by the end of a long order only', () => {
    const tickets = Array.from({ length: 30 }, (_none, at) =>
      op('a', [2 * at, 2 * at + 1], { type: 'next' } as const, at),
    );
    const verdict = checkLinearizable(ticketModel(0), [...tickets, op('b', [100, 101], { type: 'next' } as const, 5)]);
    if (verdict.verdict !== 'not-linearizable') return expect.fail(verdict.verdict);
    expect(verdict.prefix).toEqual(tickets);
    expect(explainViolation(verdict)).toContain('  20 more\n  a: {"type":"next"} -> 20 [40, 41]\n');
  });
});

describe('a check', () => {
  const hard: readonly RegisterOperation[] = Array.from({ length: 9 }, (_none, at) =>
    op(`c${at}`, [0, 1], write(at), undefined),
  );
  const impossible = [...hard, op('r', [2, 3], read(), 9)];

  it('gives up when it has visited as many configurations as it may', () => {
    const verdict = checkLinearizable(model, impossible, { maxConfigurations: 100 });
    expect(verdict).toEqual({ verdict: 'undecided', partitions: ['x'], configurations: 101 });
    expect(checkLinearizable(model, impossible).verdict).toBe('not-linearizable');
  });

  it('finds a violation of one part although it gave up another', () => {
    const bad = [op('a', [0, 1], write(1, 'y'), undefined), op('a', [2, 3], read('y'), undefined)];
    const verdict = checkLinearizable(model, [...impossible, ...bad], { maxConfigurations: 100 });
    expect(verdict).toMatchObject({ verdict: 'not-linearizable', partition: 'y' });
  });

  it('does not change the history, and is not confused by an operation that is in it twice', () => {
    const next = op('a', [0, 1], { type: 'next' } as const, 1);
    const history: readonly Operation<{ readonly type: 'next' }, number>[] = Object.freeze([Object.freeze(next)]);
    expect(checkLinearizable(ticketModel(), history).verdict).toBe('linearizable');
    expect(checkLinearizable(ticketModel(), [next, next]).verdict).toBe('not-linearizable');
  });

  it('refuses what is no history, and options that it does not know', () => {
    const reversed = op('a', [2, 1], write(1), undefined);
    expect(() => checkLinearizable(model, [reversed])).toThrow('history[0]');
    expect(() => checkLinearizable(model, [{ ...reversed, calledAt: Number.NaN }])).toThrow('history[0]');
    expect(() => checkLinearizable(model, [], { maxConfigurations: 0 })).toThrow('maxConfigurations');
    expect(() => checkLinearizable(model, [], { maxSteps: 1 } as never)).toThrow('maxSteps');
  });
});

describe('the key of a set of operations', () => {
  /** Each number is put in, or taken out if it is there. */
  const toggles = fc.array(fc.nat(70), { maxLength: 60 });

  it('tells sets apart, and only those', () => {
    fc.assert(
      fc.property(toggles, toggles, fc.boolean(), (one, other, shuffled) => {
        const second = shuffled ? one.toReversed() : other;
        expect(build(one).set.key() === build(second).set.key()).toBe(build(one).text === build(second).text);
        expect(build(one).set.size).toBe(build(one).size);
      }),
    );
  });

  it('is as short when nearly all are in it as when few are', () => {
    const all = Array.from({ length: 2_000 }, (_none, at) => at);
    expect(build(all.filter((at) => at !== 1_990)).set.key().length).toBeLessThan(12);
  });

  function build(toggled: readonly number[]) {
    const set = new OperationSet(2_000);
    const contents = new Set<number>();
    for (const operation of toggled) {
      if (contents.delete(operation)) {
        set.delete(operation);
      } else {
        contents.add(operation);
        set.add(operation);
      }
    }
    return { set, text: [...contents].sort((a, b) => a - b).join(), size: contents.size };
  }
});

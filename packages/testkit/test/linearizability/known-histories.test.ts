import { describe, expect, it } from 'vitest';

import {
  appendListModel,
  type AppendListInput,
  checkLinearizable,
  type Operation,
  registerModel,
  type SequentialModel,
  ticketModel,
} from '../../src/index.ts';
import { isLinearizable } from './brute-force.ts';
import { cas, lost, op, read, type RegisterOperation, write } from './operations.ts';

const goodRegisters: Readonly<Record<string, readonly RegisterOperation[]>> = {
  'nothing at all': [],
  'one after another': [op('a', [0, 1], write(1), undefined), op('b', [2, 3], read(), 1)],
  'a read of what was never written, before any write': [op('a', [0, 1], read(), undefined)],
  'a read during a write sees it': [op('a', [0, 9], write(1), undefined), op('b', [1, 2], read(), 1)],
  'a read during a write does not see it': [op('a', [0, 9], write(1), undefined), op('b', [1, 2], read(), undefined)],
  'reads during a write, first the old value and then the new': [
    op('a', [0, 9], write(1), undefined),
    op('b', [1, 2], read(), undefined),
    op('b', [3, 4], read(), 1),
  ],
  'overlapping writes in the order that reads tell': [
    op('a', [0, 5], write(1), undefined),
    op('b', [0, 5], write(2), undefined),
    op('c', [6, 7], read(), 1),
    op('d', [8, 9], read(), 1),
  ],
  'a chain of overlaps, with an order in which only the third call comes first': [
    op('a', [0, 4], read(), 3),
    op('b', [1, 6], write(2), undefined),
    op('c', [2, 8], write(3), undefined),
    op('d', [7, 9], read(), 2),
  ],
  'what happens at one time overlaps': [
    op('a', [0, 1], write(1), undefined),
    op('b', [1, 2], read(), undefined),
    op('c', [2, 3], read(), 1),
  ],
  'one of two that compare and set the same': [
    op('a', [0, 5], cas(undefined, 1), false),
    op('b', [0, 5], cas(undefined, 2), true),
    op('c', [6, 7], read(), 2),
  ],
  'keys know nothing of each other': [
    op('a', [0, 1], write(1, 'x'), undefined),
    op('b', [2, 3], read('y'), undefined),
    op('b', [4, 5], read('x'), 1),
  ],
  'an unknown write that never appears': [
    lost('a', 0, write(1)),
    op('b', [5, 6], read(), undefined),
    op('b', [7, 8], read(), undefined),
  ],
  'an unknown write that appears late': [
    lost('a', 0, write(1)),
    op('b', [5, 6], read(), undefined),
    op('b', [7, 8], write(2), undefined),
    op('b', [9, 10], read(), 2),
    op('b', [11, 12], read(), 1),
  ],
  'two unknown writes of one value, which appears twice': [
    lost('a', 0, write(1)),
    lost('b', 1, write(1)),
    op('c', [5, 6], read(), 1),
    op('c', [7, 8], write(2), undefined),
    op('c', [9, 10], read(), 1),
  ],
  'an unknown compare and set in a chain': [
    op('a', [0, 1], write(1), undefined),
    lost('b', 2, cas(1, 2)),
    op('c', [3, 4], cas(2, 3), true),
    op('c', [5, 6], read(), 3),
  ],
  'unknown writes of which one has to come before a compare and set that fails': [
    op('a', [0, 1], write(1), undefined),
    lost('b', 2, write(2)),
    op('c', [3, 4], cas(1, 3), false),
    op('c', [5, 6], read(), 2),
  ],
  'two unknown calls that could explain a read, of which the first is needed later': [
    op('a', [0, 1], write(0), undefined),
    lost('b', 2, write(1)),
    lost('c', 3, cas(0, 1)),
    op('a', [4, 5], read(), 1),
    op('a', [6, 7], write(2), undefined),
    op('a', [8, 9], read(), 1),
  ],
  'two unknown calls in a row that explain a read, where the second could, so that the first is there later': [
    lost('a', 0, write(1)),
    lost('b', 0, cas(1, 2)),
    op('c', [1, 5], write(1), undefined),
    op('d', [2, 5], write(0), undefined),
    op('c', [6, 7], read(), 2),
    op('c', [8, 9], write(7), undefined),
    op('c', [10, 11], read(), 1),
  ],
  'an unknown read': [op('a', [0, 1], write(1), undefined), lost('b', 2, read())],
};

const badRegisters: Readonly<Record<string, readonly RegisterOperation[]>> = {
  'a stale read': [
    op('a', [0, 1], write(1), undefined),
    op('a', [2, 3], write(2), undefined),
    op('b', [4, 5], read(), 1),
  ],
  'a read that misses a write which returned': [
    op('a', [0, 1], write(1), undefined),
    op('b', [2, 3], read(), undefined),
  ],
  'a read of a value that was never written': [op('a', [0, 1], write(1), undefined), op('b', [2, 3], read(), 7)],
  'a read of a value before its write was called': [op('b', [0, 1], read(), 1), op('a', [2, 3], write(1), undefined)],
  'reads during a write, first the new value and then the old': [
    op('a', [0, 9], write(1), undefined),
    op('b', [1, 2], read(), 1),
    op('b', [3, 4], read(), undefined),
  ],
  'reads of two clients that tell two orders of overlapping writes': [
    op('a', [0, 9], write(1), undefined),
    op('b', [0, 9], write(2), undefined),
    op('c', [10, 11], read(), 1),
    op('d', [12, 13], read(), 2),
  ],
  'a read that does not repeat, with nobody writing': [
    op('a', [0, 1], write(1), undefined),
    op('b', [2, 3], read(), 1),
    op('b', [4, 5], read(), undefined),
  ],
  'a lost update: two compare and set the same, and both succeed': [
    op('a', [0, 1], write(0), undefined),
    op('b', [2, 9], cas(0, 1), true),
    op('c', [2, 9], cas(0, 2), true),
  ],
  'a compare and set that fails although the value is there': [
    op('a', [0, 1], write(1), undefined),
    op('b', [2, 3], cas(1, 2), false),
  ],
  'a write that failed and yet is read': [op('a', [0, 1], read(), 1)],
  'an unknown write that appears before its call': [op('b', [0, 1], read(), 1), lost('a', 2, write(1))],
  'an unknown write that appears twice': [
    lost('a', 0, write(1)),
    op('b', [5, 6], read(), 1),
    op('b', [7, 8], write(2), undefined),
    op('b', [9, 10], read(), 1),
  ],
  'an unknown write that appears and goes, with nobody writing': [
    lost('a', 0, write(1)),
    op('b', [5, 6], read(), 1),
    op('b', [7, 8], read(), undefined),
  ],
  'an unknown compare and set that would have had to succeed twice': [
    op('a', [0, 1], write(1), undefined),
    lost('b', 2, cas(1, 2)),
    op('c', [3, 4], cas(2, 1), true),
    op('c', [5, 6], cas(2, 3), true),
  ],
  'a wrong key among right ones': [
    op('a', [0, 1], write(1, 'x'), undefined),
    op('a', [2, 3], write(2, 'y'), undefined),
    op('b', [4, 5], read('x'), 1),
    op('b', [6, 7], read('y'), 1),
  ],
};

const append = (value: number): AppendListInput<number> => ({ type: 'append', key: 'l', value });
const list: AppendListInput<number> = { type: 'read', key: 'l' };
type ListOperation = Operation<AppendListInput<number>, readonly number[] | undefined>;

const goodLists: Readonly<Record<string, readonly ListOperation[]>> = {
  'appends in the order that a read tells': [
    op('a', [0, 5], append(1), undefined),
    op('b', [0, 5], append(2), undefined),
    op('c', [1, 2], list, []),
    op('c', [6, 7], list, [2, 1]),
  ],
  'an unknown append that appears late': [
    lost('a', 0, append(1)),
    op('b', [2, 3], append(2), undefined),
    op('c', [4, 5], list, [2]),
    op('c', [6, 7], list, [2, 1]),
  ],
};

const badLists: Readonly<Record<string, readonly ListOperation[]>> = {
  'a lost append': [
    op('a', [0, 1], append(1), undefined),
    op('b', [2, 3], append(2), undefined),
    op('c', [4, 5], list, [2]),
  ],
  'two orders': [
    op('a', [0, 5], append(1), undefined),
    op('b', [0, 5], append(2), undefined),
    op('c', [6, 7], list, [1, 2]),
    op('d', [6, 7], list, [2, 1]),
  ],
  'an append that took effect twice': [
    lost('a', 0, append(1)),
    op('b', [2, 3], append(2), undefined),
    op('c', [4, 5], list, [1, 2, 1]),
  ],
};

const next = { type: 'next' } as const;
type TicketOperation = Operation<{ readonly type: 'next' }, number>;

const goodTickets: Readonly<Record<string, readonly TicketOperation[]>> = {
  'each number once': [op('a', [0, 5], next, 2), op('b', [0, 5], next, 1), op('a', [6, 7], next, 3)],
  'a number that an unknown call used up': [op('a', [0, 1], next, 1), lost('b', 0, next), op('a', [2, 3], next, 3)],
};

const badTickets: Readonly<Record<string, readonly TicketOperation[]>> = {
  'a number twice': [op('a', [0, 5], next, 1), op('b', [0, 5], next, 1)],
  'a number left out': [op('a', [0, 1], next, 1), op('a', [2, 3], next, 3)],
  'two numbers left out, of which an unknown call explains one': [
    op('a', [0, 1], next, 1),
    lost('b', 0, next),
    op('a', [2, 3], next, 4),
  ],
  'a smaller number later': [op('a', [0, 1], next, 2), op('b', [2, 3], next, 1)],
};

function known<S, I, O>(
  what: string,
  model: SequentialModel<S, I, O>,
  good: Readonly<Record<string, readonly Operation<I, O>[]>>,
  bad: Readonly<Record<string, readonly Operation<I, O>[]>>,
): void {
  const verdicts = { linearizable: good, 'not-linearizable': bad };
  for (const [verdict, histories] of Object.entries(verdicts)) {
    describe(`${what}: ${verdict}`, () => {
      it.each(Object.entries(histories))('%s', (_name, history) => {
        expect(checkLinearizable(model, history).verdict).toBe(verdict);
        expect(checkLinearizable(model, history.toReversed()).verdict).toBe(verdict);
        if (model.partition === undefined || new Set(history.map(({ input }) => model.partition?.(input))).size < 2) {
          expect(isLinearizable(model, history)).toBe(verdict === 'linearizable');
        }
      });
    });
  }
}

known('registers', registerModel<number>(), goodRegisters, badRegisters);
known('lists', appendListModel<number>(), goodLists, badLists);
known('a ticket machine', ticketModel(), goodTickets, badTickets);

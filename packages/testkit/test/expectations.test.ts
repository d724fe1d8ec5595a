import { ClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';

import { expectEqual, ExpectationError, expectRejection, expectThrow, show } from '../src/expectations.ts';

const equal: readonly (readonly [unknown, unknown])[] = [
  [Number.NaN, Number.NaN],
  [
    { a: 1, b: { c: [1, 2] } },
    { b: { c: [1, 2] }, a: 1 },
  ],
  [{ a: 1, b: undefined }, { a: 1 }],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  [new Map([['a', { b: 1 }]]), new Map([['a', { b: 1 }]])],
  [new Set([1]), new Set([1])],
  [7n, 7n],
];

const different: readonly (readonly [unknown, unknown])[] = [
  [1, '1'],
  [0, -0],
  [{ a: 1 }, { a: 2 }],
  [{ a: 1 }, { b: 1 }],
  [{ a: undefined, b: 1 }, { a: 1 }],
  [[1, 2], [1]],
  [[1], { 0: 1 }],
  [new Uint8Array([1]), [1]],
  [new Uint8Array([1]), new Uint8Array([1, 2])],
  [new Map([['a', 1]]), new Map([['a', 2]])],
  [new Set([1]), new Map([[1, 1]])],
  [null, {}],
  [undefined, null],
];

describe('expectEqual', () => {
  for (const [a, b] of equal) {
    it(`takes ${show(a)} for ${show(b)}`, () => {
      expectEqual(a, b, 'it');
      expectEqual(b, a, 'it');
    });
  }
  for (const [a, b] of different) {
    it(`tells ${show(a)} from ${show(b)}`, () => {
      expect(() => expectEqual(a, b, 'it')).toThrow(ExpectationError);
      expect(() => expectEqual(b, a, 'it')).toThrow(ExpectationError);
    });
  }
  it('says what was expected and what came', () => {
    expect(() => expectEqual(['a'], ['b'], 'the nodes')).toThrow('the nodes: expected ["b"], got ["a"]');
  });
});

describe('expectRejection', () => {
  const closed = new ClusterError('CLOSED', 'it is closed');
  it('returns the error with the code', async () => {
    expect(await expectRejection(() => Promise.reject(closed), 'CLOSED', 'read')).toBe(closed);
    expect(await expectRejection(() => Promise.reject(closed), ['IO', 'CLOSED'], 'read')).toBe(closed);
  });
  it('does not take another code, another error, success or a throw', async () => {
    const wrong = [
      () => Promise.reject(new ClusterError('IO', 'the disk is full')),
      () => Promise.reject(new Error('CLOSED')),
      () => Promise.resolve(7),
      () => {
        throw closed;
      },
    ];
    for (const call of wrong) await expect(expectRejection(call, 'CLOSED', 'read')).rejects.toThrow(ExpectationError);
  });
});

describe('expectThrow', () => {
  it('returns the error, and takes nothing else for it', () => {
    const refused = new ClusterError('INVALID_OPTIONS', 'no');
    const refuse = () => {
      throw refused;
    };
    expect(expectThrow(refuse, 'INVALID_OPTIONS', 'the factory')).toBe(refused);
    expect(() => expectThrow(refuse, 'IO', 'the factory')).toThrow('expected a ClusterError with code IO');
    expect(() => expectThrow(() => Promise.reject(refused).catch(() => 1), 'IO', 'the factory')).toThrow('to throw IO');
  });
});

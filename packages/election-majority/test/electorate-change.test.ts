import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextElectorate, recordFor } from '../src/electorate-change.ts';
import { firstTerm, isPlausibleTerm, MAX_GENERATION } from '../src/term-range.ts';

const electorate = (generation: number, ...voters: string[]) => ({ generation, voters });

describe('the electorate to go on with', () => {
  it('is the configured one where none was stored', () => {
    expect(nextElectorate(undefined, electorate(7, 'a', 'b'))).toEqual(electorate(7, 'a', 'b'));
  });

  it.each([
    ['the same', electorate(2, 'a', 'b')],
    ['one voter more', electorate(3, 'a', 'b', 'c')],
    ['one voter fewer', electorate(3, 'a')],
    ['the next generation of the same voters', electorate(3, 'a', 'b')],
  ])('may be %s', (_, configured) => {
    expect(nextElectorate(electorate(2, 'a', 'b'), configured)).toEqual(configured);
  });

  it.each([
    ['other voters in one generation', electorate(2, 'a', 'c')],
    ['another voter in place of one', electorate(3, 'a', 'c')],
    ['two voters more', electorate(3, 'a', 'b', 'c', 'd')],
    ['a generation that skips one', electorate(4, 'a', 'b')],
    ['an earlier generation', electorate(1, 'a', 'b')],
  ])('may not be %s', (_, configured) => {
    expect(() => nextElectorate(electorate(2, 'a', 'b'), configured)).toThrow(
      expect.objectContaining({ code: 'ELECTORATE_MISMATCH' }),
    );
  });
});

describe('terms', () => {
  it('go on within a generation, with the vote', () => {
    const stored = { term: 5, votedFor: 'a', electorate: electorate(1, 'a', 'b'), promiseMs: 150 };
    expect(recordFor(stored, electorate(1, 'a', 'b'), 150)).toEqual(stored);
    const second = { ...stored, term: firstTerm(2) + 5, electorate: electorate(2, 'a') };
    expect(recordFor(second, electorate(2, 'a'), 150)).toEqual(second);
  });

  it('of a generation are all after those of the one before, and the vote belongs to its term', () => {
    const stored = { term: 5, votedFor: 'a', electorate: electorate(1, 'a', 'b'), promiseMs: 150 };
    const next = electorate(2, 'a', 'b', 'c');
    expect(recordFor(stored, next, 150)).toEqual({
      term: firstTerm(2),
      votedFor: undefined,
      electorate: next,
      promiseMs: 150,
    });
    expect(recordFor(undefined, next, 150).term).toBe(firstTerm(2));
  });

  it('stay safe integers to the last generation, and no message takes them beyond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_GENERATION }), fc.nat({ max: 2 ** 37 }), (generation, ahead) => {
        const first = firstTerm(generation);
        if (isPlausibleTerm(generation, first, first + ahead)) expect(ahead).toBeLessThan(firstTerm(2));
      }),
    );
    expect(firstTerm(MAX_GENERATION + 1) - 1).toBe(Number.MAX_SAFE_INTEGER);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeValue, NOTHING } from '../src/gossip-value.ts';
import { MAX_LEAP, MAX_MERGED_SETTINGS, MAX_NUMBER, MAX_STATE_KEYS, SEEN_WINDOW } from '../src/limits.ts';
import type { SettingNews, StateNews } from '../src/news.ts';
import { SeenWindow } from '../src/seen-window.ts';
import { SettingTable } from '../src/setting-table.ts';
import { StateTable } from '../src/state-table.ts';
import { settingNews, stateNews } from './arbitraries.ts';

const one = encodeValue('test', 'value', 1);
const two = encodeValue('test', 'value', 2);

function statesOf(news: readonly StateNews[]): unknown {
  const table = new StateTable();
  for (const each of news) table.merge(each);
  return allOf(table);
}

function allOf(table: StateTable): unknown {
  return [...table.nodes].sort().map((id) =>
    table
      .newsOf(id)
      .map((each) => JSON.stringify(each))
      .sort(),
  );
}

function settingsOf(news: readonly SettingNews[]): unknown {
  const table = new SettingTable(1_000);
  for (const each of news) table.merge(each, 0);
  return [[...table.entries()].map((each) => JSON.stringify(each)).sort(), table.time];
}

/** What was told, and the same in another order with some of it told again. */
function shuffled<T>(each: fc.Arbitrary<T>): fc.Arbitrary<readonly [T[], T[]]> {
  return fc
    .array(each, { maxLength: 12 })
    .chain((told) =>
      fc.tuple(
        fc.constant(told),
        fc.shuffledSubarray(told, { minLength: told.length }),
        fc.array(fc.nat({ max: Math.max(0, told.length - 1) }), { maxLength: 6 }),
      ),
    )
    .map(([told, order, again]) => [told, [...order, ...again.flatMap((at) => told.slice(at, at + 1))]] as const);
}

describe('what nodes tell of themselves', () => {
  it('is the same in whatever order it comes, and however often', () => {
    fc.assert(
      fc.property(shuffled(stateNews), ([told, again]) => {
        expect(statesOf(again)).toEqual(statesOf(told));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the same when groups of it are merged first', () => {
    const group = fc.array(stateNews, { maxLength: 8 });
    fc.assert(
      fc.property(group, group, group, (a, b, c) => {
        const merge = (...groups: readonly (readonly StateNews[])[]) => {
          const table = new StateTable();
          for (const each of groups.flat()) table.merge(each);
          return [...table.nodes].flatMap((id) => table.newsOf(id));
        };
        expect(statesOf(merge(merge(a, b), c))).toEqual(statesOf(merge(a, merge(b, c))));
      }),
      { numRuns: 500 },
    );
  });

  it('says what it will do, and does only that', () => {
    fc.assert(
      fc.property(fc.array(stateNews, { maxLength: 12 }), stateNews, (told, next) => {
        const table = new StateTable();
        for (const each of told) table.merge(each);
        const before = allOf(table);
        const effect = table.judge(next);
        expect(table.merge(next)).toBe(effect);
        if (effect === 'known' || effect === 'refused') expect(allOf(table)).toEqual(before);
        expect(table.judge(next)).toBe('known');
      }),
      { numRuns: 500 },
    );
  });

  it('has no more keys than it may', () => {
    const table = new StateTable();
    const news = (key: string, run = 1): StateNews => ({
      type: 'state',
      nodeId: 'a',
      run,
      counter: 1,
      key,
      value: one,
    });
    for (let at = 0; at < MAX_STATE_KEYS; at += 1) expect(table.merge(news(`k${at}`))).not.toBe('refused');
    expect(table.merge(news('one more'))).toBe('refused');
    expect(table.merge(news('one more', 2))).toBe('newRun');
    expect([...table.valuesOf('a').keys()]).toEqual(['one more']);
  });
});

describe('the configuration', () => {
  it('is the same in whatever order it comes, and however often', () => {
    fc.assert(
      fc.property(shuffled(settingNews), ([told, again]) => {
        expect(settingsOf(again)).toEqual(settingsOf(told));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the same when groups of it are merged first', () => {
    const group = fc.array(settingNews, { maxLength: 8 });
    fc.assert(
      fc.property(group, group, group, (a, b, c) => {
        const merge = (...groups: readonly (readonly SettingNews[])[]) => {
          const table = new SettingTable(1_000);
          for (const each of groups.flat()) table.merge(each, 0);
          return [...table.entries()].flatMap(([key]) => table.newsOf(key, 0) ?? []);
        };
        expect(settingsOf(merge(merge(a, b), c))).toEqual(settingsOf(merge(a, merge(b, c))));
      }),
      { numRuns: 500 },
    );
  });

  const news = (key: string, time: number, value: Uint8Array, ageMs = 0): SettingNews => {
    return { type: 'setting', key, time, writer: 'a', value, ageMs };
  };

  it('forgets a removal when all have counted long enough, and takes none that is older', () => {
    const table = new SettingTable(1_000);
    table.merge(news('k', 1, one), 0);
    table.merge(news('k', 2, new Uint8Array(), 400), 100);
    expect(table.newsOf('k', 100)?.ageMs).toBe(400);
    expect(table.merge(news('k', 1, one), 100)).toBe('known');
    // Another has known of it for longer.
    table.merge(news('k', 2, new Uint8Array(), 600), 100);
    table.reap(499);
    expect(table.newsOf('k', 499)?.ageMs).toBe(999);
    table.reap(500);
    expect(table.size).toBe(0);
    expect(table.merge(news('k', 2, new Uint8Array(), 1_000), 500)).toBe('known');
    expect(table.size).toBe(0);
    expect(table.time).toBe(2);
  });

  it('has no more keys than it may; what was removed makes way', () => {
    const table = new SettingTable(1_000);
    table.merge(news('removed', 1, new Uint8Array()), 0);
    for (let at = 1; at < MAX_MERGED_SETTINGS; at += 1) expect(table.merge(news(`k${at}`, 1, one), 0)).toBe('news');
    expect(table.merge(news('one more', 1, one), 0)).toBe('news');
    expect(table.get('removed')).toBeUndefined();
    expect(table.merge(news('too many', 1, one), 0)).toBe('refused');
    expect(table.merge(news('k1', 2, two), 0)).toBe('news');
  });
});

describe('what was heard before', () => {
  const mark = (sequence: number) => ({ origin: 'a', session: 1, sequence });

  it('is told once, whatever comes in whatever order', () => {
    const told = fc.array(fc.record({ sequence: fc.nat({ max: 30 }), time: fc.integer({ min: 1, max: 1_500 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(told, (marks) => {
        const seen = new SeenWindow();
        const admitted = new Set<string>();
        let latest = 0;
        for (const { sequence, time } of marks) {
          latest = Math.max(latest, time);
          const isFirst = seen.admit(mark(sequence), time);
          const name = `${sequence} ${time}`;
          expect(isFirst).toBe(time > latest - SEEN_WINDOW && !admitted.has(name));
          if (isFirst) admitted.add(name);
        }
        expect(seen.time).toBe(latest);
      }),
    );
  });

  it('has bounds when very many are told at one time', () => {
    const seen = new SeenWindow();
    let admitted = 0;
    for (let sequence = 0; sequence < 10_000; sequence += 1) if (seen.admit(mark(sequence), 5)) admitted += 1;
    expect(admitted).toBeLessThan(5_000);
    expect(seen.admit(mark(1), 6)).toBe(true);
    expect(seen.admit(mark(1), 6)).toBe(false);
  });

  it('of who comes later is what was told until then', () => {
    const seen = new SeenWindow();
    seen.ignoreUntil(40);
    expect(seen.admit(mark(1), 40)).toBe(false);
    expect(seen.admit(mark(1), 41)).toBe(true);
    expect(seen.time).toBe(41);
  });

  it('is not led to the end of its clock by one who lies', () => {
    const seen = new SeenWindow();
    for (const told of [MAX_NUMBER, MAX_LEAP + 1]) {
      expect(seen.admit(mark(1), told)).toBe(false);
      seen.witness(told);
      seen.ignoreUntil(told);
    }
    expect([seen.time, seen.admit(mark(1), 1), seen.admit(mark(2), MAX_LEAP)]).toEqual([0, true, true]);
    const table = new SettingTable(1_000);
    const news = { type: 'setting', key: 'k', writer: 'z', value: NOTHING, ageMs: 0 } as const;
    expect([table.merge({ ...news, time: MAX_NUMBER }, 0), table.merge({ ...news, time: 1 }, 0)]).toEqual([
      'known',
      'news',
    ]);
    table.witness(MAX_NUMBER);
    expect(table.time).toBe(1);
  });
});

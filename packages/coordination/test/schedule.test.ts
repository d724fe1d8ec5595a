import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueSlots, type DuePolicy } from '../src/slots/due-slots.ts';
import { scheduleOf } from '../src/slots/schedule.ts';

const at = (text: string): number => Date.parse(text);
const iso = (times: readonly number[]): readonly string[] => times.map((time) => new Date(time).toISOString());

describe('a schedule', () => {
  it('by an interval has its slots at the multiples since 1970, for every node alike', () => {
    const schedule = scheduleOf({ everyMs: 60_000, offsetMs: 5000 });
    expect(iso([schedule.next(at('2026-01-01T10:00:05Z')) as number])).toEqual(['2026-01-01T10:01:05.000Z']);
    expect(iso([schedule.next(at('2026-01-01T10:00:04.999Z')) as number])).toEqual(['2026-01-01T10:00:05.000Z']);
    expect(iso(schedule.latest(at('2026-01-01T10:00:05Z'), 2))).toEqual([
      '2026-01-01T09:59:05.000Z',
      '2026-01-01T10:00:05.000Z',
    ]);
  });

  it('by cron counts the very moment of a slot as reached', () => {
    const schedule = scheduleOf({ cron: '*/5 * * * * *' });
    expect(iso(schedule.latest(at('2026-01-01T10:00:05.000Z'), 2))).toEqual([
      '2026-01-01T10:00:00.000Z',
      '2026-01-01T10:00:05.000Z',
    ]);
    expect(iso(schedule.latest(at('2026-01-01T10:00:04.999Z'), 1))).toEqual(['2026-01-01T10:00:00.000Z']);
    expect(iso([schedule.next(at('2026-01-01T10:00:05.000Z')) as number])).toEqual(['2026-01-01T10:00:10.000Z']);
    expect(iso([schedule.next(at('2026-01-01T10:00:04.999Z')) as number])).toEqual(['2026-01-01T10:00:05.000Z']);
  });

  it('by cron goes by its time zone, through both changes of its clocks', () => {
    const nightly = scheduleOf({ cron: '30 2 * * *', timeZone: 'Europe/Prague' });
    const slots = (from: string, count: number): readonly string[] => {
      const times = [at(from)];
      for (let index = 0; index < count; index += 1) times.push(nightly.next(times.at(-1) as number) as number);
      return iso(times.slice(1));
    };
    expect(slots('2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
    expect(slots('2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  });

  it('has the same slots forwards and backwards', () => {
    const schedules = [
      scheduleOf({ everyMs: 7000, offsetMs: 123 }),
      scheduleOf({ cron: '0 */3 * * *', timeZone: 'America/New_York' }),
      scheduleOf({ cron: '15 30 1 * * 0', timeZone: 'Europe/Prague' }),
    ];
    const times = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') });
    fc.assert(
      fc.property(fc.constantFrom(...schedules), times, (schedule, time) => {
        const [before = 0, last = 0] = schedule.latest(time, 2);
        const next = schedule.next(time) as number;
        expect(last).toBeLessThanOrEqual(time);
        expect(next).toBeGreaterThan(time);
        expect(schedule.next(before)).toBe(last);
        expect(schedule.next(last)).toBe(next);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    { everyMs: 1 },
    { everyMs: 1000.5 },
    { cron: 'now and then' },
    { cron: '0 0 30 2 *' },
    { cron: '* * * * *', timeZone: 'Mars/Olympus' },
    { cron: '* * * * *', everyMs: 1000 },
    {},
  ])('refuses what is none: %j', (options) => {
    expect(() => scheduleOf(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

describe('what is due', () => {
  const schedule = scheduleOf({ everyMs: 1000 });
  const policy = (change: Partial<DuePolicy>): DuePolicy => ({
    catchUp: 'last',
    maxCatchUp: 3,
    lateMs: 100,
    ...change,
  });

  it('is nothing before the next slot', () => {
    expect(dueSlots(schedule, 5000, 5999, policy({}))).toEqual({ slot: undefined, skipped: undefined, next: 6000 });
    expect(dueSlots(schedule, 9000, 5000, policy({})).next).toBe(10_000);
  });

  it('is the next slot when it has come', () => {
    expect(dueSlots(schedule, 5000, 6000, policy({}))).toEqual({ slot: 6000, skipped: undefined, next: undefined });
  });

  it('is, of several, the last, a number of them, or none that is late', () => {
    const skipped = (from: number, to: number): object => ({ from, to });
    expect(dueSlots(schedule, 5000, 15_050, policy({}))).toMatchObject({
      slot: 15_000,
      skipped: skipped(6000, 14_000),
    });
    expect(dueSlots(schedule, 5000, 15_050, policy({ catchUp: 'all' }))).toMatchObject({
      slot: 13_000,
      skipped: skipped(6000, 12_000),
    });
    expect(dueSlots(schedule, 5000, 7050, policy({ catchUp: 'all' }))).toMatchObject({
      slot: 6000,
      skipped: undefined,
    });
    expect(dueSlots(schedule, 5000, 15_050, policy({ catchUp: 'none' }))).toMatchObject({
      slot: 15_000,
      skipped: skipped(6000, 14_000),
    });
    expect(dueSlots(schedule, 5000, 15_200, policy({ catchUp: 'none' }))).toMatchObject({
      slot: undefined,
      skipped: skipped(6000, 15_000),
    });
  });

  it('is each slot once, in order, whenever it is looked at', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.constantFrom('none', 'last', 'all'), (jumps, catchUp) => {
        let [now, cursor] = [10_000, 10_000];
        const seen: number[] = [];
        for (const jump of jumps) {
          now += jump;
          for (;;) {
            const { slot, skipped } = dueSlots(schedule, cursor, now, policy({ catchUp }));
            if (skipped !== undefined) for (let at = skipped.from; at <= skipped.to; at += 1000) seen.push(at);
            if (slot !== undefined) seen.push(slot);
            if (slot === undefined && skipped === undefined) break;
            cursor = slot ?? skipped?.to ?? cursor;
          }
        }
        const all = Array.from({ length: seen.length }, (_, index) => 11_000 + index * 1000);
        expect(seen).toEqual(all);
        expect(now - cursor).toBeLessThan(1000);
      }),
    );
  });
});

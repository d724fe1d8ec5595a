import { describe, expect, it } from 'vitest';
import type { CommittedEntry } from '../../src/commands/entry-run.ts';
import { ReplicatedMachine } from '../../src/commands/replicated-machine.ts';
import { MAX_REMEMBERED_BYTES } from '../../src/commands/session.ts';
import {
  MAX_ALL_REMEMBERED_BYTES,
  MAX_SESSIONS,
  MAX_UNSETTLED,
  SessionTable,
} from '../../src/commands/session-table.ts';
import { entryOf, inSession, shownAll } from './entries.ts';
import { inPieces, joined, Ledger } from './ledger.ts';

function ledger(padding = 0): ReplicatedMachine<string, string, 'lines' | 'count', string> {
  return new ReplicatedMachine(() => new Ledger({ padding }));
}

const opened = entryOf(1, [{ kind: 'open-session', ttlMs: 1000 }]);

describe('what sessions remember is bounded', () => {
  it('by commands of one session', () => {
    const machine = ledger();
    const commands = Array.from({ length: MAX_UNSETTLED + 2 }, (_, at) => inSession(1, at + 1, 'a'));
    const [, outcomes] = shownAll(machine.apply([opened, entryOf(2, commands)]));
    expect(outcomes?.slice(-3)).toEqual([`${MAX_UNSETTLED}:a`, 'OVERLOADED', 'OVERLOADED']);
    // A retry of one that was let through is answered all the same, and settling makes room.
    const again = entryOf(3, [inSession(1, 5, 'a'), inSession(1, MAX_UNSETTLED + 1, 'a', 2)]);
    expect(shownAll(machine.apply([again]))).toEqual([['5:a', `${MAX_UNSETTLED + 1}:a`]]);
  });

  it('by sessions, of which those that have expired make room', () => {
    const machine = ledger();
    const open = Array.from({ length: MAX_SESSIONS }, () => ({ kind: 'open-session' as const, ttlMs: 1000 }));
    const [outcomes] = shownAll(machine.apply([entryOf(1, open, 500)]));
    expect(outcomes?.at(-1)).toBe(`session ${MAX_SESSIONS}`);
    const [more] = open.slice(0, 1);
    expect(shownAll(machine.apply([entryOf(2, [...open.slice(0, 1), inSession(7, 1, 'a')], 1500)]))).toEqual([
      ['OVERLOADED', '1:a'],
    ]);
    const late = entryOf(3, more === undefined ? [] : [more, inSession(8, 1, 'a'), inSession(7, 2, 'b')], 1501);
    expect(shownAll(machine.apply([late]))).toEqual([[`session ${MAX_SESSIONS + 1}`, 'SESSION_EXPIRED', '2:b']]);
  });

  it('by bytes of all results, the same in slices of any size', async () => {
    const padding = 60_000;
    const entries: CommittedEntry[] = [
      entryOf(
        1,
        [opened, opened].map(() => ({ kind: 'open-session', ttlMs: 1000 })),
      ),
    ];
    for (let at = 2; at <= 80; at += 1) {
      const commands = Array.from({ length: 10 }, (_, each) => inSession(1 + (at % 2), at * 10 + each, 'a'));
      entries.push(entryOf(at, commands, at === 75 ? 2000 : 0));
    }
    const [whole, single] = [ledger(padding), ledger(padding)];
    const expected = shownAll(whole.apply(entries));
    const refused = expected.flat().filter((each) => each === 'OVERLOADED').length;
    expect(refused).toBeGreaterThan(150);
    expect(expected.at(-1)?.[0]).toBe('SESSION_EXPIRED');
    expect(Number(whole.query('count')) * padding).toBeGreaterThan(MAX_ALL_REMEMBERED_BYTES - padding);
    const outcomes = entries.map((entry) => shownAll(single.apply([entry], { oneByOne: true })).flat());
    expect(outcomes).toEqual(expected);
    expect(await joined(single.capture().chunks({}))).toEqual(await joined(whole.capture().chunks({})));
  });

  it('by bytes of results that are still of use: not of what is settled, closed or expired', () => {
    const machine = ledger(60_000);
    const open = { kind: 'open-session' as const, ttlMs: 100 };
    const results = (id: number, count: number) =>
      Array.from({ length: count }, (_, at) => inSession(id, at + 1, 'a', id === 1 ? at + 1 : 0));
    const outcomes: string[] = [];
    // Each settles the one before; that one is in the same call of the machine, and then in an earlier one.
    outcomes.push(...shownAll(machine.apply([entryOf(1, [open, ...results(1, 700)])])).flat());
    for (let at = 701; at <= 1400; at += 1) {
      outcomes.push(...shownAll(machine.apply([entryOf(at, [inSession(1, at, 'a', at)])])).flat());
    }
    // Closed with its results known, and not known yet.
    for (let id = 2; id <= 8; id += 1) {
      const close = { kind: 'close-session' as const, sessionId: id };
      const entries = [entryOf(1400 + 2 * id, [open, ...results(id, 300)]), entryOf(1401 + 2 * id, [close])];
      if (id % 2 === 0) outcomes.push(...shownAll(machine.apply(entries)).flat());
      else for (const entry of entries) outcomes.push(...shownAll(machine.apply([entry])).flat());
    }
    // Expired so short a time ago that nobody has cleared it away.
    for (let id = 9; id <= 12; id += 1) {
      const entry = entryOf(2000 + id, [open, ...results(id, 300)], id * 150);
      outcomes.push(...shownAll(machine.apply([entry])).flat());
    }
    expect(outcomes.filter((outcome) => outcome === 'OVERLOADED')).toEqual([]);
  });

  it('and its largest state fits into a snapshot', async () => {
    const machine = ledger(60_000);
    const entries = [opened];
    for (let at = 2; at <= 70; at += 1) {
      entries.push(
        entryOf(
          at,
          Array.from({ length: 10 }, (_, each) => inSession(1, at * 10 + each, 'a')),
        ),
      );
    }
    expect(shownAll(machine.apply(entries)).flat().at(-1)).toBe('OVERLOADED');
    const content = await joined(machine.capture().chunks({}));
    expect(content.length).toBeGreaterThan(MAX_ALL_REMEMBERED_BYTES - 2 * 60_000);
    const other = ledger(60_000);
    await other.restore(inPieces([content], [100_000]));
    const retry = entryOf(99, [inSession(1, 25, 'a'), inSession(1, 9999, 'a')]);
    expect(shownAll(other.apply([retry]))).toEqual(shownAll(machine.apply([retry])));
  });

  it('by bytes of one result: a larger one is told once, and a retry knows that it is lost', () => {
    const machine = ledger(MAX_REMEMBERED_BYTES + 1);
    const twice = entryOf(2, [inSession(1, 1, 'a'), inSession(1, 1, 'a')]);
    const [, outcomes] = shownAll(machine.apply([opened, twice]));
    expect(outcomes?.[0]?.length).toBe(MAX_REMEMBERED_BYTES + 1);
    expect(outcomes?.[1]).toBe('NOT_FOUND');
    expect(shownAll(machine.apply([entryOf(3, [inSession(1, 1, 'a')])]))).toEqual([['NOT_FOUND']]);
    expect(machine.query('count')).toBe('1');
  });
});

describe('the session table', () => {
  it('lets sessions live for as long as was asked, to the millisecond', () => {
    const table = new SessionTable();
    table.advance(100);
    expect(table.open(50)).toBe(1);
    table.advance(150);
    expect(table.keep(1)).toBeUndefined();
    table.advance(200);
    expect(table.keep(1)).toBeUndefined();
    table.advance(251);
    expect(table.keep(1)?.code).toBe('SESSION_EXPIRED');
    expect(table.open(50)).toBe(2);
  });

  it('clears away what has expired, without being asked for it', () => {
    const table = new SessionTable();
    table.advance(0);
    for (let each = 0; each < 10; each += 1) table.open(100 * (each + 1));
    const sessions = table.sessions();
    table.advance(5000);
    expect(sessions.map(({ isOpen }) => isOpen)).toEqual(sessions.map(() => false));
    expect(table.sessions()).toEqual([]);
  });

  it('forgets what is settled however far that jumps, and never goes back', () => {
    const table = new SessionTable();
    table.advance(0);
    table.open(100);
    const admit = (sequence: number, settled: number) => table.admit({ sessionId: 1, sequence, settled });
    for (const sequence of [4, 2, 9]) {
      const admission = admit(sequence, 0);
      if (admission.kind === 'apply') table.remember(admission.admitted, Uint8Array.of(sequence));
    }
    expect(admit(4, 3).kind).toBe('duplicate');
    expect(admit(2, 0).kind).toBe('refused');
    expect(admit(2 ** 50, 2 ** 50).kind).toBe('apply');
    const refusal = admit(9, 0);
    expect(refusal.kind === 'refused' && refusal.error).toMatchObject({ code: 'NOT_FOUND', outcome: 'unknown' });
    expect(table.sessions()[0]?.admitted.size).toBe(1);
  });
});

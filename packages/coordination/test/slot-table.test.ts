import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coordinationCodec } from '../src/replicated/coordination-codec.ts';
import { coordinationMachine } from '../src/index.ts';
import { RequestTable } from '../src/replicated/request-table.ts';
import { MAX_TASKS, type SlotCommand, SlotTable } from '../src/slots/slot-table.ts';

const open = (token: bigint, from = 0): SlotCommand => ({ do: 'open', task: 't', token: String(token), from });
const claim = (token: bigint, after: number, slot: number): SlotCommand => ({
  do: 'claim',
  task: 't',
  token: String(token),
  after,
  slot,
});
const settle = (token: bigint, slot: number): SlotCommand => ({
  do: 'settle',
  task: 't',
  token: String(token),
  slot,
  outcome: 'completed',
});
const reclaim = (token: bigint, slot: number, starts: number): SlotCommand => ({
  do: 'reclaim',
  task: 't',
  token: String(token),
  slot,
  starts,
});

describe('the table of slots', () => {
  it('gives a slot to one claim, and that one again when it is repeated', () => {
    const table = new SlotTable();
    expect(table.apply(open(1n, 100))).toMatchObject({ record: { last: 100, outcome: 'skipped' } });
    expect(table.apply(claim(1n, 100, 110))).toEqual({ kind: 'claimed' });
    expect(table.apply(claim(1n, 100, 110))).toEqual({ kind: 'claimed' });
    expect(table.apply(claim(1n, 100, 120))).toEqual({ kind: 'taken' });
    table.apply(settle(1n, 110));
    expect(table.apply(claim(1n, 100, 110))).toEqual({ kind: 'claimed' });
    expect(table.get('t')).toMatchObject({ last: 110, outcome: 'completed', starts: 1 });
  });

  it('refuses whoever has a lower token than one that opened it', () => {
    const table = new SlotTable();
    table.apply(open(1n));
    table.apply(claim(1n, 0, 10));
    expect(table.apply(open(2n, 5000))).toMatchObject({ record: { last: 10, outcome: undefined, starts: 1 } });
    for (const late of [open(1n), claim(1n, 10, 20), settle(1n, 10), reclaim(1n, 10, 1)]) {
      expect(table.apply(late)).toEqual({ kind: 'stale', token: '2' });
    }
    expect(table.get('t')).toMatchObject({ last: 10, outcome: undefined });
  });

  it('counts how often a slot was begun', () => {
    const table = new SlotTable();
    table.apply(open(1n));
    table.apply(claim(1n, 0, 10));
    table.apply(open(2n));
    expect(table.apply(reclaim(2n, 10, 1))).toEqual({ kind: 'claimed' });
    expect(table.apply(reclaim(2n, 10, 1))).toEqual({ kind: 'claimed' });
    expect(table.get('t')).toMatchObject({ starts: 2 });
    expect(table.apply(reclaim(2n, 10, 3))).toEqual({ kind: 'taken' });
    table.apply(settle(2n, 10));
    expect(table.apply(reclaim(2n, 10, 2))).toEqual({ kind: 'taken' });
  });

  it('begins anew when a task was forgotten', () => {
    const table = new SlotTable();
    table.apply(open(1n));
    table.apply({ do: 'forget', task: 't' });
    expect(table.apply(claim(1n, 0, 10))).toEqual({ kind: 'taken' });
    expect(table.apply(open(1n, 70))).toMatchObject({ record: { last: 70 } });
  });

  it('has a bound', () => {
    const table = new SlotTable();
    const each = (index: number): SlotCommand => ({ do: 'open', task: `t${index}`, token: '1', from: 0 });
    for (let index = 0; index < MAX_TASKS; index += 1) table.apply(each(index));
    expect(table.apply(each(MAX_TASKS))).toEqual({ kind: 'full' });
    expect(table.apply(each(7))).toMatchObject({ kind: 'record' });
  });

  it('never gives one slot to two claims, nor an earlier one, whatever comes', () => {
    const token = fc.bigInt({ min: 1n, max: 4n });
    const slot = fc.integer({ min: 1, max: 6 });
    const command = fc.oneof(
      token.map((each) => open(each)),
      fc.tuple(token, fc.integer({ min: 0, max: 6 }), slot).map((given) => claim(...given)),
      fc.tuple(token, slot).map((given) => settle(...given)),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const table = new SlotTable();
        const owners = new Map<number, string>();
        let highest = 0;
        for (const each of commands) {
          const { kind } = table.apply(each);
          if (each.do !== 'claim' || kind !== 'claimed') continue;
          expect(owners.get(each.slot) ?? each.token).toBe(each.token);
          if (!owners.has(each.slot)) expect(each.slot).toBeGreaterThan(highest);
          owners.set(each.slot, each.token);
          highest = Math.max(highest, each.slot);
        }
      }),
    );
  });
});

describe('the table of requests', () => {
  const begin = (id: string, token = '1') => ({ do: 'begin', id, token }) as const;
  const answer = (id: string, text: string, token = '1') => ({ do: 'answer', id, token, answer: text }) as const;

  it('has each begun once, and remembers its answer', () => {
    const table = new RequestTable();
    expect(table.apply(begin('x'), 0)).toEqual({ kind: 'begun' });
    expect(table.apply(begin('x', '2'), 1)).toEqual({ kind: 'under-way', token: '1' });
    table.apply(answer('x', 'stale', '2'), 2);
    table.apply(answer('x', 'yes'), 2);
    table.apply(answer('x', 'no'), 3);
    expect(table.apply(begin('x', '2'), 4)).toEqual({ kind: 'answered', answer: 'yes' });
  });

  it('has what was withdrawn begun again, unless another has begun it or it was answered', () => {
    const table = new RequestTable();
    const withdraw = (token: string) => ({ do: 'withdraw', id: 'x', token }) as const;
    table.apply(begin('x'), 0);
    expect(table.apply(withdraw('2'), 1)).toEqual({ kind: 'withdrawn' });
    expect(table.apply(begin('x', '2'), 2)).toEqual({ kind: 'under-way', token: '1' });
    table.apply(withdraw('1'), 3);
    expect(table.apply(begin('x', '2'), 4)).toEqual({ kind: 'begun' });
    table.apply(answer('x', 'yes', '2'), 5);
    table.apply(withdraw('2'), 6);
    expect(table.apply(begin('x', '3'), 7)).toEqual({ kind: 'answered', answer: 'yes' });
  });

  it('forgets what is old, and what is too much', () => {
    const table = new RequestTable();
    table.apply(begin('old'), 0);
    expect(table.apply(begin('new'), 11 * 60_000)).toEqual({ kind: 'begun' });
    expect(table.apply(begin('old'), 11 * 60_000)).toEqual({ kind: 'begun' });
    for (let index = 0; index < 600; index += 1) {
      table.apply(begin(`b${index}`), 11 * 60_000);
      table.apply(answer(`b${index}`, 'x'.repeat(65_536)), 11 * 60_000);
    }
    expect(table.entries().length).toBeLessThanOrEqual(512);
    expect(table.apply(begin('b599'), 11 * 60_000)).toMatchObject({ kind: 'answered' });
  });
});

describe('the coordination machine', () => {
  const run = (machine: ReturnType<typeof coordinationMachine>, commands: readonly unknown[]): readonly unknown[] =>
    machine.apply(
      commands.map((command, index) => {
        const bytes = new TextEncoder().encode(JSON.stringify(command));
        return { index, term: 1, time: index, command: machine.codec.command.decode(bytes) };
      }),
    );

  it('comes back from a snapshot as it was', async () => {
    const machine = coordinationMachine();
    run(machine, [open(3n, 5), claim(3n, 5, 10), { do: 'begin', id: 'r', token: '3' }]);
    run(machine, [{ do: 'answer', id: 'r', token: '3', answer: 'eWVz' }]);
    const restored = coordinationMachine();
    await restored.restore(machine.capture().chunks({}), { version: 1 });
    expect(restored.query('t')).toEqual({ last: 10, outcome: undefined, starts: 1 });
    expect(run(restored, [claim(2n, 10, 20), { do: 'begin', id: 'r', token: '4' }])).toEqual([
      { kind: 'stale', token: '3' },
      { kind: 'answered', answer: 'eWVz' },
    ]);
    const { answer } = machine.codec;
    expect(answer.decode(answer.encode(machine.query('nobody')))).toBeUndefined();
  });

  it('keeps its state when a snapshot is none', async () => {
    const machine = coordinationMachine();
    run(machine, [open(3n, 5)]);
    for (const text of [
      '',
      '7',
      '{"slots":[["t",{}]],"requests":[]}',
      '{"slots":[],"requests":[["r",{"token":"x"}]]}',
    ]) {
      const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
        yield new TextEncoder().encode(text);
      };
      await expect(machine.restore(chunks(), { version: 1 })).rejects.toMatchObject({ code: 'CORRUPT' });
    }
    await expect(machine.restore(machine.capture().chunks({}), { version: 2 })).rejects.toMatchObject({
      code: 'CORRUPT',
    });
    expect(machine.query('t')).toMatchObject({ last: 5 });
  });

  it('takes any bytes for a command, and does nothing for what is none', () => {
    const machine = coordinationMachine();
    run(machine, [open(3n, 5)]);
    const field = fc.oneof(fc.string(), fc.integer(), fc.constant('open'), fc.constant('claim'), fc.constant(null));
    const odd = fc.dictionary(fc.constantFrom('do', 'task', 'token', 'slot', 'after', 'from', 'id', 'answer'), field);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), odd), (given) => {
        const bytes = given instanceof Uint8Array ? given : new TextEncoder().encode(JSON.stringify(given));
        const command = coordinationCodec.command.decode(bytes);
        expect(machine.apply([{ index: 1, term: 1, time: 1, command }])).toHaveLength(1);
      }),
    );
    expect(run(machine, [{ do: 'claim', task: 't' }, 7])).toEqual([{ kind: 'invalid' }, { kind: 'invalid' }]);
    expect(machine.query('t')).toMatchObject({ last: 5 });
  });
});

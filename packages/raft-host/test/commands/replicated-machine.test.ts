import type { CommittedCommand } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { ReplicatedMachine } from '../../src/commands/replicated-machine.ts';
import { encodeSkip } from '../../src/commands/skip.ts';
import { batchOf, entryOf, inSession, plain, shownAll } from './entries.ts';
import { inPieces, joined, Ledger, type LedgerOptions, UNREADABLE } from './ledger.ts';

/** A machine that tells how many commands each call of it brought. */
function ledger(options: LedgerOptions = {}) {
  const calls: number[] = [];
  const make = () => {
    const ledger = new Ledger(options);
    const apply = ledger.apply.bind(ledger);
    const counted = (batch: readonly CommittedCommand<string>[]) => {
      calls.push(batch.length);
      return apply(batch);
    };
    return Object.assign(ledger, { apply: counted });
  };
  return { machine: new ReplicatedMachine(make), calls };
}

const empty = new Uint8Array();
const isBoom = (command: string) => command === 'boom';

describe('ReplicatedMachine', () => {
  it('hands the commands of many entries to the machine with one call', () => {
    const { machine, calls } = ledger();
    const open = { kind: 'open-session' as const, ttlMs: 100 };
    const outcomes = machine.apply([
      entryOf(1, [plain('a'), open, plain('b')]),
      { index: 2, term: 1, data: empty },
      entryOf(3, [inSession(1, 1, 'c'), inSession(1, 1, 'c'), plain('d')]),
    ]);
    expect(shownAll(outcomes)).toEqual([['1:a', 'session 1', '2:b'], [], ['3:c', '3:c', '4:d']]);
    expect(calls).toEqual([4]);
    expect(machine.applied).toEqual({ index: 3, term: 1, time: 0 });
  });

  it('hands them over one by one when it is told to', () => {
    const { machine, calls } = ledger();
    machine.apply([entryOf(1, [plain('a'), plain('b')]), entryOf(2, [plain('c')])], { oneByOne: true });
    expect(calls).toEqual([1, 1, 1]);
  });

  it('never lets the time of the log go back', () => {
    const { machine } = ledger();
    machine.apply([entryOf(1, [plain('a')], 500), entryOf(2, [plain('b')], 300), entryOf(3, [plain('c')], 501)]);
    expect(machine.query('lines')).toBe('a@1/1/500\nb@2/1/500\nc@3/1/501');
  });

  it('says between which commands the machine has failed', () => {
    const { machine } = ledger({ fails: isBoom });
    const result = machine.apply([entryOf(4, [plain('a'), plain('b')]), entryOf(5, [plain('boom'), plain('c')])]);
    expect(result).toMatchObject({ failure: { from: { index: 4, place: 0 }, to: { index: 5, place: 1 } } });
    expect(() => machine.query('count')).toThrow(expect.objectContaining({ code: 'REMOTE' }));
    expect(() => machine.capture()).toThrow(expect.objectContaining({ code: 'REMOTE' }));
    expect(() => machine.apply([])).toThrow(expect.objectContaining({ code: 'REMOTE' }));
  });

  it('says at which one, going one by one', () => {
    const { machine } = ledger({ fails: isBoom });
    const entries = [entryOf(4, [plain('a')]), entryOf(5, [plain('b'), plain('boom'), plain('c')])];
    const at = { index: 5, place: 1 };
    expect(machine.apply(entries, { oneByOne: true })).toMatchObject({ kind: 'failed', failure: { from: at, to: at } });
    machine.reset();
    machine.skip(at);
    expect(shownAll(machine.apply(entries))).toEqual([['1:a'], ['2:b', 'REMOTE', '3:c']]);
    expect(() => machine.query('count')).toThrow(expect.objectContaining({ code: 'REMOTE' }));
    machine.rebuilt();
    expect(machine.query('count')).toBe('3');
  });

  it('takes a wrong number of results, and commands or results without a form, for failures of the machine', () => {
    const few = ledger();
    const some = new Ledger();
    Object.assign(some, { apply: () => ['only one'] });
    const none = new Ledger();
    Object.assign(none, { apply: () => undefined });
    const unwritable = new Ledger();
    const encode = () => {
      throw new Error('no form');
    };
    Object.assign(unwritable.codec, { result: { encode, decode: String } });
    const two = entryOf(1, [plain('a'), plain('b')]);
    const session = entryOf(1, [{ kind: 'open-session', ttlMs: 9 }, inSession(1, 1, 'a')]);
    const at = (place: number) => ({ index: 1, place });
    for (const [machine, entry, to, message] of [
      [few.machine, entryOf(1, [plain('a'), plain(UNREADABLE)]), at(1), 'not a command'],
      [new ReplicatedMachine(() => some), two, at(1), 'the state machine gave 1 results for 2 commands'],
      [new ReplicatedMachine(() => none), two, at(1), 'the state machine gave no list of results for 2 commands'],
      [new ReplicatedMachine(() => unwritable), session, at(1), 'no form'],
    ] as const) {
      expect(machine.apply([entry])).toMatchObject({ kind: 'failed', failure: { to, error: { message } } });
    }
  });

  it('does not stumble over entries that nobody can read, once they are skipped, and keeps to those of a later release', () => {
    const damaged = { index: 1, term: 1, data: batchOf([plain('a')]).subarray(0, -1) };
    const later = { index: 1, term: 1, data: Uint8Array.of(77) };
    const { machine } = ledger();
    expect(machine.apply([damaged])).toMatchObject({ failure: { to: { index: 1, place: 0 }, canBeSkipped: true } });
    machine.reset();
    machine.skip({ index: 1, place: 0 });
    expect(shownAll(machine.apply([damaged, entryOf(2, [plain('b')])]))).toEqual([['REMOTE'], ['1:b']]);
    machine.reset();
    machine.skip({ index: 1, place: 0 });
    expect(machine.apply([later])).toMatchObject({ failure: { canBeSkipped: false, error: { code: 'UNSUPPORTED' } } });
  });

  it('keeps results as they were told, whatever becomes of the bytes that they were encoded into', () => {
    const scratch = new Uint8Array(100);
    const machine = new ReplicatedMachine(() => {
      const ledger = new Ledger();
      const encode = (result: string) => scratch.subarray(0, new TextEncoder().encodeInto(result, scratch).written);
      return Object.assign(ledger, { codec: { ...ledger.codec, result: { ...ledger.codec.result, encode } } });
    });
    machine.apply([entryOf(1, [{ kind: 'open-session', ttlMs: 9 }, inSession(1, 1, 'a'), inSession(1, 2, 'b')])]);
    expect(shownAll(machine.apply([entryOf(2, [inSession(1, 1, 'a'), inSession(1, 2, 'b')])]))).toEqual([
      ['1:a', '2:b'],
    ]);
  });

  it('keeps in mind over a restore what is to be skipped later, and has nothing of it in a snapshot', async () => {
    const { machine } = ledger();
    machine.apply([entryOf(1, [plain('a')])]);
    machine.skip({ index: 2, place: 0 });
    const content = await joined(machine.capture().chunks({}));
    const other = ledger().machine;
    other.skip({ index: 3, place: 0 });
    await other.restore(inPieces([content], [10]));
    expect([other.hasSkip({ index: 2, place: 0 }), other.hasSkip({ index: 3, place: 0 })]).toEqual([false, true]);
    expect(shownAll(other.apply([entryOf(2, [plain('b')]), entryOf(3, [plain('c')])]))).toEqual([['2:b'], ['REMOTE']]);
  });

  it('restores into a fresh machine when the last one has failed', async () => {
    const content = await joined(ledger().machine.capture().chunks({}));
    let made = 0;
    const machine = new ReplicatedMachine(() => {
      made += 1;
      return new Ledger({ fails: isBoom });
    });
    await machine.restore(inPieces([content], [10]));
    expect(made).toBe(1);
    machine.apply([entryOf(1, [plain('boom')])]);
    await machine.restore(inPieces([content], [10]));
    expect(made).toBe(2);
    expect(machine.query('count')).toBe('0');
  });

  it('says when a skip comes too late, and what it is worth otherwise', () => {
    const { machine } = ledger();
    const skip = (index: number, of: number) => ({ index, term: 1, data: encodeSkip({ index: of, place: 0 }) });
    expect(shownAll(machine.apply([entryOf(1, [plain('a')]), skip(2, 2), skip(3, 9)]))).toEqual([
      ['1:a'],
      ['NOT_FOUND'],
      ['NOT_FOUND'],
    ]);
    expect(() => machine.skip({ index: 3, place: 0 })).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(machine.apply([skip(4, 1)])).toEqual({ kind: 'skipped-late', position: { index: 1, place: 0 } });
  });
});

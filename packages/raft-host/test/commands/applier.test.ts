import { describe, expect, it } from 'vitest';
import { plain } from './entries.ts';
import { commands, change, Replica } from './replica.ts';

describe('what is committed is applied', () => {
  it('at once, before the call returns, when nothing waits', async () => {
    const replica = await Replica.open();
    await replica.write([commands(1, [plain('a')])]);
    replica.hand([commands(1, [plain('a'), plain('b')], 70), change(2), commands(3, [plain('c')], 50)]);
    expect(replica.told).toEqual([[1, '1:a', '2:b'], [2], [3, '3:c']]);
    expect(replica.shown).toEqual([3]);
    expect(replica.settled).toBe(1);
    expect([replica.applier.applied, replica.applier.time]).toEqual([3, 70]);
  });

  it('in slices, with turns for others between them', async () => {
    const replica = await Replica.open({ slices: { maxCommands: 2, maxMs: 10 }, msPerCommand: 4 });
    const entries = Array.from({ length: 9 }, (_, at) => commands(at + 1, [plain('a')]));
    replica.hand(entries.slice(0, 5));
    replica.hand(entries.slice(5));
    // Two slices of two commands, of 4 ms each: then 10 ms are over.
    expect(replica.shown).toEqual([2, 4]);
    expect(replica.settled).toBe(0);
    const others: number[] = [];
    replica.clock.defer(() => others.push(replica.applier.applied));
    await replica.run();
    expect(replica.shown).toEqual([2, 4, 5, 7, 9]);
    // What was deferred after the first turn comes before the third.
    expect(others).toEqual([7]);
    expect(replica.settled).toBe(2);
  });

  it('never cutting an entry', async () => {
    const replica = await Replica.open({ slices: { maxCommands: 2 } });
    replica.hand([commands(1, ['a', 'b', 'c', 'd'].map(plain)), commands(2, [plain('e')])]);
    expect(replica.shown).toEqual([1, 2]);
  });

  it('in order, also when telling of it brings more', async () => {
    const replica = await Replica.open();
    replica.onTold = (index) => {
      if (index === 1) replica.hand([commands(3, [plain('c')])]);
    };
    replica.hand([commands(1, [plain('a')]), commands(2, [plain('b')])]);
    expect(replica.told).toEqual([
      [1, '1:a'],
      [2, '2:b'],
      [3, '3:c'],
    ]);
    expect(replica.settled).toBe(2);
  });

  it('until it is ended', async () => {
    const replica = await Replica.open();
    replica.onTold = (index) => {
      if (index === 2) replica.applier.end();
    };
    replica.hand([1, 2, 3].map((index) => commands(index, [plain('a')])));
    replica.hand([commands(4, [plain('b')])]);
    await expect(replica.applier.restore()).resolves.toBeUndefined();
    await replica.run();
    expect(replica.told.map(([index]) => index)).toEqual([1, 2]);
    expect(replica.shown).toEqual([]);
    expect(replica.settled).toBe(0);
  });

  it('with options that make sense', async () => {
    const wrong = [{ maxCommands: 0 }, { maxCommands: 1.5 }, { maxMs: -1 }, { other: 1 }];
    for (const slices of wrong) {
      await expect(Replica.open({ slices })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
  });
});

describe('a restore', () => {
  it('comes after what was handed over before, and before what comes later', async () => {
    const donor = await Replica.open();
    const entries = [1, 2, 3, 4, 5].map((index) => commands(index, [plain(`c${index}`)]));
    await donor.commit(entries.slice(0, 4));
    const replica = await Replica.open({ slices: { maxCommands: 1, maxMs: 0 } });
    await replica.write(entries.slice(0, 2));
    replica.hand(entries.slice(0, 2));
    expect(replica.told).toEqual([[1, '1:c1']]);
    await replica.install(4, 1, await donor.content());
    const restored = replica.applier.restore();
    await replica.write(entries.slice(4));
    replica.hand(entries.slice(4));
    await replica.world.settled(restored, 1000);
    await replica.run();
    expect(replica.told).toEqual([
      [1, '1:c1'],
      [2, '2:c2'],
      [5, '5:c5'],
    ]);
    expect(replica.shown).toEqual([1, 2, 4, 5]);
    expect(replica.made).toBe(1);
  });

  it('of a state that is there already changes nothing', async () => {
    const replica = await Replica.open();
    await replica.commit([commands(1, [plain('a')])]);
    await replica.world.settled(replica.applier.restore(), 1000);
    await replica.snapshot();
    await replica.commit([commands(2, [plain('b')])]);
    await replica.world.settled(replica.applier.restore(), 1000);
    expect(replica.machine.query('count')).toBe('2');
    expect(replica.restored).toBe(0);
  });

  it('that is not possible rejects, and is the end', async () => {
    const replica = await Replica.open();
    await replica.install(4, 1, Uint8Array.of(1, 2, 3));
    await expect(replica.world.settled(replica.applier.restore(), 1000)).rejects.toMatchObject({ code: 'CORRUPT' });
    replica.hand([commands(5, [plain('a')])]);
    expect(replica.told).toEqual([]);
    expect(replica.failures).toEqual([]);
    await expect(replica.applier.restore()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

import { ClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { inSession, plain } from './entries.ts';
import { change, commands, Replica, skip } from './replica.ts';

const isBoom = (command: string) => command === 'boom';

describe('what is committed is applied', () => {
  it('at once, before the call returns, when nothing waits', async () => {
    const replica = await Replica.open();
    await replica.write([commands(1, [plain('a')])]);
    replica.hand([commands(1, [plain('a'), plain('b')]), change(2), commands(3, [plain('c')])]);
    expect(replica.told).toEqual([[1, '1:a', '2:b'], [2], [3, '3:c']]);
    expect(replica.shown).toEqual([3]);
    expect(replica.settled).toBe(1);
    expect(replica.applier.applied).toBe(3);
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
    const replica = await Replica.open({ slices: { maxCommands: 1 } });
    replica.onTold = (index) => {
      if (index === 2) replica.applier.end();
    };
    replica.hand([1, 2, 3].map((index) => commands(index, [plain('a')])));
    replica.hand([commands(4, [plain('b')])]);
    await expect(replica.applier.restore()).resolves.toBeUndefined();
    await replica.run();
    expect(replica.told.map(([index]) => index)).toEqual([1, 2]);
    expect(replica.shown).toEqual([1]);
    expect(replica.settled).toBe(0);
  });

  it('with options that make sense', async () => {
    const wrong = [{ maxCommands: 0 }, { maxCommands: 1.5 }, { maxMs: -1 }, { other: 1 }];
    for (const slices of wrong) {
      await expect(Replica.open({ slices })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
  });
});

describe('a machine that fails', () => {
  it('is halted at the very command, after what comes before it was told of', async () => {
    const replica = await Replica.open({ fails: isBoom });
    const open = { kind: 'open-session' as const, ttlMs: 100 };
    await replica.commit([
      commands(1, [plain('a'), open]),
      commands(2, [plain('b'), inSession(1, 1, 'boom'), plain('c')]),
      commands(3, [plain('d')]),
    ]);
    expect(replica.told).toEqual([]);
    expect(() => replica.machine.query('lines')).toThrow(expect.objectContaining({ code: 'REMOTE' }));
    await replica.run();
    expect(replica.told).toEqual([[1, '1:a', 'session 1']]);
    expect(replica.halts).toMatchObject([{ index: 2, place: 1, canBeSkipped: true, error: { code: 'REMOTE' } }]);
    expect(replica.applier.halt?.error.message).toContain("command 1 of entry 2: can't do boom");
    expect(replica.settled).toBe(1);
    expect(() => replica.machine.query('lines')).toThrow(expect.objectContaining({ code: 'REMOTE' }));
    expect(() => replica.machine.capture()).toThrow(expect.objectContaining({ code: 'REMOTE' }));
  });

  it('goes on with a skip, without the command, and tells of each entry once', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([commands(1, [plain('a')])]);
    await replica.snapshot();
    await replica.commit([commands(2, [plain('b')]), commands(3, [plain('c'), plain('boom'), plain('d')])]);
    await replica.run();
    await replica.commit([commands(4, [plain('e')])], [skip(5, 3, 0), skip(6, 3, 2)]);
    await replica.run();
    expect(replica.told.map(([index]) => index)).toEqual([1, 2]);
    await replica.commit([skip(7, 3, 1)], [commands(8, [plain('f')])]);
    await replica.run();
    // Of the skips of other commands: what the log says holds, here as on every other replica.
    expect(replica.told.slice(2)).toEqual([
      [3, 'REMOTE', 'REMOTE', 'REMOTE'],
      [4, '3:e'],
      [5, 'done'],
      [6, 'done'],
      [7, 'done'],
      [8, '4:f'],
    ]);
    expect(replica.halts).toMatchObject([{ index: 3, place: 1 }, undefined]);
    expect(replica.applier.halt).toBeUndefined();
    expect(replica.shown.at(-1)).toBe(8);
    expect(replica.machine.query('count')).toBe('4');
  });

  it('is not even halted when the skip is among what waits', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit(
      [commands(1, [plain('boom'), plain('a')])],
      [change(2), skip(3, 1, 0)],
      [commands(4, [plain('b')])],
    );
    await replica.run();
    expect(replica.halts).toEqual([undefined]);
    expect(replica.told).toEqual([[2], [1, 'REMOTE', '1:a'], [3, 'done'], [4, '2:b']]);
  });

  it('goes on by itself when it fails no more', async () => {
    let failures = 1;
    const replica = await Replica.open({ fails: (command) => isBoom(command) && failures-- > 0 });
    await replica.commit([commands(1, [plain('a')]), commands(2, [plain('boom'), plain('b')])]);
    await replica.run();
    expect(replica.halts).toEqual([]);
    expect(replica.told).toEqual([
      [1, '1:a'],
      [2, '2:boom', '3:b'],
    ]);
    expect(replica.machine.query('count')).toBe('3');
  });

  it('fails at one command after the other, and goes on after each', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([commands(1, [plain('boom'), plain('boom')])], [commands(2, [plain('boom'), plain('z')])]);
    for (const [at, [index, place]] of [
      [1, 0],
      [1, 1],
      [2, 0],
    ].entries()) {
      await replica.run();
      expect(replica.applier.halt).toMatchObject({ index, place });
      await replica.commit([skip(3 + at, index ?? 0, place ?? 0)]);
    }
    await replica.run();
    expect(replica.told.slice(0, 2)).toEqual([
      [1, 'REMOTE', 'REMOTE'],
      [2, 'REMOTE', '1:z'],
    ]);
  });

  it('has changes of the configuration told of all the same, once each', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([change(1), commands(2, [plain('boom')]), change(3)]);
    await replica.run();
    await replica.commit([change(4)]);
    expect(replica.told).toEqual([[1], [3], [4]]);
    await replica.commit([skip(5, 2, 0), change(6)]);
    await replica.run();
    expect(replica.told).toEqual([[1], [3], [4], [6], [2, 'REMOTE'], [5, 'done']]);
    expect(replica.shown.at(-1)).toBe(6);
  });

  it('cannot be helped by a skip where a later release could read the entry', async () => {
    const replica = await Replica.open();
    await replica.commit([{ index: 1, term: 1, type: 'normal', data: Uint8Array.of(99) }], [skip(2, 1, 0)]);
    await replica.run();
    expect(replica.halts).toMatchObject([{ index: 1, place: 0, canBeSkipped: false }]);
    expect(replica.told).toEqual([]);
  });

  it('goes on from a snapshot of another node', async () => {
    const [healthy, replica] = [await Replica.open(), await Replica.open({ fails: isBoom })];
    const entries = [commands(1, [plain('a')]), commands(2, [plain('boom')]), commands(3, [plain('c')])];
    await healthy.commit(entries);
    await replica.commit(entries);
    await replica.run();
    expect(replica.applier.halt).toMatchObject({ index: 2, place: 0 });
    await replica.install(3, 1, await healthy.content());
    await replica.world.settled(replica.applier.restore(), 1000);
    await replica.commit([commands(4, [plain('d')])]);
    expect(replica.told).toEqual([
      [1, '1:a'],
      [4, '4:d'],
    ]);
    expect(replica.halts.at(-1)).toBeUndefined();
    expect(replica.machine.query('count')).toBe('4');
  });
});

describe('a skip of a command that was applied here', () => {
  const entries = [commands(1, [plain('a')]), commands(2, [plain('boom'), plain('b')]), commands(3, [plain('c')])];
  const skipped = skip(4, 2, 0);

  async function failed(): Promise<Replica> {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit(entries, [skipped]);
    await replica.run();
    return replica;
  }

  it('takes it back where that is possible: the state follows from the log', async () => {
    const replica = await Replica.open();
    await replica.commit(entries.slice(0, 1));
    await replica.snapshot();
    await replica.commit(entries.slice(1), [skipped], [commands(5, [plain('d')])]);
    await replica.run();
    expect(replica.told).toEqual([
      [1, '1:a'],
      [2, '2:boom', '3:b'],
      [3, '4:c'],
      [4, 'done'],
      [5, '4:d'],
    ]);
    const other = await failed();
    await other.commit([commands(5, [plain('d')])]);
    expect(await replica.content()).toEqual(await other.content());
  });

  it('halts the machine where its snapshot has the command, until it gets another', async () => {
    const replica = await Replica.open();
    await replica.commit(entries);
    await replica.snapshot();
    await replica.commit([skipped], [commands(5, [plain('d')])]);
    await replica.run();
    expect(replica.halts).toMatchObject([{ index: 2, place: 0, canBeSkipped: false }]);
    expect(replica.halts[0]?.error.message).toContain('the state has to come from another node');
    const other = await failed();
    await replica.install(4, 1, await other.content());
    await replica.world.settled(replica.applier.restore(), 1000);
    await replica.run();
    await other.commit([commands(5, [plain('d')])]);
    expect(replica.halts.at(-1)).toBeUndefined();
    expect(replica.told.at(-1)).toEqual([5, '4:d']);
    expect(await replica.content()).toEqual(await other.content());
  });

  it('is nothing new where it was passed over already, also over a snapshot', async () => {
    const replica = await failed();
    await replica.snapshot();
    const content = await replica.content();
    const { made } = replica;
    await replica.commit([skip(5, 2, 0)]);
    expect(replica.told.at(-1)).toEqual([5, 'done']);
    const other = await Replica.open();
    await other.install(4, 1, content);
    await other.world.settled(other.applier.restore(), 1000);
    await other.commit([skip(5, 2, 0), commands(6, [plain('d')])]);
    expect(other.told).toEqual([
      [5, 'done'],
      [6, '4:d'],
    ]);
    expect(replica.made).toBe(made);
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

describe('rebuilding', () => {
  it('takes a newer snapshot that comes meanwhile, and steps over what is in it', async () => {
    const healthy = await Replica.open();
    const entries = [
      commands(1, [plain('a')]),
      commands(2, [plain('boom')]),
      skip(3, 2, 0),
      commands(4, [plain('c')]),
      commands(5, [plain('d')]),
    ];
    await healthy.commit(entries.slice(0, 4));
    await healthy.run();
    const content = await healthy.content();
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit(entries.slice(0, 2));
    await replica.run();
    // Handed over with the skip that begins the rebuilding; then the log is cut under it.
    await replica.write(entries.slice(2));
    replica.hand(entries.slice(2));
    await replica.install(4, 1, content);
    await replica.run();
    expect(replica.failures).toEqual([]);
    expect(replica.applier.applied).toBe(5);
    expect(
      replica.machine
        .query('lines')
        .split('\n')
        .map((line) => line[0]),
    ).toEqual(['a', 'c', 'd']);
  });

  it('ends with an error when the log lacks what is committed', async () => {
    const replica = await Replica.open({ fails: isBoom });
    replica.hand([commands(1, [plain('a')])]);
    replica.hand([commands(2, [plain('boom')])]);
    await replica.run();
    expect(replica.failures).toEqual([expect.any(ClusterError)]);
    expect(replica.failures[0]).toMatchObject({ code: 'CORRUPT' });
    replica.hand([commands(3, [plain('b')])]);
    expect(replica.told).toEqual([[1, '1:a']]);
  });

  it('tells nothing once it is ended', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([commands(1, [plain('a')]), commands(2, [plain('boom')])]);
    replica.applier.end();
    await replica.run();
    expect([replica.told, replica.halts, replica.failures]).toEqual([[], [], []]);
  });

  it('lets others have their turn', async () => {
    const replica = await Replica.open({ fails: isBoom, slices: { maxCommands: 1, maxMs: 1 }, msPerCommand: 1 });
    const entries = Array.from({ length: 20 }, (_, at) => commands(at + 1, [plain('a')]));
    await replica.commit(entries);
    await replica.run();
    await replica.commit([commands(21, [plain('boom')])]);
    const lengths: number[] = [];
    let last = replica.clock.workedMs;
    const look = () => {
      lengths.push(replica.clock.workedMs - last);
      last = replica.clock.workedMs;
      if (replica.applier.halt === undefined) replica.clock.defer(look);
    };
    look();
    await replica.run();
    expect(replica.applier.halt).toMatchObject({ index: 21 });
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2);
    expect(lengths.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(20);
  });
});

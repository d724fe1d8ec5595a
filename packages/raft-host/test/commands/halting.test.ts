import { describe, expect, it } from 'vitest';
import { inSession, plain } from './entries.ts';
import { change, commands, Replica, skip } from './replica.ts';

const isBoom = (command: string) => command === 'boom';

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

  it('takes no skip for one of what comes behind it', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([commands(1, [plain('boom')])]);
    await replica.run();
    await replica.commit([skip(2, 4, 0), skip(3, 1, 0), commands(4, [plain('a')])]);
    await replica.run();
    expect(replica.told).toEqual([
      [1, 'REMOTE'],
      [2, 'NOT_FOUND'],
      [3, 'done'],
      [4, '1:a'],
    ]);
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

import { ClusterError } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { plain } from './entries.ts';
import { change, commands, Replica, skip } from './replica.ts';

const isBoom = (command: string) => command === 'boom';

describe('rebuilding', () => {
  it('begins again with a newer snapshot that replaces the one being read', async () => {
    const donor = await Replica.open();
    const replica = await Replica.open();
    await donor.commit([1, 2, 3].map((index) => commands(index, [plain('a')])));
    const early = await donor.content();
    await donor.commit([commands(4, [plain('b')])]);
    await replica.install(3, 1, early);
    let open: () => void = () => undefined;
    replica.gate = new Promise((resolve) => (open = resolve));
    const restored = replica.applier.restore();
    await replica.install(4, 1, await donor.content());
    open();
    await replica.world.settled(restored, 1000);
    await replica.run();
    expect(replica.machine.query('count')).toBe('4');
    expect(replica.applier.applied).toBe(4);
  });

  it('goes on with a snapshot when the log is cut while it is read', async () => {
    const [replica, donor] = [await Replica.open({ fails: isBoom }), await Replica.open()];
    const entries = [1, 2, 3].map((index) => commands(index, [plain('a')]));
    await donor.commit(entries, [skip(4, 9, 0)]);
    await replica.commit(entries);
    let open: () => void = () => undefined;
    replica.gate = new Promise((resolve) => (open = resolve));
    await replica.commit([commands(4, [plain('boom')]), change(5)]);
    await replica.install(5, 1, await contentAt(donor, 5));
    open();
    await replica.run();
    expect([replica.failures, replica.halts]).toEqual([[], []]);
    expect(replica.applier.applied).toBe(5);
    expect(replica.told).toEqual([[1, '1:a'], [2, '2:a'], [3, '3:a'], [5]]);
    expect(replica.settled).toBe(2);
    expect(replica.machine.query('count')).toBe('4');
  });

  it('applies nothing of what the log has beyond what was handed over', async () => {
    let failures = 1;
    const replica = await Replica.open({ fails: (command) => isBoom(command) && failures-- > 0 });
    const entries = [commands(1, [plain('a')]), commands(2, [plain('boom')]), commands(3, [plain('not committed')])];
    await replica.write(entries);
    replica.hand(entries.slice(0, 1));
    replica.hand(entries.slice(1, 2));
    await replica.run();
    expect(replica.told).toEqual([
      [1, '1:a'],
      [2, '2:boom'],
    ]);
    expect(replica.machine.query('count')).toBe('2');
  });

  it('leaves a machine that is sound as it is, when it is over', async () => {
    const [replica, donor] = [await Replica.open({ fails: isBoom }), await Replica.open({ fails: isBoom })];
    const entries = [commands(1, [plain('boom'), plain('a')]), skip(2, 1, 0), commands(3, [plain('b')])];
    for (const each of [replica, donor]) {
      await each.commit(entries);
      await each.run();
    }
    await donor.commit([commands(4, [plain('c')])]);
    const { made } = replica;
    await replica.install(4, 1, await donor.content());
    await replica.world.settled(replica.applier.restore(), 1000);
    expect(replica.made).toBe(made);
    expect(replica.machine.query('count')).toBe('3');
  });

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
    expect(replica.machine.applied.index).toBe(0);
  });

  it('stops when it is ended while the log is read, and applies nothing of it', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([commands(1, [plain('a')])]);
    let open: () => void = () => undefined;
    replica.gate = new Promise((resolve) => (open = resolve));
    await replica.commit([commands(2, [plain('boom')])]);
    await replica.run();
    replica.applier.end();
    open();
    await replica.run();
    replica.hand([commands(3, [plain('b')])]);
    expect(replica.machine.applied.index).toBe(0);
    expect([replica.told, replica.halts, replica.failures]).toEqual([[[1, '1:a']], [], []]);
  });

  it('shows nothing any more when it is ended by what it tells', async () => {
    const replica = await Replica.open({ fails: isBoom });
    await replica.commit([commands(1, [plain('boom')])]);
    await replica.run();
    replica.onGoingOn = () => replica.applier.end();
    await replica.commit([skip(2, 1, 0), commands(3, [plain('b')])]);
    await replica.run();
    expect(replica.halts.length).toBe(2);
    expect([replica.told.map(([index]) => index), replica.shown]).toEqual([[1, 2, 3], []]);
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

/** Its state after entries that do nothing, up to this index. */
async function contentAt(replica: Replica, index: number): Promise<Uint8Array> {
  while (replica.applier.applied < index) await replica.commit([commands(replica.applier.applied + 1, [plain('x')])]);
  return replica.content();
}

import { memoryDisk, memoryStorage } from '@quorate/memory';
import type { RecordStore, Storage } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { fencingGuard, storedFencingGuard } from '../src/index.ts';

describe('a fencing guard', () => {
  it('lets tokens pass that grow, and refuses lower ones', () => {
    const guard = fencingGuard();
    guard.check('db', 3n);
    guard.check('db', 3n);
    guard.check('db', 9n);
    expect(() => guard.check('db', 8n)).toThrow(
      expect.objectContaining({ code: 'STALE_TOKEN', outcome: 'not-applied' }),
    );
    expect(guard.highest('db')).toBe(9n);
    guard.check('other', 1n);
    guard.forget('db');
    guard.check('db', 1n);
  });

  it('keeps no more than it was told, and forgets none by itself', () => {
    const guard = fencingGuard({ maxResources: 2 });
    guard.check('a', 1n);
    guard.check('b', 1n);
    expect(() => guard.check('c', 1n)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    expect(() => guard.check('a', 0n)).toThrow(expect.objectContaining({ code: 'STALE_TOKEN' }));
  });

  it.each([
    ['', 1n],
    ['x'.repeat(200), 1n],
    ['"'.repeat(70), 1n],
    ['a', -1n],
    ['a', 2n ** 64n],
  ])('refuses what is no resource or token: %j, %s', (resource, token) => {
    expect(() => fencingGuard().check(resource, token)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

describe('a stored fencing guard', () => {
  const open = async (disk = memoryDisk()): Promise<Storage> => {
    const world = createWorld({ seed: 'guard' });
    const host = world.host('a');
    return await new Promise<Storage>((resolve) => {
      host.start(async (system) => {
        const storage = memoryStorage({ disk }).create({ ...system, nodeId: 'a' });
        await storage.open();
        resolve(storage);
      });
      void world.run(10);
    });
  };

  it('remembers when it is opened again', async () => {
    const { records } = await open();
    const guard = await storedFencingGuard(records);
    await Promise.all([guard.check('db', 7n), guard.check('mail', 2n), guard.check('db', 8n)]);
    await expect(guard.check('db', 7n)).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    const again = await storedFencingGuard(records);
    expect([again.highest('db'), again.highest('mail')]).toEqual([8n, 2n]);
    await expect(again.check('db', 7n)).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    await again.forget('db');
    expect((await storedFencingGuard(records)).highest('db')).toBeUndefined();
  });

  it('lets nobody pass before it is stored, nor when that fails', async () => {
    const writes: ((error?: Error) => void)[] = [];
    const records: Pick<RecordStore, 'read' | 'write'> = {
      read: async () => undefined,
      write: () => new Promise((resolve, reject) => writes.push((error) => (error ? reject(error) : resolve()))),
    };
    const guard = await storedFencingGuard(records as RecordStore);
    const passed: string[] = [];
    const check = (token: bigint, name: string): Promise<void> =>
      guard.check('db', token).then(
        () => void passed.push(name),
        () => void passed.push(`${name} failed`),
      );
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const all = [check(1n, 'first'), check(1n, 'same')];
    await turn();
    all.push(check(1n, 'while it is written'));
    await turn();
    expect([passed, writes.length]).toEqual([[], 1]);
    writes[0]?.();
    await Promise.all(all);
    expect(passed.toSorted()).toEqual(['first', 'same', 'while it is written']);
    const failing = check(2n, 'second');
    await turn();
    writes[1]?.(new Error('the disk is full'));
    await failing;
    expect(passed.at(-1)).toBe('second failed');
    await check(2n, 'again');
    expect(passed.at(-1)).toBe('again failed');
  });

  it.each(['', '{}', '{"version":2,"tokens":[]}', '{"version":1,"tokens":[["db","x"]]}', '{"version":1,"tokens":[7]}'])(
    'takes no other record for its own: %s',
    async (text) => {
      const { records } = await open();
      await records.write('fencing', new TextEncoder().encode(text));
      await expect(storedFencingGuard(records)).rejects.toMatchObject({ code: 'CORRUPT' });
    },
  );

  it('fits one record, full as it may be', async () => {
    const { records } = await open();
    const guard = await storedFencingGuard(records);
    const name = (index: number): string => String(index).padEnd(128, 'x');
    await Promise.all(Array.from({ length: 400 }, (_, index) => guard.check(name(index), 2n ** 64n - 1n)));
    await expect(guard.check('one more', 1n)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect((await storedFencingGuard(records)).highest(name(399))).toBe(2n ** 64n - 1n);
  });
});

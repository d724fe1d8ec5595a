import { createWorld } from '@quorate/simulator';
import { beforeEach, describe, expect, it } from 'vitest';
import { recordClaims, type SlotClaims, type VersionedRecords } from '../src/index.ts';
import { LossyRecords, MemoryRecords } from './memory-records.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const claim = (token: bigint, after: number, slot: number) => ({ task: 't', token, after, slot });

describe('claims in versioned records', () => {
  let records: MemoryRecords;
  let claims: SlotClaims;
  beforeEach(() => {
    records = new MemoryRecords();
    claims = recordClaims(records);
  });

  it('are made once, and are the same when they are repeated', async () => {
    expect(await claims.open('t', 1n, 100)).toEqual({ last: 100, outcome: 'skipped', starts: 0 });
    for (let time = 0; time < 2; time += 1) expect(await claims.claim(claim(1n, 100, 110))).toBe(true);
    expect(await claims.claim(claim(1n, 100, 120))).toBe(false);
    expect(await claims.open('t', 2n, 500)).toEqual({ last: 110, outcome: undefined, starts: 1 });
    const begun = { task: 't', slot: 110, token: 2n, starts: 1 };
    for (let time = 0; time < 2; time += 1) expect(await claims.reclaim(begun)).toBe(true);
    await claims.settle({ task: 't', slot: 110, token: 2n, outcome: 'failed' });
    const kept = { last: 110, outcome: 'failed', starts: 2, fence: '2', claimedBy: '2' };
    expect(records.json('t')).toEqual({ quorate: 1, task: 't', ...kept });
  });

  it('are refused to whoever has a lower token than one that opened the task', async () => {
    await claims.open('t', 1n, 100);
    await claims.open('t', 2n, 100);
    const late = [
      claims.open('t', 1n, 100),
      claims.claim(claim(1n, 100, 110)),
      claims.reclaim({ task: 't', token: 1n, slot: 100, starts: 0 }),
      claims.settle({ task: 't', token: 1n, slot: 100, outcome: 'completed' }),
    ];
    for (const each of late) await expect(each).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    expect(records.json('t')).toMatchObject({ last: 100, fence: '2' });
  });

  it('that a former holder sent before another opened the task, and that come after it, change nothing', async () => {
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: looked, resolve: hasLooked } = Promise.withResolvers<void>();
    const done: boolean[] = [];
    const slow: VersionedRecords = {
      read: (name) => records.read(name),
      write: async (name, value, expected) => {
        hasLooked();
        await held;
        const isDone = await records.write(name, value, expected);
        done.push(isDone);
        return isDone;
      },
      remove: (name, expected) => records.remove(name, expected),
    };
    await claims.open('t', 1n, 100);
    const late = recordClaims(slow).claim(claim(1n, 100, 110));
    await looked;
    await claims.open('t', 2n, 100);
    goOn();
    await expect(late).rejects.toMatchObject({ code: 'STALE_TOKEN' });
    expect(done).toEqual([false]);
    expect(await claims.claim(claim(2n, 100, 120))).toBe(true);
  });

  it('write nothing where nothing changes', async () => {
    await claims.open('t', 1n, 100);
    await claims.claim(claim(1n, 100, 110));
    const before = await records.read('t');
    await claims.claim(claim(1n, 100, 110));
    await claims.open('t', 1n, 100);
    await claims.claim(claim(1n, 100, 120));
    await claims.settle({ task: 't', token: 1n, slot: 100, outcome: 'completed' });
    expect(await records.read('t')).toEqual(before);
  });

  it('are given up when others write all the time', async () => {
    let writes = 0;
    const contested: VersionedRecords = {
      read: (name) => records.read(name),
      write: async () => (writes += 1) < 0,
      remove: async () => false,
    };
    await expect(recordClaims(contested).open('t', 1n, 0)).rejects.toMatchObject({ code: 'REMOTE' });
    expect(writes).toBe(8);
    await claims.open('t', 1n, 0);
    await expect(recordClaims(contested).forget('t')).rejects.toMatchObject({ code: 'REMOTE' });
  });

  it('are made to no record that is none, and that is forgotten by who says so', async () => {
    await claims.open('other', 1n, 7);
    const other = await records.read('other');
    for (const found of ['', '7', '{}', `{"quorate":1,"task":"t"}`, 'x'.repeat(5000)]) {
      await records.write('t', bytes(found), (await records.read('t'))?.version);
      await expect(claims.open('t', 1n, 0)).rejects.toMatchObject({ code: 'CORRUPT' });
    }
    // That of another task.
    await records.write('t', other?.value ?? bytes(''), (await records.read('t'))?.version);
    await expect(claims.claim(claim(1n, 7, 8))).rejects.toMatchObject({ code: 'CORRUPT' });
    await claims.forget('t');
    await claims.forget('t');
    expect(await claims.claim(claim(1n, 7, 8))).toBe(false);
    expect(await claims.open('t', 1n, 70)).toMatchObject({ last: 70 });
    await expect(claims.open('no name', 1n, 0)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it.each([1, 2, 3, 4, 5])(
    'give a slot to one of several that claim at once, though answers get lost: %i',
    async (seed) => {
      const world = createWorld({ seed });
      const owners = new Map<number, bigint>();
      const contend = async (token: bigint, mine: SlotClaims): Promise<void> => {
        let last: number | undefined;
        for (let turn = 0; turn < 60; turn += 1) {
          try {
            last ??= (await mine.open('t', token, 0)).last;
            const slot = last + 1;
            if (!(await mine.claim(claim(token, last, slot)))) last = undefined;
            else {
              expect(owners.get(slot) ?? token).toBe(token);
              owners.set(slot, token);
              last = slot;
            }
          } catch (error) {
            if ((error as { code?: string }).code === 'STALE_TOKEN') return;
            if (!['DISCONNECTED', 'TIMEOUT', 'REMOTE'].includes((error as { code: string }).code)) throw error;
          }
        }
      };
      const all = [1n, 2n, 3n].map((token) => {
        const host = world.host(`node-${token}`);
        return new Promise<void>((resolve, reject) =>
          host.start(async (system) => {
            await contend(token, recordClaims(new LossyRecords(records, system))).then(resolve, reject);
          }),
        );
      });
      await world.settled(Promise.all(all), 60_000);
      expect(owners.size).toBeGreaterThan(20);
    },
  );
});

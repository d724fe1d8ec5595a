import type { RecordStore, Storage } from '@quorate/core';
import { type MemoryDisk, memoryDisk, memoryStorage } from '@quorate/memory';
import { describe, expect, it } from 'vitest';

import { storageContract, type StorageHarness } from '../src/index.ts';
import { later } from './later.ts';
import { altered, failuresOf } from './recording-runner.ts';

type Change = (records: RecordStore, storage: Storage) => Partial<RecordStore>;

const durable = {
  name: 'storage-memory, altered',
  supports: { durable: true },
  medium: () => memoryDisk(),
} satisfies Partial<StorageHarness<MemoryDisk>>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'acknowledges before it has written',
    'a crash takes nothing that was acknowledged',
    (records) => ({
      write: (name, bytes) => {
        void later(() => records.write(name, bytes)).catch(() => undefined);
        return Promise.resolve();
      },
    }),
  ],
  [
    'hands out its own bytes',
    'keeps bytes of its own',
    (records) => {
      const cache = new Map<string, Uint8Array>();
      return {
        write: (name, bytes) => {
          cache.set(name, bytes);
          return records.write(name, bytes);
        },
        read: async (name) => cache.get(name) ?? (await records.read(name)),
      };
    },
  ],
  [
    'takes any name',
    'refuses the name "../vote"',
    (records) => ({ write: (name, bytes) => records.write(name.replaceAll(/[^a-z]/gu, 'x'), bytes) }),
  ],
  [
    'takes any size',
    'a record of the largest size is kept, a larger one refused',
    (records) => ({ write: (name, bytes) => records.write(name, bytes.subarray(0, 65_536)) }),
  ],
  ['forgets to remove', 'names are told in order, without the removed', () => ({ remove: () => Promise.resolve() })],
  [
    'tells names in no order',
    'names are told in order, without the removed',
    (records) => ({ names: async () => [...(await records.names())].reverse() }),
  ],
  [
    'writes after dispose',
    'lifecycle: write after dispose rejects with CLOSED',
    () => ({ write: () => Promise.resolve() }),
  ],
];

function alteredStorage(change: Change): StorageHarness<MemoryDisk> {
  return {
    ...durable,
    create: (disk) => {
      const plugin = memoryStorage({ disk });
      return {
        ...plugin,
        create: (context) =>
          altered(plugin.create(context), (storage) => ({
            records: altered(storage.records, (records) => change(records, storage)),
          })),
      };
    },
  };
}

describe('the suite for storages', () => {
  it('passes one that keeps the contract', async () => {
    const failures = await failuresOf((runner) =>
      storageContract(
        runner,
        alteredStorage(() => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => storageContract(runner, alteredStorage(change)));
      expect([...failures.keys()]).toContain(caughtBy);
    });
  }
  it('catches one that forgets, and lets anybody in', async () => {
    const forgetful: StorageHarness<MemoryDisk> = {
      ...durable,
      create: () => {
        const plugin = memoryStorage();
        return {
          ...plugin,
          create: (context) => altered(plugin.create(context), () => ({ supports: { durable: true } })),
        };
      },
    };
    const failures = [...(await failuresOf((runner) => storageContract(runner, forgetful))).keys()];
    expect(failures).toContain('records outlive the process');
    expect(failures).toContain('a crash takes nothing that was acknowledged');
    expect(failures).toContain('a second one is refused with LOCKED until the first is disposed');
  });
});

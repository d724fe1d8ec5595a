import type { GroupLog, LogStore } from '@quorate/core';
import { type MemoryDisk, memoryDisk, memoryStorage } from '@quorate/memory';
import { describe, expect, it } from 'vitest';

import { logStoreContract, type LogStoreHarness } from '../src/index.ts';
import { later } from './later.ts';
import { altered, failuresOf } from './recording-runner.ts';

type Change = (group: GroupLog, log: LogStore) => Partial<GroupLog>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'acknowledges before it has written',
    'a crash takes nothing that was acknowledged',
    (group) => ({
      append: (batches, beside) => {
        void later(() => group.append(batches, beside)).catch(() => undefined);
        return Promise.resolve();
      },
    }),
  ],
  [
    'writes the state apart from the entries',
    'a crash leaves of an append all or nothing',
    (group) => ({
      append: async (batches, { state, ...beside } = {}) => {
        await group.append(batches, beside);
        if (state !== undefined) await group.append([], { state });
      },
    }),
  ],
  [
    'keeps the bytes of its caller as state',
    'keeps state and commit, with entries or without',
    (group) => {
      let kept: Uint8Array | undefined;
      return {
        append: (batches, beside) => {
          kept = beside?.state ?? kept;
          return group.append(batches, beside);
        },
        get state() {
          return kept;
        },
      };
    },
  ],
  [
    'takes gaps for granted',
    'refuses a gap, and goes on',
    (group) => ({ append: (batches, beside) => group.append(batches, beside).catch(() => undefined) }),
  ],
  [
    'drops nothing when a snapshot has other entries',
    'goes on behind a snapshot that has more, or other entries',
    (group) => ({ truncatePrefix: (index) => group.truncatePrefix(index, group.term(index) ?? 0) }),
  ],
  [
    'reads below its first entry',
    'reads from any entry, up to so many bytes but one entry at least',
    (group) => ({ read: (from, maxBytes) => group.read(Math.max(from, group.firstIndex), maxBytes) }),
  ],
  [
    'reads only from the beginning of batches',
    'reads from any entry, up to so many bytes but one entry at least',
    (group) => ({ read: (_, maxBytes) => group.read(group.firstIndex, maxBytes) }),
  ],
  [
    'gives always the beginning of a snapshot',
    'keeps a snapshot, and gives any part of it',
    (group) => ({ readSnapshot: (snapshot, _, maxBytes) => group.readSnapshot(snapshot, 0, maxBytes) }),
  ],
  [
    'forgets to remove',
    'groups are apart, listed in order, and removed alone',
    () => ({ remove: () => Promise.resolve() }),
  ],
];

function alteredLog(change: Change): LogStoreHarness<MemoryDisk> {
  return {
    name: 'storage-memory, altered',
    supports: { durable: true },
    medium: () => memoryDisk(),
    create: (disk) => {
      const plugin = memoryStorage({ disk });
      return {
        ...plugin,
        create: (context) =>
          altered(plugin.create(context), (storage) => ({
            log: altered(storage.log!, (log) => {
              const groups = new Map<number, GroupLog>();
              return {
                group: (id) => {
                  const own = log.group(id);
                  const group = groups.get(id) ?? altered(own, (each) => change(each, log));
                  groups.set(id, group);
                  return group;
                },
              };
            }),
          })),
      };
    },
  };
}

describe('the suite for log stores', () => {
  it('passes one that keeps the contract', async () => {
    const failures = await failuresOf((runner) =>
      logStoreContract(
        runner,
        alteredLog(() => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => logStoreContract(runner, alteredLog(change)));
      expect([...failures.keys()]).toContain(caughtBy);
    });
  }
});

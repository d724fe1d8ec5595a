import type { ClusterContext } from '@quorate/core';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { createWorld, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { readGroupOptions } from '../src/group-options.ts';
import type { GroupUse } from '../src/group-use.ts';
import { sharedGroup } from '../src/shared-group.ts';
import type { SnapshotTransferOptions } from '../src/snapshots/transfer-options.ts';

type Use = GroupUse<never, never, never, never>;

/** What parts of a node get, over what is in memory. */
async function node(): Promise<{ readonly world: World; readonly context: ClusterContext }> {
  const world = createWorld({ seed: 1 });
  const host = world.host('a');
  const network = memoryNetwork({ route: world.route });
  const made = new Promise<ClusterContext>((resolve) => {
    host.start(async (system) => {
      const storage = memoryStorage({ disk: memoryDisk() }).create({ ...system, nodeId: 'a' });
      await storage.open();
      const self = { id: 'a', host: host.address, port: 7000 };
      const cluster = { name: 'test', id: 'cluster-1', adopt: () => undefined };
      const security = { keyring: undefined, insecure: true };
      const debug = new Set<string>();
      const parts = { ...system, self, bind: self, incarnation: 1, cluster, security, debug };
      const transport = memoryTransport({ network }).create(parts);
      resolve({ ...parts, storage, transport } as unknown as ClusterContext);
    });
  });
  return { world, context: await world.settled(made, 1000) };
}

function use(owner: string, transfer?: SnapshotTransferOptions): Use {
  return { owner, settings: readGroupOptions(owner, { voters: ['a'] }), ...(transfer && { transfer }) };
}

describe('groups of one node', () => {
  it('refuse a use that contradicts that of another group about how snapshots are sent', async () => {
    const { context } = await node();
    sharedGroup(context, 1).join(use('one', { maxSends: 3 }));
    sharedGroup(context, 2).join(use('two', { maxReceives: 4 }));
    const third = sharedGroup(context, 3);
    expect(() => third.join(use('three', { maxSends: 2 }))).toThrow(
      'one and three share how their node sends snapshots, and must be given the same snapshotTransfer.maxSends: got 3 and 2',
    );
    third.join(use('three', { maxSends: 3, maxReceives: 4 }));
  });

  it('keep, once one of them has started, to the defaults of what nobody named', async () => {
    const { world, context } = await node();
    const first = sharedGroup(context, 1);
    first.join(use('one', { maxSends: 3 }));
    await world.settled(first.start(), 1000);
    const second = sharedGroup(context, 2);
    expect(() => second.join(use('two', { maxReceives: 4 }))).toThrow(/snapshotTransfer\.maxReceives: got 2 and 4/u);
    expect(() => second.join(use('two', { maxSends: 2 }))).toThrow(/snapshotTransfer\.maxSends: got 3 and 2/u);
    second.join(use('two', { maxSends: 3, maxReceives: 2 }));
    await world.settled(Promise.all([first.leave(), second.leave()]), 1000);
  });
});

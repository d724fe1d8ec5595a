import type { ClusterContext, System } from '@quorate/core';
import { memoryNetwork, memoryTransport } from '@quorate/memory';
import { createWorld, type Host } from '@quorate/simulator';
import { fileStorage } from '@quorate/storage-file';
import { describe, expect, it } from 'vitest';
import { readGroupOptions } from '../../src/group-options.ts';
import type { RaftGroup } from '../../src/raft-group.ts';
import { sharedGroup } from '../../src/shared-group.ts';
import { Ledger } from '../commands/ledger.ts';

type LedgerGroup = RaftGroup<string, string, 'lines' | 'count', string>;

const NAMES = ['a', 'b', 'c'];
const GROUPS = [1, 7];
const PORT = 7000;
const FRAME_MAGIC = 0x5146524d;

/** Nodes of two groups each, which share the log of the node. */
class TwoGroups {
  readonly world = createWorld({ seed: 'two groups', link: { latencyMs: 0.2, jitterMs: 0.5 } });
  readonly groups = new Map<string, readonly LedgerGroup[]>();
  readonly #network = memoryNetwork({ route: this.world.route });

  constructor() {
    for (const name of NAMES) this.world.host(name);
    for (const name of NAMES) this.start(name);
  }

  host(name: string): Host {
    return this.world.hosts.find((each) => each.name === name) as Host;
  }

  start(name: string): void {
    this.groups.delete(name);
    this.host(name).start((system) => this.#main(name, system));
  }

  group(name: string, at: number): LedgerGroup | undefined {
    return this.groups.get(name)?.[at];
  }

  async write(at: number, command: string): Promise<void> {
    const leader = NAMES.find((name) => this.group(name, at)?.status.role === 'leader') as string;
    const group = this.group(leader, at) as LedgerGroup;
    await this.world.settled(group.submitOne({ kind: 'plain', data: group.encode(command) }), 10_000);
  }

  has(name: string, at: number, count: number): boolean {
    const group = this.group(name, at);
    return group?.status.phase === 'running' && group.status.appliedIndex > 0 && group.query('count') === String(count);
  }

  async #main(name: string, system: System): Promise<void> {
    const storage = fileStorage({ directory: '/data' }).create({ ...system, nodeId: name });
    await storage.open();
    const self = { id: name, host: this.host(name).address, port: PORT };
    const cluster = { name: 'test', id: 'cluster-1', adopt: () => undefined };
    const security = { keyring: undefined, insecure: true };
    const debug = new Set<string>();
    const parts = { ...system, self, bind: self, incarnation: this.host(name).boots, cluster, security, debug };
    const transport = memoryTransport({ network: this.#network }).create(parts);
    const context = { ...parts, storage, transport } as unknown as ClusterContext;
    const shared = GROUPS.map((id) => sharedGroup(context, id));
    for (const each of shared) {
      const settings = readGroupOptions('test', { voters: NAMES });
      each.join({ owner: 'test', settings, machine: () => new Ledger() });
    }
    const started = await Promise.all(shared.map((each) => each.start<string, string, 'lines' | 'count', string>()));
    for (const group of started) group.users.stand(this, true);
    this.groups.set(name, started);
    await transport.start();
    for (const other of this.world.hosts) {
      if (other.name !== name) transport.addContact({ host: other.address, port: PORT });
    }
  }
}

/** Turns a bit over in the second frame of the log. */
function rot({ disk }: Host): void {
  const path = disk.files.find((each) => each.endsWith('.segment')) as string;
  const bytes = disk.read(path) as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let frames = 0;
  for (let offset = 4096; offset < bytes.length; offset += 4096) {
    if (view.getUint32(offset) !== FRAME_MAGIC) continue;
    frames += 1;
    if (frames === 2) disk.flipBit(path, offset + 60);
  }
  expect(frames).toBeGreaterThan(10);
}

/** Both groups have a leader and ten commands. */
async function filled(): Promise<{ readonly stage: TwoGroups; readonly victim: string }> {
  const stage = new TwoGroups();
  const leads = (at: number) => NAMES.some((name) => stage.group(name, at)?.status.role === 'leader');
  await stage.world.runUntil(() => leads(0) && leads(1), 10_000);
  for (let n = 0; n < 10; n += 1) for (const at of [0, 1]) await stage.write(at, `${at}-${n}`);
  const victim = NAMES.find((name) => stage.group(name, 0)?.status.role !== 'leader') as string;
  return { stage, victim };
}

/** Until this node is, in both groups, a member of a fresh number with all that there is. */
async function expectRepaired(stage: TwoGroups, victim: string): Promise<void> {
  const { world } = stage;
  await world.runUntil(() => [0, 1].every((at) => stage.has(victim, at, 10)), 20_000);
  const members = (at: number) => stage.group(victim, at)?.status.members ?? [];
  await world.runUntil(() => [0, 1].every((at) => members(at).length === NAMES.length), 20_000);
  for (const at of [0, 1]) {
    const shown = members(at).map(({ nodeId, number }) => [nodeId, number > NAMES.length]);
    expect(shown).toEqual(expect.arrayContaining(NAMES.map((name) => [name, name === victim])));
  }
}

describe('a node whose groups share a damaged log', () => {
  it('is given its place in each of them again', async () => {
    const { stage, victim } = await filled();
    stage.host(victim).crash();
    rot(stage.host(victim));
    stage.start(victim);
    await stage.world.runUntil(() => stage.group(victim, 1)?.status.phase === 'repairing', 5000);
    expect(stage.group(victim, 0)?.status).toMatchObject({ phase: 'repairing', error: { code: 'CORRUPT' } });
    await expectRepaired(stage, victim);
  });

  it('is so in both when the snapshot of one is damaged, though the other runs already', async () => {
    const { stage, victim } = await filled();
    await stage.world.runUntil(() => stage.has(victim, 1, 10), 5000);
    await stage.world.settled(stage.group(victim, 1)?.operations.snapshotNow() ?? Promise.reject(new Error()), 5000);
    const { disk } = stage.host(victim);
    stage.host(victim).crash();
    const path = disk.files.find((each) => each.endsWith('.snapshot')) as string;
    disk.flipBit(path, (disk.read(path)?.length ?? 0) - 1);
    stage.start(victim);
    await stage.world.runUntil(() => stage.groups.has(victim), 5000);
    expect(disk.files.some((each) => each.startsWith(path) && each.endsWith('.damaged'))).toBe(true);
    await expectRepaired(stage, victim);
  });
});

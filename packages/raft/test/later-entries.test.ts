import { describe, expect, it } from 'vitest';
import { encodeConfChange, type Entry, MemoryRaftStorage, RaftNode } from '../src/index.ts';
import { bytes, confState, Group, type Host } from './group.ts';

/** Three nodes, of which the first leads, and the third has missed what the first can't read at once. */
function withFarFollower(options: { readonly asyncStorageWrites?: boolean } = {}): Group {
  const group = new Group({ electionTicks: 10, heartbeatTicks: 1, maxSizePerMessage: 40, ...options });
  for (let id = 1; id <= 3; id += 1) group.add(confState([1, 2, 3]));
  group.host(1).node.campaign();
  group.settle();
  for (const name of ['a', 'b', 'c']) {
    group.host(1).node.propose(bytes(name.repeat(20)));
    group.settle(({ to }) => to === 3);
  }
  const { node, storage } = group.host(1);
  storage.unload(storage.lastIndex());
  node.reportUnreachable(3);
  return group;
}

function load({ node, storage }: Host): void {
  storage.load();
  node.entriesLoaded();
}

describe('entries that have to be loaded first', () => {
  it.each([false, true])('are sent once they are, and until then nothing but heartbeats', (asyncStorageWrites) => {
    const group = withFarFollower({ asyncStorageWrites });
    const heard: string[] = [];
    group.tick(25, ({ to, type }) => {
      if (to === 3) heard.push(type);
      return false;
    });
    expect(new Set(heard)).toEqual(new Set(['Heartbeat']));
    expect(group.host(1).node.status().progress.get(3)).toMatchObject({ state: 'probe', paused: true });
    load(group.host(1));
    group.settle();
    expect(group.host(3).applied).toEqual(group.host(1).applied);
    expect(group.host(3).applied).toHaveLength(3);
  });

  it('wake nobody up while they are not', () => {
    const group = withFarFollower();
    group.tick(3);
    expect(group.hosts.map(({ node }) => node.hasReady())).toEqual([false, false, false]);
  });

  it('give way to a snapshot if they are compacted away meanwhile', () => {
    const group = withFarFollower();
    group.tick(1);
    group.host(1).compact(0);
    group.tick(2);
    expect(group.host(3).index).toBe(2);
    group.host(1).node.entriesLoaded();
    group.settle();
    expect(group.host(3).index).toBe(group.host(1).index);
  });

  it('let those through that are at hand', () => {
    const group = withFarFollower();
    group.host(1).storage.unload(2);
    group.host(1).node.propose(bytes('new'));
    group.settle(({ to }) => to === 3);
    expect(group.host(2).applied.at(-1)).toBe('new');
  });

  it('are applied once they are', () => {
    const { node, storage } = startedBehind([normal(2), normal(3)]);
    expect(node.hasReady()).toBe(true);
    expect(node.ready().committedEntries).toEqual([]);
    node.advance();
    expect(node.hasReady()).toBe(false);
    storage.load();
    node.entriesLoaded();
    expect(node.ready().committedEntries.map(({ index }) => index)).toEqual([2, 3]);
  });

  it('keep a node from campaigning that cannot see whether the configuration is about to change', () => {
    const { node, storage } = startedBehind([normal(2), normal(3)]);
    expect(node.campaign()).toBe('later');
    for (let i = 0; i < 30; i += 1) node.tick();
    expect(node.basicStatus().role).toBe('follower');
    storage.load();
    node.entriesLoaded();
    node.tick();
    expect(node.basicStatus().role).toBe('pre-candidate');
  });

  it('are looked at page by page for changes of the configuration, each page once', () => {
    const entries = [normal(2), normal(3), normal(4)];
    const { node, storage } = startedBehind(entries);
    for (const { index } of entries) {
      expect(node.campaign()).toBe('later');
      storage.onlyAt = index;
    }
    expect(node.campaign()).toBe('ok');
  });

  it('may hold a change of the configuration that has to be applied first', () => {
    const change = encodeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'remove-node', nodeId: 3 }] });
    const { node, storage } = startedBehind([normal(2), { index: 3, term: 1, ...change }, normal(4)]);
    expect(node.campaign()).toBe('later');
    storage.load();
    expect(node.campaign()).toBe('not-electable');
  });
});

function normal(index: number): Entry {
  return { index, term: 1, type: 'normal', data: bytes('x'.repeat(50)) };
}

/** Holds one page of one entry at a time. */
class PagedStorage extends MemoryRaftStorage {
  onlyAt = 0;

  override entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | 'later' | undefined {
    if (this.onlyAt === 0) return super.entries(lo, hi, maxBytes);
    if (lo !== this.onlyAt) return 'later';
    this.load();
    return super.entries(lo, lo + 1, maxBytes);
  }
}

/** A node with all these entries committed, none of them applied, and none at hand. */
function startedBehind(entries: readonly Entry[]): { readonly node: RaftNode; readonly storage: PagedStorage } {
  const storage = new PagedStorage();
  storage.applySnapshot({ metadata: { index: 1, term: 1, confState: confState([1, 2, 3]) }, data: bytes('') });
  storage.append(entries);
  storage.setHardState({ term: 1, vote: 0, commit: entries.length + 1 });
  storage.unload(entries.length + 1);
  const node = new RaftNode({ id: 1, electionTicks: 10, heartbeatTicks: 1, storage, random: { int: () => 0 } });
  return { node, storage };
}

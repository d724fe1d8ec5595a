import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeUpTo } from '../src/entry-size.ts';
import { decodeConfChange, type Entry, encodeConfChange, type Message, RaftError, RaftNode } from '../src/index.ts';
import { MemoryRaftStorage } from '../src/memory-raft-storage.ts';
import { message } from '../src/messages.ts';
import { RaftLog } from '../src/raft-log.ts';
import { UnstableLog } from '../src/unstable-log.ts';
import { bytes, confState } from './group.ts';

const entry = (index: number, term: number, data = ''): Entry => ({ index, term, type: 'normal', data: bytes(data) });

/** A storage with a snapshot at index 1 of term 1, and entries of these terms behind it. */
function stored(...terms: readonly number[]): MemoryRaftStorage {
  const storage = new MemoryRaftStorage();
  storage.applySnapshot({ metadata: { index: 1, term: 1, confState: confState([1, 2, 3]) }, data: bytes('') });
  storage.append(terms.map((term, i) => entry(i + 2, term)));
  return storage;
}

function startNode(storage: MemoryRaftStorage): RaftNode {
  const timing = { electionTicks: 10, heartbeatTicks: 1, preVote: false, random: { int: () => 0 } };
  return new RaftNode({ id: 1, storage, ...timing });
}

/** Carries out everything there is to do, and forgets the messages. */
function carryOut(node: RaftNode, storage: MemoryRaftStorage): void {
  while (node.hasReady()) {
    const { hardState, entries } = node.ready();
    if (hardState) storage.setHardState(hardState);
    storage.append(entries);
    node.advance();
  }
}

describe('the unstable end of the log', () => {
  it('keeps an entry that was replaced while the old one was being written', () => {
    const log = new UnstableLog(5);
    log.truncateAndAppend([entry(5, 1), entry(6, 1)]);
    log.acceptInProgress();
    log.truncateAndAppend([entry(6, 2)]);
    log.stableTo(6, 1);
    expect(log.nextEntries()).toEqual([entry(6, 2)]);
    expect(log.maybeTerm(6)).toBe(2);
    log.stableTo(5, 1);
    expect(log.offset).toBe(6);
  });

  it('behaves like a plain list, whatever is appended, handed out and written', () => {
    const action = fc.record({
      kind: fc.constantFrom('append', 'accept', 'stable'),
      at: fc.nat(9),
      count: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const log = new UnstableLog(1);
        let model: Entry[] = [];
        let [firstUnstable, handedOut, term] = [1, 1, 0];
        for (const { kind, at, count } of actions) {
          if (kind === 'append') {
            term += 1;
            const from = Math.min(at + 1, model.length + 1);
            const added = Array.from({ length: count }, (_, i) => entry(from + i, term));
            model = [...model.slice(0, from - 1), ...added];
            log.truncateAndAppend(added);
            firstUnstable = Math.min(firstUnstable, from);
            handedOut = Math.min(handedOut, from);
          } else if (kind === 'accept') {
            log.acceptInProgress();
            handedOut = model.length + 1;
          } else {
            const written = model[Math.min(at, handedOut - 2)];
            if (written === undefined) continue;
            log.stableTo(written.index, written.term);
            firstUnstable = Math.max(firstUnstable, written.index + 1);
          }
          expect(log.offset).toBe(firstUnstable);
          expect(log.nextEntries()).toEqual(model.slice(handedOut - 1));
          expect(log.slice(firstUnstable, model.length + 1, Infinity)).toEqual(model.slice(firstUnstable - 1));
        }
      }),
    );
  });
});

describe('the log', () => {
  it('takes over what connects, and replaces only what differs', () => {
    const log = new RaftLog(stored(1, 2, 2), Infinity);
    const entries = [entry(3, 2), entry(4, 3), entry(5, 3)];
    expect(log.tryAppend(message({ type: 'App', index: 2, logTerm: 1, entries, commit: 9 }))).toBe(5);
    expect([log.committed, log.lastTerm, log.unstable.offset]).toEqual([5, 3, 4]);
    expect(log.tryAppend(message({ type: 'App', index: 4, logTerm: 2 }))).toBeUndefined();
  });

  it('never replaces what is committed', () => {
    const log = new RaftLog(stored(1, 1), Infinity);
    log.commitTo(3);
    const overwrite = message({ type: 'App', index: 2, logTerm: 1, entries: [entry(3, 2)] });
    expect(() => log.tryAppend(overwrite)).toThrow(expect.objectContaining({ name: 'RaftError', code: 'LOG_BROKEN' }));
  });

  it('skips a whole term when it looks for where two logs agree', () => {
    const log = new RaftLog(stored(1, 4, 4, 4, 6), Infinity);
    expect(log.findConflictByTerm(5, 3)).toEqual({ index: 2, term: 1 });
    expect(log.findConflictByTerm(6, 5)).toEqual({ index: 5, term: 4 });
  });

  it('reads across storage and the unstable end, within limits but at least one entry', () => {
    const log = new RaftLog(stored(1, 1), Infinity);
    log.append([entry(4, 2, 'x'.repeat(50)), entry(5, 2)]);
    const indices = (maxBytes: number): readonly number[] => {
      const entries = log.slice(2, 6, maxBytes);
      return typeof entries === 'object' ? entries.map(({ index }) => index) : [];
    };
    expect(indices(Infinity)).toEqual([2, 3, 4, 5]);
    expect(indices(0)).toEqual([2]);
    expect(indices(40)).toEqual([2, 3]);
    expect(indices(100)).toEqual([2, 3, 4]);
    expect(log.slice(1, 3, 1)).toBeUndefined();
  });

  it('takes as many as fit, and never none', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 1 }), fc.nat(200), (sizes, max) => {
        const entries = sizes.map((size, i) => entry(i, 1, 'x'.repeat(size)));
        const taken = takeUpTo(entries, 0, entries.length, max);
        const cost = (list: readonly Entry[]): number => list.reduce((sum, { data }) => sum + data.byteLength + 16, 0);
        expect(taken.length).toBeGreaterThan(0);
        expect(taken.length === 1 || cost(taken) <= max).toBe(true);
        if (taken.length < entries.length) expect(cost(entries.slice(0, taken.length + 1))).toBeGreaterThan(max);
      }),
    );
  });
});

describe('a leader', () => {
  it('does not commit an entry of an older term because it is on a majority', () => {
    const storage = stored(1);
    storage.setHardState({ term: 1, vote: 1, commit: 1 });
    const node = startNode(storage);
    node.campaign();
    carryOut(node, storage);
    node.step(message({ type: 'VoteResp', from: 2, to: 1, term: 2 }));
    carryOut(node, storage);
    expect(node.basicStatus()).toMatchObject({ role: 'leader', lastIndex: 3, commit: 1 });
    node.step(message({ type: 'AppResp', from: 2, to: 1, term: 2, index: 2 }));
    expect(node.basicStatus().commit).toBe(1);
    node.step(message({ type: 'AppResp', from: 2, to: 1, term: 2, index: 3 }));
    expect(node.basicStatus().commit).toBe(3);
  });
});

describe('a node', () => {
  const change = encodeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'remove-node', nodeId: 3 }] });

  it('does not campaign while a committed change of the configuration waits to be applied', () => {
    const storage = stored();
    storage.append([{ index: 2, term: 1, ...change }]);
    storage.setHardState({ term: 1, vote: 0, commit: 2 });
    const node = startNode(storage);
    node.campaign();
    expect(node.basicStatus().role).toBe('follower');
    const { committedEntries } = node.ready();
    for (const committed of committedEntries) node.applyConfChange(decodeConfChange(committed), committed.index);
    node.advance();
    node.campaign();
    expect(node.basicStatus().role).toBe('candidate');
  });

  it('keeps the configuration of a snapshot when an older change is applied after it arrived', () => {
    const node = startNode(stored());
    const snapshot = { metadata: { index: 9, term: 2, confState: confState([1, 2, 3, 4]) }, data: bytes('') };
    node.step(message({ type: 'Snap', from: 2, to: 1, term: 2, snapshot }));
    expect(node.applyConfChange(decodeConfChange(change), 5)).toEqual(snapshot.metadata.confState);
  });

  it('does not take the write of an entry for that of the same entry, replaced and put back since', () => {
    const storage = stored();
    const timing = { electionTicks: 10, heartbeatTicks: 1, random: { int: () => 0 } };
    const node = new RaftNode({ id: 1, storage, asyncStorageWrites: true, ...timing });
    const appendIn = (term: number, entryTerm: number): Message => {
      const entries = [entry(2, entryTerm, 'data')];
      node.step(message({ type: 'App', from: 2, to: 1, term, index: 1, logTerm: 1, entries }));
      const write = node.ready().messages.find(({ type }) => type === 'StorageAppend');
      if (write === undefined) throw new Error('nothing is to be written');
      return write;
    };
    const finish = (write: Message): void => {
      storage.append(write.entries);
      for (const response of write.responses) if (response.to === 1) node.step(response);
    };
    const writes = [appendIn(1, 1), appendIn(2, 2), appendIn(3, 1)] as const;
    node.step(message({ type: 'Heartbeat', from: 2, to: 1, term: 3, commit: 2 }));
    finish(writes[0]);
    finish(writes[1]);
    expect(node.ready().committedEntries).toEqual([]);
    finish(writes[2]);
    expect(node.ready().committedEntries).toEqual([entry(2, 1, 'data')]);
  });

  it('says so when its log was lost', () => {
    const node = startNode(stored());
    const heartbeat = message({ type: 'Heartbeat', from: 2, to: 1, term: 2, commit: 7 });
    expect(() => node.step(heartbeat)).toThrow(RaftError);
    const storage = stored();
    storage.setHardState({ term: 2, vote: 0, commit: 7 });
    expect(() => startNode(storage)).toThrow(/log ends at 1/u);
  });

  it('takes nothing from the network that only it may say, and no answers of strangers', () => {
    const node = startNode(stored());
    expect(node.step(message({ type: 'Hup', from: 2 }))).toBe('local-only');
    expect(node.step(message({ type: 'AppResp', from: 8, to: 1, term: 1 }))).toBe('unknown-peer');
    expect(node.propose(bytes('nobody leads'))).toBe('no-leader');
  });

  it('refuses a configuration that cannot work', () => {
    const base = { id: 1, storage: stored(), electionTicks: 10, heartbeatTicks: 1, random: { int: () => 0 } };
    expect(() => new RaftNode({ ...base, id: 0 })).toThrow(/id must be/u);
    expect(() => new RaftNode({ ...base, electionTicks: 1 })).toThrow(
      /electionTicks must be an integer of at least 2/u,
    );
    expect(() => new RaftNode({ ...base, maxSizePerMessage: 9, maxInflightBytes: 8 })).toThrow(/maxInflightBytes/u);
  });
});

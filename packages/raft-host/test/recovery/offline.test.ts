import { encodeBatch, type GroupLog, type LogEntry } from '@quorate/core';
import { memoryDisk, memoryStorage } from '@quorate/memory';
import { type ConfChange, type ConfState, encodeConfChange } from '@quorate/raft';
import { createWorld } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';
import { decodeGroupState, encodeGroupState, type GroupState } from '../../src/group-state.ts';
import { decodeSnapshotMembers, encodeChangeContext, encodeSnapshotMembers, type Member } from '../../src/members.ts';
import { forceNewCluster } from '../../src/recovery/force-new-cluster.ts';
import { inspectGroup } from '../../src/recovery/inspect-group.ts';
import { membersInLog } from '../../src/recovery/members-in-log.ts';
import { type OfflineNode, withLogs } from '../../src/recovery/offline-node.ts';
import { restoreGroup } from '../../src/recovery/restore-group.ts';
import { kindOf } from '../../src/wire/entry-kind.ts';
import { backupOf, FORMATION, INFO, inPieces } from './sealed.ts';

const DISK: string = 'cd'.repeat(16);
const STATE: GroupState = {
  disk: DISK,
  identity: { formation: FORMATION, number: 1 },
  isRemoved: false,
  term: 7,
  vote: 2,
};
const world = createWorld({ seed: 'offline' });
let hosts = 0;

/** Runs on a node of its own, with an empty disk. */
async function onNode<T>(act: (node: OfflineNode) => Promise<T>): Promise<T> {
  hosts += 1;
  const host = world.host(`host-${hosts}`);
  const storage = memoryStorage({ disk: memoryDisk() });
  const done = new Promise<T>((resolve, reject) => {
    host.start((system) => void act({ nodeId: 'a', storage, system }).then(resolve, reject));
  });
  return world.settled(done, 10_000);
}

function onLog<T>(node: OfflineNode, act: (log: GroupLog) => Promise<T>): Promise<T> {
  return withLogs(node, (logs) => act(logs.group(1)));
}

function member(number: number): Member {
  return { number, nodeId: String.fromCodePoint(96 + number), disk: DISK, wants: 'voter' };
}

function changeAt(index: number, term: number, change: ConfChange): LogEntry {
  const { type, data } = encodeConfChange(change);
  return { index, term, kind: kindOf(type), data };
}

function founded(count: number): LogEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const context = encodeChangeContext({ members: [member(at + 1)] });
    return changeAt(at + 1, 1, { version: 1, type: 'add-node', nodeId: at + 1, context });
  });
}

async function fill(log: GroupLog, entries: readonly LogEntry[], state: GroupState = STATE): Promise<void> {
  await log.append(
    entries.map((entry) => encodeBatch([entry])),
    { state: encodeGroupState(state), commit: 2 },
  );
}

function only(number: number): ConfState {
  return { voters: [number], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}

describe('restoreGroup', () => {
  it('makes a member that nobody was before, of a formation that nobody was in', async () => {
    const content = new Uint8Array([1, 2, 3]);
    const backup = await backupOf(content);
    const restored = () =>
      onNode(async (node) => {
        const result = await restoreGroup(node, { backup: inPieces(backup) });
        return onLog(node, async (log) => {
          const { snapshot, commit, firstIndex, lastIndex } = log;
          if (snapshot === undefined || log.state === undefined) throw new Error('nothing was restored');
          const bytes = await log.readSnapshot(snapshot, 0, 100);
          return { result, snapshot, bytes, commit, firstIndex, lastIndex, state: decodeGroupState(log.state) };
        });
      });
    const first = await restored();
    const { state, snapshot, result } = first;
    expect(first.bytes).toEqual(content);
    expect(first).toMatchObject({ commit: INFO.index, firstIndex: INFO.index + 1, lastIndex: INFO.index });
    const number = INFO.lastNumber + 1;
    expect(state).toMatchObject({ identity: { formation: result.formation, number }, term: INFO.term, vote: 0 });
    expect(decodeSnapshotMembers(snapshot.metadata)).toEqual({
      confState: only(number),
      members: [{ number, nodeId: 'a', disk: state.disk, wants: 'voter' }],
      lastNumber: number,
    });
    const second = await restored();
    expect(second.result.formation).not.toBe(result.formation);
    expect(second.state.disk).not.toBe(state.disk);
  });

  it('leaves nothing behind when it fails', async () => {
    const backup = await backupOf(new Uint8Array(10));
    await onNode(async (node) => {
      const refused = restoreGroup(node, { backup: inPieces(backup), until: { index: INFO.index + 1 } });
      await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await onLog(node, async ({ state, snapshot, lastIndex }) =>
        expect({ state, snapshot, lastIndex }).toEqual({ state: undefined, snapshot: undefined, lastIndex: 0 }),
      );
    });
  });

  it('is refused for the backup of another group', async () => {
    const backup = await backupOf(new Uint8Array(10));
    const refused = onNode((node) => restoreGroup(node, { backup: inPieces(backup), group: 2 }));
    await expect(refused).rejects.toMatchObject({ code: 'REFUSED' });
  });
});

describe('forceNewCluster', () => {
  it('goes on from wherever the members were: in between two configurations, too', async () => {
    const joint: ConfChange = {
      version: 2,
      transition: 'joint-explicit',
      changes: [
        { type: 'add-node', nodeId: 4 },
        { type: 'remove-node', nodeId: 2 },
      ],
      context: encodeChangeContext({ members: [member(4)] }),
    };
    const learner: ConfChange = {
      version: 1,
      type: 'add-learner',
      nodeId: 5,
      context: encodeChangeContext({ members: [member(5)] }),
    };
    const logs = [
      founded(1),
      founded(3),
      [...founded(3), changeAt(4, 2, learner)],
      [...founded(3), changeAt(4, 2, joint)],
    ];
    for (const entries of logs) {
      await onNode(async (node) => {
        await onLog(node, (log) => fill(log, entries));
        const { former, formation, lastIndex } = await forceNewCluster(node);
        const number = Math.max(...former.map((each) => each.number)) + 1;
        expect(lastIndex).toBe(entries.length);
        await onLog(node, async (log) => {
          const { members, confState } = await membersInLog(log);
          expect(confState).toEqual(only(number));
          expect(members.all).toMatchObject([{ number, nodeId: 'a' }]);
          expect(log.commit).toBe(log.lastIndex);
          // Nobody has voted in it, nor written.
          expect(log.term(log.lastIndex)).toBe(STATE.term + 1);
          const state = decodeGroupState(log.state as Uint8Array);
          expect(state).toMatchObject({ identity: { formation, number }, term: STATE.term + 1, vote: 0 });
          expect(state.disk).toBe(members.all[0]?.disk);
          expect([FORMATION, DISK]).not.toContain(formation);
          expect(state.disk).not.toBe(DISK);
        });
      });
    }
  });

  it('is refused to a member that was removed', async () => {
    const refused = onNode(async (node) => {
      await onLog(node, (log) => fill(log, founded(3), { ...STATE, isRemoved: true }));
      await forceNewCluster(node);
    });
    await expect(refused).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('goes on behind a snapshot, also where a crash kept the log from being cut', async () => {
    const metadata = encodeSnapshotMembers({
      confState: { ...only(1), voters: [1, 6] },
      members: [member(1), member(6)],
      lastNumber: 8,
    });
    await onNode(async (node) => {
      await onLog(node, async (log) => {
        await fill(log, founded(3));
        await log.saveSnapshot({ index: 20, term: 5, metadata }, inPieces(new Uint8Array(3)));
      });
      expect(await inspectGroup(node)).toMatchObject({ lastIndex: 20, lastTerm: 5, commit: 20, snapshotIndex: 20 });
      const { former, lastIndex } = await forceNewCluster(node);
      expect(former.map(({ number }) => number)).toEqual([1, 6]);
      expect(lastIndex).toBe(20);
      await onLog(node, async (log) => {
        expect(log.firstIndex).toBe(21);
        expect((await membersInLog(log)).confState).toEqual(only(9));
      });
    });
  });
});

import { describe, expect, it } from 'vitest';
import { EMPTY_CONF_STATE, MemoryRaftStorage } from '../src/memory-raft-storage.ts';
import { message } from '../src/messages.ts';
import { RaftNode } from '../src/raft-node.ts';
import type { Entry } from '../src/types.ts';

describe('a change of the configuration that a peer sends on', () => {
  it('leaves an empty entry behind where it is none', () => {
    const { leader, storage } = singleLeader();
    const entry = { index: 0, term: 0, type: 'conf-change-v2', data: Uint8Array.of(77, 1, 2) } as const;
    expect(leader.step(message({ type: 'Prop', from: 2, to: 1, entries: [entry] }))).toBe('ok');
    carryOut(leader, storage);
    expect(last(storage)).toMatchObject({ type: 'normal', index: 3 });
  });

  it('is taken where it is one', () => {
    const { leader, storage } = singleLeader();
    leader.proposeConfChange({ version: 2, transition: 'auto', changes: [{ type: 'add-learner', nodeId: 2 }] });
    carryOut(leader, storage);
    expect(last(storage)).toMatchObject({ type: 'conf-change-v2', index: 3 });
  });
});

function singleLeader(): { leader: RaftNode; storage: MemoryRaftStorage } {
  const storage = new MemoryRaftStorage();
  const confState = { ...EMPTY_CONF_STATE, voters: [1] };
  storage.applySnapshot({ metadata: { index: 1, term: 1, confState }, data: new Uint8Array() });
  const leader = new RaftNode({ id: 1, electionTicks: 10, heartbeatTicks: 1, storage, random: { int: () => 0 } });
  leader.campaign();
  carryOut(leader, storage);
  expect(leader.basicStatus().role).toBe('leader');
  return { leader, storage };
}

/** Does all there is to do, but applies nothing. */
function carryOut(node: RaftNode, storage: MemoryRaftStorage): void {
  while (node.hasReady()) {
    const { hardState, entries } = node.ready();
    if (hardState) storage.setHardState(hardState);
    storage.append(entries);
    node.advance();
  }
}

function last(storage: MemoryRaftStorage): Entry | undefined {
  const end = storage.lastIndex();
  const entries = storage.entries(end, end + 1, Infinity);
  return entries === 'later' ? undefined : entries?.[0];
}

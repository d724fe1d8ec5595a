import { describe, expect, it } from 'vitest';
import { message } from '../src/messages.ts';
import { bytes, confState, Group } from './group.ts';

describe('a voter that was removed', () => {
  it('tells those for whom it is a voter yet that it is none, rather than refuse them its vote for ever', () => {
    const group = new Group({ electionTicks: 5, heartbeatTicks: 1, preVote: false });
    for (let id = 1; id <= 2; id += 1) group.add(confState([1, 2]));
    group.host(1).node.campaign();
    group.settle();
    const changes = [{ type: 'remove-node', nodeId: 1 }] as const;
    group.host(1).node.proposeConfChange({ version: 2, transition: 'joint-implicit', changes });
    let hasLeft = false;
    group.settle((m) => {
      // The other has the entry that leaves the joint configuration, and never hears that it is committed.
      hasLeft ||= m.from === 2 && m.type === 'AppResp' && m.index >= 4;
      if (!hasLeft || m.from !== 1) return false;
      return true;
    });
    expect(group.host(1).conf.voters).toEqual([2]);
    expect(group.host(2).conf.votersOutgoing).toEqual([1, 2]);
    // As if it had taken proposals that went nowhere: now its log is longer.
    const extra = { index: 5, term: 1, type: 'normal', data: bytes('lost') } as const;
    group.host(1).node.step(message({ type: 'App', from: 2, to: 1, index: 4, logTerm: 1, entries: [extra] }, 2, 1));
    group.settle((m) => m.from === 1);
    group.tick(40);
    expect(group.host(2).node.basicStatus().role).toBe('leader');
    expect(group.host(2).conf).toMatchObject({ voters: [2], votersOutgoing: [] });
  });
});

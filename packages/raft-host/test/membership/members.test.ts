import { describe, expect, it } from 'vitest';
import { type Member, Members } from '../../src/members.ts';

const NOBODY = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false } as const;

function member(number: number, nodeId: string): Member {
  return { number, nodeId, disk: String(number).padStart(32, '0'), wants: 'voter' };
}

describe('the members of a group', () => {
  it('never have a number that was given before', () => {
    const members = new Members([member(1, 'a'), member(2, 'b'), member(3, 'c')], 3);
    members.retain({ ...NOBODY, voters: [1, 2] });
    expect(members.lastNumber).toBe(3);
    expect([1, 2, 3, 4].map((number) => members.wasRemoved(number))).toEqual([false, false, true, false]);
    members.put(member(4, 'c'));
    expect(members.ofNode('c')?.number).toBe(4);
    expect(members.wasRemoved(3)).toBe(true);
  });

  it('are kept while either half of a joint configuration knows them', () => {
    const members = new Members([member(1, 'a'), member(2, 'b'), member(3, 'c')], 3);
    members.retain({ ...NOBODY, voters: [1], votersOutgoing: [1, 2], learnersNext: [2], learners: [3] });
    expect(members.all).toHaveLength(3);
    members.retain({ ...NOBODY, voters: [1], learners: [2] });
    expect(members.all.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('may be one node twice, while it takes its own place', () => {
    const members = new Members([member(1, 'a'), member(2, 'b'), member(3, 'b')], 3);
    expect(members.ofNode('b')?.number).toBe(3);
    members.retain({ ...NOBODY, voters: [1, 2] });
    expect(members.ofNode('b')?.number).toBe(2);
    members.retain({ ...NOBODY, voters: [1] });
    expect(members.ofNode('b')).toBeUndefined();
  });

  it('are what a snapshot says, whoever was there before', () => {
    const members = new Members([member(1, 'a'), member(7, 'z')], 7);
    members.replace([member(2, 'b')], 9);
    expect(members.all).toEqual([member(2, 'b')]);
    expect([members.lastNumber, members.wasRemoved(9), members.wasRemoved(10)]).toEqual([9, true, false]);
    expect(members.ofNode('a')).toBeUndefined();
  });
});

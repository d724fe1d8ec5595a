import { describe, expect, it } from 'vitest';
import { DueGroups } from '../src/due-groups.ts';

interface Group {
  readonly id: number;
  due: number;
}

function groups(): readonly [Group, Group, Group] {
  return [
    { id: 1, due: 0 },
    { id: 2, due: 0 },
    { id: 3, due: 0 },
  ];
}

function handedOut(due: DueGroups<Group>): number[] {
  const ids: number[] = [];
  due.handOut(({ id }) => void ids.push(id));
  return ids;
}

describe('groups that are due', () => {
  it('are handed out once, in the order in which they came', () => {
    const [one, two, three] = groups();
    const due = new DueGroups<Group>(1);
    for (const group of [three, one, three, two, one]) due.add(group);
    expect(handedOut(due)).toEqual([3, 1, 2]);
    expect(due.isEmpty).toBe(true);
    expect(handedOut(due)).toEqual([]);
  });

  it('may be due again while they are handed out, and are handed out again then', () => {
    const [one, two] = groups();
    const due = new DueGroups<Group>(1);
    due.add(one);
    due.add(two);
    const ids: number[] = [];
    due.handOut(({ id }) => {
      if (ids.length === 0) due.add(one);
      ids.push(id);
    });
    expect(ids).toEqual([1, 2, 1]);
  });

  it('are passed over when they were taken out', () => {
    const [one, two, three] = groups();
    const due = new DueGroups<Group>(1);
    for (const group of [one, two, three]) due.add(group);
    due.delete(one);
    due.delete(two);
    due.add(two);
    expect(handedOut(due)).toEqual([2, 3]);
  });

  it('know several things apart that they are due for', () => {
    const [one, two] = groups();
    const [writing, gathering] = [new DueGroups<Group>(2), new DueGroups<Group>(4)];
    writing.add(one);
    gathering.add(one);
    gathering.add(two);
    expect(gathering.takeAll()).toEqual([one, two]);
    expect(gathering.isEmpty).toBe(true);
    expect(handedOut(writing)).toEqual([1]);
    expect([one.due, two.due]).toEqual([0, 0]);
  });
});

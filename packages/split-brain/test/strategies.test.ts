import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { downAll, keepMajority, keepOldest, situationOf, type SplitBrainStrategy, staticQuorum } from '../src/index.ts';
import { member, type Partition, partitions, seenFrom, survivors } from './partitions.ts';

const RUNS = { numRuns: 2_000 };

/** The sides by their ids, the first of all nodes having joined first. */
function split(...sides: readonly (readonly string[])[]): Partition {
  const ids = sides.flat().sort();
  const members = ids.map((id, at) => member(id, at + 1));
  return { members, sides: sides.map((side) => members.filter(({ node }) => side.includes(node.id))), dead: [] };
}

function verdicts(strategy: SplitBrainStrategy, partition: Partition): readonly string[] {
  return partition.sides.map((side) => {
    const verdict = strategy.decide(seenFrom(partition, side));
    return verdict.type === 'down' ? verdict.reason : verdict.type;
  });
}

describe('at most one side goes on', () => {
  it.each<[string, (partition: Partition) => SplitBrainStrategy]>([
    ['keepMajority()', () => keepMajority()],
    ['keepMajority of a list', ({ members }) => keepMajority({ members: members.map(({ node }) => node.id) })],
    [
      'keepMajority of a part',
      ({ members }) => keepMajority({ members: members.slice(0, 3).map(({ node }) => node.id) }),
    ],
    ['staticQuorum, a majority', ({ members }) => staticQuorum({ size: Math.floor(members.length / 2) + 1 })],
    ['staticQuorum, whatever its size', ({ members }) => staticQuorum({ size: 1 + (members.length % 4) })],
    ['keepOldest()', () => keepOldest()],
    ['keepOldest without downIfAlone', () => keepOldest({ downIfAlone: false })],
    ['downAll()', () => downAll()],
  ])('%s', (_, strategyFor) => {
    fc.assert(
      fc.property(partitions, (partition) => {
        expect(survivors(strategyFor(partition), partition).length).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });

  it('keepMajority of a list does so even when each side knows others of the rest', () => {
    fc.assert(
      fc.property(partitions, fc.array(fc.nat(9), { maxLength: 6 }), (partition, unknown) => {
        const { members, sides } = partition;
        const strategy = keepMajority({ members: members.map(({ node }) => node.id) });
        const surviving = sides.filter((side) => {
          const known = members.filter((each, at) => side.includes(each) || !unknown.includes(at));
          return strategy.decide(seenFrom({ members: known }, side)).type === 'survive';
        });
        expect(surviving.length).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });

  it('keepMajority of lists that differ by one node that was added, whichever list each side has', () => {
    fc.assert(
      fc.property(partitions, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (partition, isNew) => {
        const ids = partition.members.map(({ node }) => node.id);
        const after = keepMajority({ members: ids });
        const before = ids.length > 1 ? keepMajority({ members: ids.slice(0, -1) }) : after;
        const surviving = partition.sides.filter((side, at) => {
          const strategy = isNew[at] === true ? after : before;
          return strategy.decide(seenFrom(partition, side)).type === 'survive';
        });
        expect(surviving.length).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });

  it('all nodes of a side come to the same verdict', () => {
    fc.assert(
      fc.property(partitions, (partition) => {
        for (const strategy of [keepMajority(), staticQuorum({ size: 3 }), keepOldest(), downAll()]) {
          for (const side of partition.sides) {
            const seen = seenFrom(partition, side);
            const all = side.map(({ node }) => JSON.stringify(strategy.decide({ ...seen, self: node.id })));
            expect(new Set(all).size).toBe(1);
          }
        }
      }),
      RUNS,
    );
  });
});

describe('the side that goes on', () => {
  it('is the one with the majority, where there is one', () => {
    fc.assert(
      fc.property(partitions, (partition) => {
        const majority = partition.sides.filter((side) => 2 * side.length > partition.members.length);
        expect(survivors(keepMajority(), partition)).toEqual(majority);
      }),
      RUNS,
    );
  });

  it('is the one with the oldest, unless that is alone', () => {
    fc.assert(
      fc.property(partitions, (partition) => {
        const [oldest] = [...partition.members].sort(
          (a, b) => (a.joinOrder ?? 0) - (b.joinOrder ?? 0) || (a.node.id < b.node.id ? -1 : 1),
        );
        const side = partition.sides.find((each) => each.includes(oldest!));
        expect(survivors(keepOldest({ downIfAlone: false }), partition)).toEqual(side === undefined ? [] : [side]);
        if (side !== undefined && side.length > 1) expect(survivors(keepOldest(), partition)).toEqual([side]);
      }),
      RUNS,
    );
  });
});

describe('where each is wrong', () => {
  it('keepMajority: two halves both go down', () => {
    expect(verdicts(keepMajority(), split(['a', 'b'], ['c', 'd']))).toEqual(['minority', 'minority']);
    expect(verdicts(keepMajority(), split(['a'], ['b']))).toEqual(['minority', 'minority']);
  });

  it('keepMajority: three sides without a majority all go down', () => {
    expect(verdicts(keepMajority(), split(['a', 'b'], ['c', 'd'], ['e']))).toEqual([
      'minority',
      'minority',
      'minority',
    ]);
  });

  it('keepMajority: when more than half die at once, the rest goes down too', () => {
    const { members } = split(['a', 'b', 'c', 'd', 'e']);
    const dying = (left: number) => ({ members, sides: [members.slice(0, left)], dead: members.slice(left) });
    expect(verdicts(keepMajority(), dying(2))).toEqual(['minority']);
    expect(verdicts(keepMajority({ members: members.map(({ node }) => node.id) }), dying(2))).toEqual(['minority']);
    expect(verdicts(keepMajority(), dying(3))).toEqual(['survive']);
  });

  it('keepMajority of lists: two sides go on where the lists differ, be it by one node that another has replaced', () => {
    const partition = split(['a', 'b'], ['c', 'd']);
    const [old, other] = [keepMajority({ members: ['a', 'b', 'c'] }), keepMajority({ members: ['b', 'c', 'd'] })];
    const ends = partition.sides.map((side, at) => [old, other][at]?.decide(seenFrom(partition, side)).type);
    expect(ends).toEqual(['survive', 'survive']);
  });

  it('keepMajority of what is seen: two sides go on when newcomers joined each of them unseen by the other', () => {
    const founders = ['a', 'b', 'c', 'd'].map((id, at) => member(id, at));
    const newcomers = (ids: readonly string[]) => ids.map((id) => member(id, 9));
    const [left, right] = [founders.slice(0, 2), founders.slice(2)];
    const sides = [
      { side: [...left, ...newcomers(['x'])], rest: right },
      { side: [...right, ...newcomers(['y'])], rest: left },
    ];
    const verdict = (strategy: SplitBrainStrategy) =>
      sides.map(({ side, rest }) => strategy.decide(seenFrom({ members: [...side, ...rest] }, side)).type);
    expect(verdict(keepMajority())).toEqual(['survive', 'survive']);
    expect(verdict(keepMajority({ members: ['a', 'b', 'c', 'd'] }))).toEqual(['down', 'down']);
  });

  it('staticQuorum: with too small a size none goes on, where two could', () => {
    expect(verdicts(staticQuorum({ size: 2 }), split(['a', 'b'], ['c', 'd']))).toEqual([
      'quorum_too_small',
      'quorum_too_small',
    ]);
    expect(staticQuorum({ size: 2 }).objection?.(split(['a', 'b'], ['c', 'd']).members)?.what).toContain('allows 3');
    expect(staticQuorum({ size: 2 }).objection?.(split(['a', 'b'], ['c']).members)).toBeUndefined();
  });

  it('staticQuorum: two sides go on when each knows too few of the others to see that its size is too small', () => {
    const [left, right] = [
      ['a', 'b', 'x'],
      ['c', 'd', 'y'],
    ].map((ids) => ids.map((id) => member(id)));
    const strategy = staticQuorum({ size: 3 });
    expect(strategy.decide(seenFrom({ members: [...left!, right![0]!] }, left!)).type).toBe('survive');
    expect(strategy.decide(seenFrom({ members: [...right!, left![0]!] }, right!)).type).toBe('survive');
  });

  it('staticQuorum: goes down where enough nodes died one after another', () => {
    expect(verdicts(staticQuorum({ size: 3 }), split(['a', 'b'], ['c']))).toEqual(['below_quorum', 'below_quorum']);
  });

  it('keepOldest: all others go down with one node, if that alone does not give up', () => {
    const partition = split(['a'], ['b', 'c', 'd', 'e']);
    expect(verdicts(keepOldest({ downIfAlone: false }), partition)).toEqual(['survive', 'without_oldest']);
    expect(verdicts(keepOldest(), partition)).toEqual(['oldest_alone', 'survive']);
  });

  it('keepOldest: it alone gives up, and three sides go down, as nobody can know that it was alone', () => {
    expect(verdicts(keepOldest(), split(['a'], ['b', 'c'], ['d', 'e']))).toEqual([
      'oldest_alone',
      'without_oldest',
      'without_oldest',
    ]);
  });

  it('keepOldest: it alone gives up, and so do all others where one of them has died', () => {
    const { members } = split(['a', 'b', 'c', 'd']);
    const partition = { members, sides: [members.slice(0, 1), members.slice(1, 3)], dead: members.slice(3) };
    expect(verdicts(keepOldest(), partition)).toEqual(['oldest_alone', 'without_oldest']);
  });

  it('keepOldest: of two nodes the oldest goes on, and the other never does', () => {
    expect(verdicts(keepOldest(), split(['a'], ['b']))).toEqual(['survive', 'without_oldest']);
  });

  it('keepOldest: a small side with the oldest wins over a large one', () => {
    expect(verdicts(keepOldest(), split(['a', 'b'], ['c', 'd', 'e', 'f']))).toEqual(['survive', 'without_oldest']);
  });

  it('keepOldest: goes down where it is not told who joined when', () => {
    const members = [member('a', 1), member('b')];
    const early = [member('a', 1), member('b', 0)];
    const ends = [seenFrom({ members }, members.slice(0, 1)), seenFrom({ members: early }, early.slice(1))];
    for (const seen of ends) expect(keepOldest().decide(seen)).toEqual({ type: 'down', reason: 'no_join_order' });
    expect(keepOldest().objection?.([member('a'), member('b')])?.isFatal).toBe(true);
    expect(keepOldest().objection?.([member('a')])?.isFatal).toBe(true);
    expect(keepOldest().objection?.([member('a', 0)])).toBeUndefined();
  });

  it('any: of three in a row each end removes the other, as the middle sees both', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id, at) => member(id, at + 1));
    const members = [a!, b!, c!];
    const ends = [seenFrom({ members }, [a!, b!]), seenFrom({ members }, [b!, c!])];
    expect(ends.map((seen) => keepMajority().decide(seen).type)).toEqual(['survive', 'survive']);
    expect(ends.map((seen) => keepOldest().decide(seen).type)).toEqual(['survive', 'survive']);
  });
});

describe('who counts', () => {
  const view = { members: new Map(['a', 'b', 'c', 'd'].map((id) => [id, member(id)])) };
  const as = (state: 'suspect' | 'left' | 'unreachable') => ({ ...member('b'), state });

  it('a suspect is reachable, and one that left is nowhere', () => {
    view.members.set('b', as('suspect'));
    expect(situationOf(view, 'a').reachable.map(({ node }) => node.id)).toEqual(['a', 'b', 'c', 'd']);
    view.members.set('b', as('left'));
    const { reachable, unreachable } = situationOf(view, 'a');
    expect([reachable.length, unreachable.length]).toEqual([3, 0]);
  });

  it('one that was removed does not count, until it comes back or was restarted', () => {
    view.members.set('b', as('unreachable'));
    expect(situationOf(view, 'a', new Map([['b', 1]])).unreachable).toEqual([]);
    expect(situationOf(view, 'a', new Map([['b', 0]])).unreachable.length).toBe(1);
  });
});

describe('options', () => {
  it.each([
    () => keepMajority({ members: [] }),
    () => keepMajority({ members: ['a', 'a'] }),
    () => keepMajority({ members: ['not an id!'] }),
    () => staticQuorum({ size: 0 }),
    () => staticQuorum({} as { size: number }),
    () => keepOldest({ downIfAlone: 'yes' } as object),
  ])('%s is refused', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

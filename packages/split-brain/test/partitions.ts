import type { Member, NodeId } from '@quorate/core';
import fc from 'fast-check';

import { type Situation, situationOf, type SplitBrainStrategy } from '../src/index.ts';

/** A cluster that has fallen apart: who was there, and which of them see each other. */
export interface Partition {
  readonly members: readonly Member[];
  /** At least two; those who died are the last, which nobody sees. */
  readonly sides: readonly (readonly Member[])[];
  readonly dead: readonly Member[];
}

export function member(id: NodeId, joinOrder?: number): Member {
  const node = { id, host: `${id}.test`, port: 7_000 };
  return { node, state: 'alive', incarnation: 1, since: 0, ...(joinOrder !== undefined && { joinOrder }) };
}

const id = (at: number): NodeId => `n${String(at).padStart(2, '0')}`;

/** Of up to ten nodes, whose order of joining has ties, into up to four sides, with some that died. */
export const partitions: fc.Arbitrary<Partition> = fc
  .array(fc.record({ joinOrder: fc.integer({ min: 1, max: 4 }), side: fc.integer({ min: 0, max: 4 }) }), {
    minLength: 1,
    maxLength: 10,
  })
  .map((drawn) => {
    const members = drawn.map(({ joinOrder }, at) => member(id(at), joinOrder));
    const on = (side: number) => members.filter((_, at) => drawn[at]?.side === side);
    const sides = [0, 1, 2, 3].map(on).filter(({ length }) => length > 0);
    return { members, sides, dead: on(4) };
  })
  .filter(({ sides, dead }) => sides.length + dead.length > 1 && sides.length > 0);

/** What the nodes of a side see. */
export function seenFrom({ members }: Pick<Partition, 'members'>, side: readonly Member[]): Situation {
  const view = members.map((each): [NodeId, Member] => {
    return [each.node.id, side.includes(each) ? each : { ...each, state: 'unreachable' }];
  });
  return situationOf({ members: new Map(view) }, side[0]?.node.id ?? '');
}

/** The sides that go on. */
export function survivors(strategy: SplitBrainStrategy, partition: Partition): readonly (readonly Member[])[] {
  return partition.sides.filter((side) => strategy.decide(seenFrom(partition, side)).type === 'survive');
}

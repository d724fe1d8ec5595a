import type { Member, MembershipView, NodeId } from '@quorate/core';

/**
 * What one node sees when others are unreachable: the side of a partition that it is on, and all the rest. Those that left
 * are on neither side, and those that were removed before don't count any more.
 */
export interface Situation {
  readonly self: NodeId;
  /** Alive or suspect, this node among them, in order of id: a suspect is not unreachable. */
  readonly reachable: readonly Member[];
  /** In order of id. */
  readonly unreachable: readonly Member[];
}

/** @param removed the runs of nodes that were decided to be gone for good */
export function situationOf(
  { members }: Pick<MembershipView, 'members'>,
  self: NodeId,
  removed: ReadonlyMap<NodeId, number> = new Map(),
): Situation {
  const counted = [...members.values()].filter(({ state }) => state !== 'left').sort(byId);
  const isUnreachable = ({ state }: Member) => state === 'unreachable';
  return {
    self,
    reachable: counted.filter((member) => !isUnreachable(member)),
    unreachable: counted.filter((member) => {
      return isUnreachable(member) && removed.get(member.node.id) !== member.incarnation;
    }),
  };
}

/** The same for two nodes that see the same, and for nobody else. */
export function textOf(situation: Situation): string {
  const list = (members: readonly Member[]) => members.map(({ node, incarnation }) => `${node.id}:${incarnation}`);
  return `${list(situation.reachable).join()}|${list(situation.unreachable).join()}`;
}

function byId({ node: a }: Member, { node: b }: Member): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

import { type NodeId, type Random, randomId } from '@quorate/core';
import type { ConfState } from '@quorate/raft';
import { encodeGroupState } from '../group-state.ts';
import type { Member } from '../members.ts';

/** A formation that begins with one member, which did not have to ask anybody. */
export interface NewFormation {
  /** In hexadecimal. */
  readonly formation: string;
  readonly member: Member;
  readonly confState: ConfState;
}

/** @param number of the member: one that nobody had in the group before */
export function newFormation(nodeId: NodeId, number: number, random: Random): NewFormation {
  const member: Member = { number, nodeId, disk: randomId(random), wants: 'voter' };
  const confState = { voters: [number], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  return { formation: randomId(random), member, confState };
}

/** What that member remembers beside its log. */
export function stateOf({ formation, member: { disk, number } }: NewFormation, term: number): Uint8Array {
  return encodeGroupState({ disk, identity: { formation, number }, isRemoved: false, term, vote: 0 });
}

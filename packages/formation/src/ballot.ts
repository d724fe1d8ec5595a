import { type Charter, isNodeId, type NodeId } from '@quorate/core';

/** Numbers attempts, so that any two differ and one of them is the later. */
export interface Ballot {
  /** From 1. */
  readonly round: number;
  readonly proposer: NodeId;
}

/** What a proposer asks all of some nodes to agree to. */
export interface Proposal {
  readonly ballot: Ballot;
  /** All of whom have to accept it: in order, without duplicates. */
  readonly nodes: readonly NodeId[];
  readonly charter: Charter;
  /** It is that of an earlier ballot, in which others may have agreed on it. */
  readonly isTakenOver: boolean;
}

export function isBallot(value: unknown): value is Ballot {
  if (typeof value !== 'object' || value === null) return false;
  const { round, proposer } = value as Partial<Record<keyof Ballot, unknown>>;
  return typeof round === 'number' && Number.isSafeInteger(round) && round >= 1 && isNodeId(proposer);
}

/** Whether the first is an earlier attempt. */
export function isBefore(a: Ballot, b: Ballot): boolean {
  return a.round === b.round ? a.proposer < b.proposer : a.round < b.round;
}

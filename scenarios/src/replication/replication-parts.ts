import { raftElection } from '@quorate/election-raft';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { type Edit, importMutants } from '../mutants.ts';
import { strainedLimits } from './strained-limits.ts';

/** What is on trial in a life: the parts as they are shipped, or with a rule of theirs broken. */
export interface ReplicationParts {
  readonly raftReplicator: typeof raftReplicator;
  readonly raftElection: typeof raftElection;
  readonly fileStorage: typeof fileStorage;
}

export const replicationParts: ReplicationParts = { raftReplicator, raftElection, fileStorage };

/** From the bottom up: whoever imports what was changed has to be a copy as well. */
const STACK = ['raft', 'raft-host', 'replicator-raft', 'election-raft'];

/** The parts with changes in their source, and what they stand on. */
export async function editedParts(name: string, edits: readonly Edit[]): Promise<ReplicationParts> {
  const lowest = Math.min(...edits.map((edit) => STACK.indexOf(edit.in)).filter((at) => at >= 0));
  const stack = STACK.slice(Math.min(lowest, STACK.length));
  const others = new Set(edits.map((edit) => edit.in).filter((each) => !STACK.includes(each)));
  return { ...replicationParts, ...(await importMutants<ReplicationParts>(name, [...others, ...stack], edits)) };
}

/** The parts with the limits of raft-host so low that all of them matter. */
export function strainedParts(): Promise<ReplicationParts> {
  return editedParts('strained', strainedLimits);
}

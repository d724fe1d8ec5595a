import { asV2, ConfChangeError, nextConfig } from './conf-change.ts';
import { decodeConfChange } from './conf-change-codec.ts';
import { payloadBytes } from './entry-size.ts';
import { isJoint } from './quorum/joint.ts';
import type { RaftState, StepResult } from './raft-state.ts';
import { broadcastAppend } from './replication.ts';
import { type Entry, type EntryType, NONE } from './types.ts';

/** What is proposed: an entry that has no place in the log yet. */
export type Proposal = Pick<Entry, 'type' | 'data'>;

const NO_DATA = new Uint8Array();
export const EMPTY_PROPOSAL: Proposal = { type: 'normal', data: NO_DATA };
/** Leaves a joint configuration. */
export const LEAVE_JOINT: Proposal = { type: 'conf-change-v2', data: NO_DATA };

/** A leader takes entries into its log and sends them out: all of them or none. */
export function proposeAsLeader(raft: RaftState, proposals: readonly Proposal[]): StepResult {
  // A leader that was removed cannot commit by itself, one that hands over would only delay that.
  if (raft.tracker.get(raft.id) === undefined) return 'no-leader';
  if (raft.transferee !== NONE) return 'transferring';
  const admitted = proposals.some(isConfChange) ? admitConfChanges(raft, proposals) : proposals;
  if (!appendProposals(raft, admitted)) return 'overloaded';
  broadcastAppend(raft);
  return 'ok';
}

/**
 * Appends to the leader's own log. False if too much is uncommitted already. What has no data always passes, since
 * leaders need that to begin, and so does anything while nothing is uncommitted, however large.
 */
export function appendProposals(raft: RaftState, proposals: readonly Proposal[]): boolean {
  const after = raft.log.lastIndex + 1;
  const { makeEntry } = raft.config;
  const entries = proposals.map(({ type, data }, i) => makeEntry({ index: after + i, term: raft.term, type, data }));
  const bytes = payloadBytes(entries);
  const tooMuch =
    raft.uncommittedBytes > 0 && bytes > 0 && raft.uncommittedBytes + bytes > raft.config.maxUncommittedSize;
  if (tooMuch) return false;
  raft.uncommittedBytes += bytes;
  raft.log.append(entries);
  // The leader acknowledges to itself like any follower: once the entries are durable.
  raft.send({ type: 'AppResp', to: raft.id, index: after + entries.length - 1 });
  return true;
}

/** Of entries proposed in this term, `bytes` are applied. Those of older terms were never counted. */
export function releaseUncommitted(raft: RaftState, bytes: number): void {
  raft.uncommittedBytes = Math.max(0, raft.uncommittedBytes - bytes);
}

function isConfChange({ type }: { readonly type: EntryType }): boolean {
  return type !== 'normal';
}

/** Replaces by empty entries those changes of configuration that can't be made now, so that places are kept. */
function admitConfChanges(raft: RaftState, proposals: readonly Proposal[]): readonly Proposal[] {
  const after = raft.log.lastIndex + 1;
  return proposals.map((proposal, i) => {
    if (!isConfChange(proposal)) return proposal;
    if (!raft.config.disableConfChangeValidation && !mayChangeConf(raft, proposal)) return EMPTY_PROPOSAL;
    raft.pendingConfIndex = after + i;
    return proposal;
  });
}

/**
 * At most one change is under way; a joint configuration is left before it changes again, and only it is left. A change
 * that cannot be made is not let in at all: once committed, it would stop every node that comes to apply it.
 */
function mayChangeConf(raft: RaftState, proposal: Proposal): boolean {
  if (raft.pendingConfIndex > raft.log.applied) return false;
  const { config } = raft.tracker;
  try {
    const change = asV2(decodeConfChange(proposal));
    if (isJoint(config.voters) !== (change.changes.length === 0)) return false;
    // With no other change on its way, it will meet the configuration of now.
    nextConfig(config, change);
    return true;
  } catch (error) {
    // RangeError: these bytes, which may be a peer's, are no change.
    if (error instanceof ConfChangeError || error instanceof RangeError) return false;
    throw error;
  }
}

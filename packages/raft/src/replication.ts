import { payloadBytes } from './entry-size.ts';
import type { Progress } from './progress.ts';
import { RaftError } from './raft-error.ts';
import type { RaftState } from './raft-state.ts';
import { isMember } from './tracker-config.ts';
import type { Entry } from './types.ts';

/** Sends a follower what it lacks, or at least the commit index, unless its flow is paused. */
export function sendAppend(raft: RaftState, to: number, progress: Progress): void {
  trySendAppend(raft, to, progress, true);
}

/** Sends as much as the follower's window takes, and nothing if there is nothing new. */
export function fillWindow(raft: RaftState, to: number, progress: Progress): void {
  while (trySendAppend(raft, to, progress, false));
}

/**
 * Sends one append, or a snapshot where the entries are gone. False if nothing was sent: also where entries have to be
 * loaded first, until which only heartbeats go out.
 */
export function trySendAppend(raft: RaftState, to: number, progress: Progress, evenIfEmpty: boolean): boolean {
  if (progress.paused) return false;
  const { log } = raft;
  const index = progress.next - 1;
  const logTerm = log.term(index);
  const entries = logTerm === undefined ? undefined : nextEntries(raft, progress);
  if (logTerm === undefined || entries === undefined) return trySendSnapshot(raft, to, progress);
  if (entries === 'later') {
    progress.awaitEntries();
    return false;
  }
  if (entries.length === 0 && !evenIfEmpty) return false;
  raft.send({ type: 'App', to, index, logTerm, entries, commit: log.committed });
  progress.sentEntries(entries.length, payloadBytes(entries));
  progress.sentCommit(log.committed);
  return true;
}

const NOTHING: readonly Entry[] = [];

/** With a full window, empty messages still go: should all in flight be lost, their answers set things moving again. */
function nextEntries(raft: RaftState, progress: Progress): readonly Entry[] | 'later' | undefined {
  if (progress.state === 'replicate' && progress.inflights.full) return NOTHING;
  return raft.log.entriesFrom(progress.next, raft.config.maxSizePerMessage);
}

function trySendSnapshot(raft: RaftState, to: number, progress: Progress): boolean {
  // Whoever was not heard of lately is probably down; a snapshot is too dear to send it there.
  if (!progress.recentActive) return false;
  const snapshot = raft.log.snapshot();
  if (snapshot === undefined) return false;
  const { index, confState } = snapshot.metadata;
  if (index === 0) throw new RaftError('LOG_BROKEN', `Follower ${to} needs a snapshot, and storage has an empty one`);
  // A snapshot from before the follower was added would be refused, and sent again and again.
  if (!isMember(confState, to)) return false;
  progress.becomeSnapshot(index);
  raft.send({ type: 'Snap', to, snapshot });
  return true;
}

/** Sends every follower what it lacks. */
export function broadcastAppend(raft: RaftState): void {
  for (const [id, progress] of raft.tracker.progress) {
    if (id !== raft.id) sendAppend(raft, id, progress);
  }
}

/** Entries that were not at hand may be so by now: goes on with those followers who wait for them. */
export function resumeSending(raft: RaftState): void {
  for (const [id, progress] of raft.tracker.progress) {
    if (!progress.awaitsEntries) continue;
    progress.entriesLoaded();
    sendAppend(raft, id, progress);
    fillWindow(raft, id, progress);
  }
}

/** Tells every follower that the leader lives, and asks them to confirm it for the reads that wait. */
export function broadcastHeartbeat(raft: RaftState): void {
  const context = encodeRound(raft.lease === undefined ? raft.reads.openRound : raft.reads.lastRound);
  for (const [id, progress] of raft.tracker.progress) {
    if (id === raft.id) continue;
    // No follower is told of a commit that it may not have the entry for: its log may still disagree there.
    const commit = Math.min(progress.match, raft.log.committed);
    raft.send({ type: 'Heartbeat', to: id, commit, context });
    progress.sentCommit(commit);
  }
}

/** Moves the commit index to what a quorum has, if that is an entry of this term (Raft, 5.4.2). True if it moved. */
export function advanceCommit(raft: RaftState): boolean {
  const { log } = raft;
  const index = raft.tracker.committed();
  if (index <= log.committed || !log.matchesTerm(index, raft.term)) return false;
  log.commitTo(index);
  return true;
}

/** A round of heartbeats in a message's context; nothing where there is none. */
function encodeRound(round: number): Uint8Array | undefined {
  if (round === 0) return undefined;
  const context = new Uint8Array(8);
  new DataView(context.buffer).setFloat64(0, round);
  return context;
}

/** The round that an answer to a heartbeat confirms; 0 if none. */
export function decodeRound(context: Uint8Array | undefined): number {
  if (context?.byteLength !== 8) return 0;
  return new DataView(context.buffer, context.byteOffset, 8).getFloat64(0);
}

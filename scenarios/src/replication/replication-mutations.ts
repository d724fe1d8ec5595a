import type { Mutation } from '../mutants.ts';
import { editedParts, type ReplicationParts } from './replication-parts.ts';
import { strainedLimits } from './strained-limits.ts';

export type ReplicationMutation = Mutation & {
  readonly in: string;
  /** In lives in which limits matter. */
  readonly isStrained?: boolean;
  /** Where the search for a life that shows it begins. */
  readonly seed: number;
};

/** The rules of replication, from the disk up to the client's session, broken one at a time. */
export const replicationMutations: readonly ReplicationMutation[] = [
  {
    name: 'others are answered before the disk is',
    in: 'raft-host',
    file: 'consensus.ts',
    find: 'responses: [...responses], hardState };',
    replace: 'responses: responses.filter((each) => each.to === this.#id || this.#hooks.send(each)), hardState };',
    seed: 1,
  },
  {
    name: 'the leader counts itself before its disk has answered',
    in: 'raft-host',
    file: 'consensus.ts',
    find: 'this.#writes.push(write);',
    replace: 'this.#writes.push(write); this.#respond(write.responses.splice(0).filter(({ to }) => to === this.#id));',
    seed: 1,
  },
  {
    name: 'a vote is not stored',
    in: 'raft-host',
    file: 'consensus.ts',
    find: 'this.#hooks.encodeState(term, vote) : undefined;',
    replace: 'this.#hooks.encodeState(term, 0 * vote) : undefined;',
    seed: 1,
  },
  {
    name: 'what is only in the log is applied',
    in: 'raft',
    file: 'raft-log.ts',
    find: 'return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);',
    replace:
      'if (!allowUnstable) this.#committed = Math.max(this.#committed, this.unstable.offset - 1); return this.#committed;',
    seed: 1,
  },
  {
    name: 'half of the voters are enough',
    in: 'raft',
    file: 'quorum/majority.ts',
    find: 'return Math.floor(voters.size / 2) + 1;',
    replace: 'return Math.ceil(voters.size / 2);',
    seed: 1,
  },
  {
    name: 'a command of a session is applied again',
    in: 'raft-host',
    file: 'commands/session-table.ts',
    find: "if (known !== undefined) return { kind: 'duplicate', admitted: known };",
    replace: '',
    seed: 1,
  },
  {
    name: 'a log that conflicts is not cut off, in memory',
    in: 'raft-host',
    file: 'entry-cache.ts',
    find: 'this.truncate(first.index);\n    if (this.#first + this.#length !== first.index) this.clear();',
    replace:
      'if (first.index < this.#first + this.#length) return;\n    if (this.#first + this.#length !== first.index) this.clear();',
    seed: 1,
  },
  {
    name: 'a log that conflicts is not cut off, in the core',
    in: 'raft',
    file: 'raft-log.ts',
    find: 'if (!this.matchesTerm(index, term)) return i;',
    replace: 'if (index > this.lastIndex || term < 0) return i;',
    seed: 1,
  },
  {
    name: 'a read does without a round',
    in: 'raft',
    file: 'reading.ts',
    find: 'const byLease = raft.config.leaseReads && isSettled(raft) && raft.lease?.isValid === true;',
    replace: 'const byLease = isSettled(raft);',
    seed: 1,
  },
  {
    name: 'a read does not wait for the machine',
    in: 'raft-host',
    file: 'reads.ts',
    find: 'if (round.index === undefined || round.index > this.#applied) kept.push(round);',
    replace: 'if (round.index === undefined) kept.push(round);',
    seed: 1,
  },
  {
    name: 'a lease leaves nothing for clocks that differ',
    in: 'raft',
    file: 'lease.ts',
    find: 'this.#durationMs = (electionTicks - 1) * tickMs * (1 - maxDrift);',
    replace: 'this.#durationMs = electionTicks * tickMs * (1 + 0 * maxDrift);',
    seed: 1,
  },
  {
    name: 'a lease outlasts a hand-over',
    in: 'raft',
    file: 'transfer.ts',
    find: 'raft.lease?.forfeit();',
    replace: '',
    seed: 1,
  },
  {
    name: 'a lease counts from the answer',
    in: 'raft',
    file: 'lease.ts',
    find: 'this.#until = oldest.sentAt + this.#durationMs;',
    replace: 'this.#until = this.#now() + this.#durationMs;',
    seed: 1,
  },
  {
    name: 'forwarded commands are sent again, whatever became of them',
    in: 'raft-host',
    file: 'forwarding.ts',
    find: "if (error.outcome === 'not-applied' || error.code === 'NOT_FOUND') {",
    replace: "if (error.code !== 'CLOSED') {",
    seed: 1,
  },
  {
    name: "another leader's entry is taken for the own",
    in: 'raft-host',
    file: 'proposals.ts',
    find: 'if (entry.term !== term) {',
    replace: 'if (entry.term < 0) {',
    seed: 1,
  },
  {
    name: 'what a snapshot stepped over is taken for not applied',
    in: 'raft-host',
    file: 'proposals.ts',
    find: "proposal?.reject(unknown('a snapshot came instead of its entry'));",
    replace: "proposal?.reject(withOutcome(unknown('a snapshot came instead of its entry'), 'not-applied'));",
    seed: 1,
  },
  {
    name: 'what took too long is taken for not applied',
    in: 'raft-host',
    file: 'proposals.ts',
    find: "proposal.reject(timedOut('commit'));",
    replace: "proposal.reject(withOutcome(timedOut('commit'), 'not-applied'));",
    seed: 1,
  },
  {
    name: 'a restored machine has no sessions',
    in: 'raft-host',
    file: 'commands/replicated-machine.ts',
    find: 'this.#state = { machine, sessions, skips, applied: { index, term, time } };',
    replace:
      'this.#state = { machine, sessions: new SessionTable(sessions.nextId), skips, applied: { index, term, time } };',
    seed: 1,
  },
  {
    name: 'entries behind the snapshot are not applied again',
    in: 'raft-host',
    file: 'running-group.ts',
    find: 'applied: log.snapshot?.index ?? 0,',
    replace: 'applied: Math.max(log.snapshot?.index ?? 0, Math.min(log.commit, log.lastIndex)),',
    seed: 1,
  },
  {
    name: 'a page of the log is kept when its entries are replaced',
    in: 'raft-host',
    file: 'group-log-view.ts',
    find: 'this.#pages = this.#pages.filter((page) => !isReplaced(page));',
    replace: '',
    isStrained: true,
    seed: 1,
  },
  {
    name: 'a page that was read before its entries were replaced is kept',
    in: 'raft-host',
    file: 'group-log-view.ts',
    find: 'if (generation === this.#generation) this.#keep',
    replace: 'if (generation <= this.#generation) this.#keep',
    isStrained: true,
    seed: 1,
  },
  {
    name: 'the time in the log goes back',
    in: 'raft-host',
    file: 'commands/entry-run.ts',
    find: 'time: Math.max(time, applied.time) };',
    replace: 'time };',
    seed: 1,
  },
  {
    name: 'the log is cut before its snapshot',
    in: 'raft-host',
    file: 'snapshots/snapshot-policy.ts',
    find: 'let cut = Math.min(log.snapshotIndex, log.lastIndex - keepEntries);',
    replace: 'let cut = log.lastIndex - keepEntries;',
    seed: 1,
  },
  {
    name: 'a bounded read counts from the answer',
    in: 'raft-host',
    file: 'reads.ts',
    find: 'this.#fresh = { askedAt: round.askedAt, index: round.index };',
    replace: 'this.#fresh = { askedAt: this.#clock.now(), index: round.index };',
    seed: 1,
  },
  {
    name: 'a session read sees what is there',
    in: 'replicator-raft',
    file: 'raft-replicator.ts',
    find: 'if (index > this.#lastWritten) this.#lastWritten = index;',
    replace: 'if (index < this.#lastWritten) this.#lastWritten = index;',
    seed: 1,
  },
  {
    name: 'a session says that the last attempt was the only one',
    in: 'replicator-raft',
    file: 'raft-session.ts',
    find: 'throw isUnknown ? unknown(settled) : settled;',
    replace: 'throw settled;',
    seed: 1,
  },
  {
    name: 'what is written counts as synced',
    in: 'storage-file',
    file: 'log/log-writer.ts',
    find: 'if (file.writeDurably !== undefined) return file.writeDurably(chunks, position);\n  await file.write(chunks, position);\n  return file.sync();',
    replace: 'return file.write(chunks, position);',
    seed: 1,
  },
];

/** The parts with this rule broken. */
export function mutatedParts(mutation: ReplicationMutation): Promise<ReplicationParts> {
  const { name, isStrained = false } = mutation;
  return editedParts(name, [mutation, ...(isStrained ? strainedLimits : [])]);
}

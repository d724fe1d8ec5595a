import type { Mutation } from '../mutants.ts';

type ReplicationMutation = Mutation & {
  readonly in: string;
  /** In lives in which disks rot. */
  readonly hasRot?: boolean;
  /** Where the search for a life that shows it begins. */
  readonly seed: number;
};

/** The rules of replication, from the disk up to the client's session, broken one at a time. */
export const replicationMutations: readonly ReplicationMutation[] = [
  {
    name: 'the leader counts itself before its disk has answered',
    in: 'raft-host',
    file: 'consensus.ts',
    find: 'this.#writes.push(write);',
    replace: 'this.#writes.push(write); this.#respond(write.responses.splice(0).filter(({ to }) => to === this.#id));',
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
    seed: 4,
  },
  {
    name: 'a log that conflicts is not cut off, in the core',
    in: 'raft',
    file: 'raft-log.ts',
    find: 'if (!this.matchesTerm(index, term)) return i;',
    replace: 'if (index > this.lastIndex || term < 0) return i;',
    seed: 3,
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
    seed: 6,
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
    name: 'the time in the log goes back',
    in: 'raft-host',
    file: 'commands/entry-run.ts',
    find: 'time: Math.max(time, applied.time) };',
    replace: 'time };',
    seed: 5,
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
  {
    name: 'a log goes on as if it ended where it is damaged',
    in: 'storage-file',
    file: 'log/recovery.ts',
    find: 'if (isProven) {',
    replace: 'if (isProven && !this.#isFirst) return false;\n    if (isProven) {',
    hasRot: true,
    seed: 1,
  },
  {
    name: 'who has lost its log goes on under its old number',
    in: 'raft-host',
    file: 'membership/member-changes.ts',
    find: "await this.#replace({ type: 'replace', nodeId, by: nodeId }, deadline);",
    replace:
      'const { peers } = this.#parts; const { disk } = await peers.identify(nodeId, deadline); const { formation } = this.#group.identity; await peers.invite(nodeId, { formation, number: this.#group.numbersOf(nodeId)[0] as number, disk });',
    hasRot: true,
    seed: 1,
  },
  {
    name: 'a log is set aside before that is noted',
    in: 'raft-host',
    file: 'repair/node-log.ts',
    find: 'await this.#write(note);\n    await this.#carryOut(note);',
    replace: 'await this.#carryOut(note);',
    hasRot: true,
    seed: 1,
  },
];

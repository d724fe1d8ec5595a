import { raftElection, raftProfiles } from '@quorate/election-raft';
import { raftReplicator } from '@quorate/replicator-raft';
import type { ElectionChoice } from './elections.ts';

/** So long may a leader be paused and still be told what became of its ticket. */
const SESSION_TTL_MS = 3_600_000;
/** About what is numbered in two minutes: a node that starts applies no more than that again. */
const SNAPSHOT_ENTRIES = 2_000;

/** `--election raft`: one group elects, and keeps the ledger. */
export const raftGroup: ElectionChoice = {
  make: ({ voters, profile, ledger }) => {
    const group = { voters, profile };
    const replicator = raftReplicator({
      ...group,
      machine: ledger,
      sessionTtlMs: SESSION_TTL_MS,
      snapshots: { everyEntries: SNAPSHOT_ENTRIES },
    });
    return { election: raftElection(group), replicator };
  },
  longestMs: (profile) => 2 * raftProfiles[profile].electionMs,
};

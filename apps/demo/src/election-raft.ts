import { raftElection, raftProfiles } from '@quorate/election-raft';
import type { ElectionChoice } from './elections.ts';

/** `--election raft`: who leads the log is elected, in the group that the broker has anyway. */
export const raftGroup: ElectionChoice = {
  make: ({ voters, profile }) => raftElection({ voters, profile }),
  longestMs: (profile) => 2 * raftProfiles[profile].electionMs,
};

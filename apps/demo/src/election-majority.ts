import { electionProfiles, majorityElection } from '@quorate/election-majority';
import type { ElectionChoice } from './elections.ts';

/** `--election majority`: the nodes vote. */
export const majorityVote: ElectionChoice = {
  make: ({ voters, profile }) => majorityElection({ voters, profile }),
  longestMs: (profile) => electionProfiles[profile].electionMaxMs,
};

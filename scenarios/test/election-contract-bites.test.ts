import type { LeaderElection, Leadership } from '@quorate/core';
import { majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import { electionContract, type ElectionHarness } from '@quorate/testkit';
import { describe, expect, it } from 'vitest';

import { altered, failuresOf } from '../../packages/testkit/test/recording-runner.ts';

type Change = (election: LeaderElection) => Partial<LeaderElection>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'believes in its grant for ever',
    'faults: the grant of a leader that is cut off ends, and then another begins',
    (election) => keeping(election),
  ],
  [
    'gives a token out again',
    'faults: when the leader crashes another is elected, with a greater token',
    (election) => ({
      get leadership(): Leadership | undefined {
        const { leadership } = election;
        return leadership === undefined ? undefined : altered(leadership, () => ({ token: 1n }));
      },
    }),
  ],
  [
    'stands without being asked to',
    'who does not campaign never leads',
    (election) => ({
      start: async (options) => {
        await election.start(options);
        election.campaign().catch(() => undefined);
      },
    }),
  ],
  [
    'stands on when the call was aborted',
    'aborting the only call withdraws the candidacy',
    (election) => ({
      campaign: (options) => {
        election.campaign().catch(() => undefined);
        return election.campaign(options);
      },
    }),
  ],
  ['does not resign', 'resign hands over to another candidate', () => ({ resign: () => Promise.resolve() })],
  [
    'transfers to anybody',
    'transfer hands over to the chosen candidate, and only to it',
    (election) => ({ transfer: (_, options) => election.resign(options) }),
  ],
  [
    'tells a watch nothing of what is known',
    'watch begins with what is known, and tells each change',
    (election) => ({
      watch: async function* (options) {
        let isFirst = true;
        for await (const leader of election.watch(options)) {
          if (!isFirst) yield leader;
          isFirst = false;
        }
      },
    }),
  ],
];

/** Its last grant, which it takes for valid whatever the clock says. */
function keeping(election: LeaderElection): Partial<LeaderElection> {
  let last: Leadership | undefined;
  return {
    get leadership(): Leadership | undefined {
      const { leadership } = election;
      if (leadership !== undefined) last = altered(leadership, () => ({ isValid: () => true }));
      return last;
    },
  };
}

/** The adapters whose elections are altered. */
const adapters: readonly (readonly [name: string, create: ElectionHarness['create']])[] = [
  ['election-majority', ({ voters }) => majorityElection({ voters })],
  ['election-raft', ({ voters }) => raftElection({ voters })],
];

function harness(create: ElectionHarness['create'], change: Change): ElectionHarness {
  return {
    name: 'an election, altered',
    supports: { transfer: true },
    create: (cluster) => {
      const plugin = create(cluster);
      return { ...plugin, create: (context) => altered(plugin.create(context), change) };
    },
  };
}

describe.each(adapters)('the suite for elections, over %s', (_name, create) => {
  it('passes one that keeps the contract', async () => {
    const failures = await failuresOf((runner) =>
      electionContract(
        runner,
        harness(create, () => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => electionContract(runner, harness(create, change)));
      expect([...failures.keys()]).toContain(caughtBy);
    });
  }
});

describe('the suite for elections', () => {
  it('catches one that forgets its terms', async () => {
    const forgetful = harness(
      ({ voters }) => majorityElection({ voters, volatileVotes: true }),
      () => ({}),
    );
    const failures = await failuresOf((runner) => electionContract(runner, forgetful));
    expect([...failures.keys()]).toContain('faults: tokens grow across restarts of every node');
  });
});

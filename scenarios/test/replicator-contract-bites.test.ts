import { ClusterError, isClusterError, type Plugin } from '@quorate/core';
import { raftReplicator } from '@quorate/replicator-raft';
import { type KeyValueReplicator, replicatorContract, type ReplicatorHarness } from '@quorate/testkit';
import { describe, expect, it } from 'vitest';

import { altered, failuresOf } from '../../packages/testkit/test/recording-runner.ts';

/** Less than a command often takes where links are slow. */
const HASTY_MS = 30;

type Change = (replicator: KeyValueReplicator) => Partial<KeyValueReplicator>;

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  [
    'reads what this node happens to have',
    'a read at linearizable on any node sees at once what was acknowledged on another',
    (replicator) => ({ read: (query, options) => replicator.read(query, { ...options, consistency: 'local' }) }),
  ],
  [
    'reads what this node happens to have, when anything fails',
    'the history of clients that read at linearizable is linearizable, whatever fails (1 of 3)',
    (replicator) => ({ read: (query, options) => replicator.read(query, { ...options, consistency: 'local' }) }),
  ],
  [
    'believes in its lease for as long as it believes to lead',
    'a leader that is cut off refuses a read at lease rather than answer with what is old',
    (replicator) => leasing(replicator),
  ],
  [
    'believes in its lease for as long as it believes to lead, when anything fails',
    'the history of clients that read at lease is linearizable, whatever fails (1 of 3)',
    (replicator) => leasing(replicator),
  ],
  [
    'counts no time against the bound of staleness',
    'a follower that is cut off refuses a read at bounded rather than answer with what is old',
    (replicator) => ({
      read: (query, options) => {
        const isBounded = typeof options?.consistency === 'object';
        return replicator.read(query, isBounded ? { ...options, consistency: 'local' } : options);
      },
    }),
  ],
  [
    'reads at session what was there before',
    'a read at session sees what was written through the same node',
    (replicator) => {
      const before = new Map<string, string | null>();
      return {
        read: async (query, options) => {
          const answer = await replicator.read(query, options);
          const old = before.get(query.key) ?? null;
          before.set(query.key, answer);
          return options?.consistency === 'session' ? old : answer;
        },
      };
    },
  ],
  [
    'acknowledges what it has only sent',
    'faults: a node alone accepts nothing, and says what became of it',
    (replicator) => ({
      replicate: (command, options) => {
        replicator.replicate(command, options).catch(() => undefined);
        return Promise.resolve(null);
      },
    }),
  ],
  [
    'says of everything that fails that it had no effect',
    'faults: a node alone accepts nothing, and says what became of it',
    (replicator) => ({ replicate: (command, options) => replicator.replicate(command, options).catch(deny) }),
  ],
  [
    'says of what it has given up that it had no effect',
    'the history of clients that read at linearizable is linearizable, whatever fails (2 of 3)',
    (replicator) => ({
      replicate: (command, options) => replicator.replicate(command, { ...options, timeoutMs: HASTY_MS }).catch(deny),
    }),
  ],
  [
    'retries what may have taken effect',
    'the history of clients that read at linearizable is linearizable, whatever fails (1 of 3)',
    (replicator) => ({
      replicate: (command, options) =>
        replicator
          .replicate(command, { ...options, timeoutMs: HASTY_MS })
          .catch(() => replicator.replicate(command, options)),
    }),
  ],
  [
    'has sessions that only retry',
    'sessions: a command that is tried again takes effect once, while the leader crashes',
    (replicator) => ({
      openSession: async (options) => {
        const session = await replicator.openSession(options);
        const replicate: typeof session.replicate = (command, how) =>
          replicator.replicate(command, { ...how, timeoutMs: HASTY_MS }).catch(() => replicate(command, how));
        return altered(session, () => ({ replicate }));
      },
    }),
  ],
  [
    'takes a batch for commands one by one',
    'no other command comes between those of a batch',
    (replicator) => ({
      replicateBatch: async (commands, options) => {
        const results = [];
        for (const command of commands) results.push(await replicator.replicate(command, options));
        return results;
      },
    }),
  ],
  [
    'leaves a batch half done when its leader crashes',
    'faults: a batch takes effect as a whole or not at all, also when the leader crashes',
    (replicator) => ({
      replicateBatch: async (commands, options) => [
        ...(await replicator.replicateBatch(commands.slice(0, 4), options)),
        ...(await replicator.replicateBatch(commands.slice(4), options)),
      ],
    }),
  ],
  [
    'does not forward, although it should',
    'a command on any node takes effect, and returns there',
    (replicator) => ({
      replicate: async (command, options) => {
        if (replicator.status().role === 'leader') return await replicator.replicate(command, options);
        throw new ClusterError('NOT_LEADER', 'another leads', { outcome: 'not-applied' });
      },
    }),
  ],
  [
    'takes a quorum for all',
    'a write at all waits for every replica',
    (replicator) => ({
      replicate: (command, options) => replicator.replicate(command, { ...options, consistency: 'quorum' }),
    }),
  ],
  [
    'takes what it does not support for something else',
    'a write at local rejects with UNSUPPORTED, and has no effect',
    (replicator) => ({
      replicate: (command, options) => replicator.replicate(command, { ...options, consistency: 'quorum' }),
    }),
  ],
  [
    'says that it leads when it was deposed',
    'a term has one leader, and terms and indexes only grow, whoever fails',
    (replicator) => {
      let led = false;
      return {
        status: () => {
          const status = replicator.status();
          led ||= status.role === 'leader';
          return led && status.role === 'follower' ? { ...status, role: 'leader' } : status;
        },
      };
    },
  ],
  [
    'tells a watch only of leaders',
    'watch tells how commit and application go on',
    (replicator) => ({
      watch: async function* (options) {
        let term = -1n;
        for await (const status of replicator.watch(options)) {
          if (status.term !== term) yield status;
          ({ term } = status);
        }
      },
    }),
  ],
];

/** By the lease, a node that has led since its last start reads what it has. */
function leasing(replicator: KeyValueReplicator): Partial<KeyValueReplicator> {
  let hasLed = false;
  const note = () => (hasLed ||= replicator.status().role === 'leader');
  return {
    replicate: (command, options) => {
      note();
      return replicator.replicate(command, options);
    },
    read: (query, options) => {
      note();
      const believes = hasLed && options?.consistency === 'lease';
      return replicator.read(query, believes ? { ...options, consistency: 'local' } : options);
    },
  };
}

function deny(error: unknown): never {
  if (!isClusterError(error)) throw error;
  throw new ClusterError(error.code, error.message, { cause: error, outcome: 'not-applied' });
}

const raft: ReplicatorHarness = {
  name: 'replicator-raft, altered',
  supports: {
    write: ['quorum', 'all'],
    read: ['local', 'bounded', 'session', 'lease', 'linearizable'],
    sessions: true,
  },
  forwards: true,
  create: ({ voters, machine }) => raftReplicator({ voters, machine, maxClockDrift: 0.01 }),
};

function harness(change: Change): ReplicatorHarness {
  return {
    ...raft,
    create: (node): Plugin<KeyValueReplicator, 'replicator'> => {
      const plugin = raft.create(node);
      return { ...plugin, create: (context) => altered(plugin.create(context), change) };
    },
  };
}

describe('the suite for replicators', () => {
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => replicatorContract(runner, harness(change)), { only: caughtBy });
      expect([...failures.keys()]).toEqual([caughtBy]);
    });
  }

  it('catches one whose replicas apply commands in different orders', async () => {
    const title = 'no other command comes between those of a batch';
    let machines = 0;
    const create: ReplicatorHarness['create'] = ({ voters, machine }) => {
      machines += 1;
      const isOdd = machines === 1;
      const reversed = () =>
        altered(machine(), (one) => ({
          apply: (batch) => (isOdd ? one.apply(batch.toReversed()).toReversed() : one.apply(batch)),
        }));
      return raft.create({ voters, machine: reversed });
    };
    const failures = await failuresOf((runner) => replicatorContract(runner, { ...raft, create }), { only: title });
    expect([...failures.keys()]).toEqual([title]);
    expect(failures.get(title)?.message).toContain('applied command');
  });

  it('runs each of these cases on one that keeps the contract', async () => {
    for (const [, caughtBy] of breaches) {
      const failures = await failuresOf(
        (runner) =>
          replicatorContract(
            runner,
            harness(() => ({})),
          ),
        { only: caughtBy },
      );
      expect([...failures]).toEqual([]);
    }
  });
});

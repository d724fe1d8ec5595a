import { type MajorityElectionOptions, majorityElection } from '@quorate/election-majority';
import { raftElection } from '@quorate/election-raft';
import { memoryDisk, memoryNetwork, memoryStorage, memoryTransport } from '@quorate/memory';
import { raftReplicator } from '@quorate/replicator-raft';
import { fileStorage } from '@quorate/storage-file';
import { tcpTransport } from '@quorate/transport-tcp';
import type { ElectionParts } from './election-run.ts';
import { Tally } from './tally.ts';

/** How far the clocks of every run may drift: more than real ones do, so that the margin for it is tested. */
export const MAX_DRIFT = 0.05;

/** So that a short life has many of them, and followers that need one. */
const SMALL_SNAPSHOTS = { everyEntries: 30, keepEntries: 5, keepBytes: 4096 };

type ElectionFactory = typeof majorityElection;

/** The packages of what stands on one Raft group, or mutants of them. */
export interface RaftFactories {
  readonly raftElection: typeof raftElection;
  readonly raftReplicator: typeof raftReplicator;
}

const raftFactories: RaftFactories = { raftElection, raftReplicator };

const ofMajority: Pick<ElectionParts, 'tokensGrow' | 'changesVoters' | 'prioritizes'> = {
  tokensGrow: true,
  changesVoters: true,
  prioritizes: true,
};

/** Messages by themselves, each delayed, lost, doubled or overtaken; the leanest, and so the most runs a second. */
export function memoryParts(factory: ElectionFactory = majorityElection): ElectionParts {
  const networks = new WeakMap<object, ReturnType<typeof memoryNetwork>>();
  return {
    transport: (world) => {
      const network = networks.get(world) ?? memoryNetwork({ route: world.route });
      networks.set(world, network);
      return memoryTransport({ network });
    },
    storage: () => memoryStorage({ disk: memoryDisk() }),
    election: (options) => factory(electionOptions(options)),
    ...ofMajority,
  };
}

/** The same without durable votes: whoever restarts has forgotten its vote and its term. */
export function volatileParts(factory: ElectionFactory = majorityElection): ElectionParts {
  return {
    ...memoryParts(factory),
    election: (options) => factory({ ...electionOptions(options), volatileVotes: true }),
    tokensGrow: false,
  };
}

/** Whole nodes, as they run in production, on simulated streams and disks. */
export function wholeNodeParts(factory: ElectionFactory = majorityElection): ElectionParts {
  return {
    transport: () => tcpTransport({ reconnect: { minMs: 100, maxMs: 1000 } }),
    storage: () => fileStorage({ directory: '/data' }),
    election: (options) => factory(electionOptions(options)),
    ...ofMajority,
  };
}

/** The parts of a node on which a Raft group elects instead. */
export function raftParts(
  of: ElectionParts,
  { raftElection: elect }: Pick<RaftFactories, 'raftElection'> = raftFactories,
): ElectionParts {
  return {
    ...of,
    election: ({ voters: { voters } }) => elect({ voters, maxClockDrift: MAX_DRIFT }),
    tokensGrow: true,
    changesVoters: false,
    prioritizes: false,
  };
}

/** The same, beside a replicator that shares the group. */
export function sharedRaftParts(of: ElectionParts, factories: RaftFactories = raftFactories): ElectionParts {
  return {
    ...raftParts(of, factories),
    replicator: (voters) =>
      factories.raftReplicator({
        voters,
        maxClockDrift: MAX_DRIFT,
        machine: () => new Tally(),
        snapshots: SMALL_SNAPSHOTS,
      }),
  };
}

function electionOptions(options: Parameters<ElectionParts['election']>[0]): MajorityElectionOptions {
  return { ...options, maxClockDrift: MAX_DRIFT };
}

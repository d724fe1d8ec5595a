import {
  checkOptions,
  type Electorate,
  invalidOption,
  isElectorate,
  isNodeId,
  type NodeId,
  type OptionRule,
  type OptionRules,
  rule,
} from '@quorate/core';
import { MAX_GENERATION } from './term-range.ts';
import { checkTimings, electionProfiles, type ElectionProfile, type ElectionTimings, timingRules } from './timings.ts';

const OWNER = 'majorityElection';
const MAX_VOTERS = 101;
const DEFAULT_PROFILE: ElectionProfile = 'lan';

/** What `majorityElection` is told. */
export interface MajorityElectionOptions {
  /**
   * Who votes: the same on every node. A list is generation 1. To change it, give the next generation with one voter
   * more or less, on every node, before the next change. At most 131,072 generations.
   *
   * `'founders'` is generation 1 of a cluster that a `formation` forms or finds: those who founded it.
   */
  readonly voters: 'founders' | readonly NodeId[] | { readonly generation: number; readonly voters: readonly NodeId[] };
  /**
   * Timings for a kind of network.
   * @default 'lan'
   */
  readonly profile?: ElectionProfile;
  /** Single timings that replace those of the profile. The same on every node: stop all of them to change it. */
  readonly timings?: Partial<ElectionTimings>;
  /**
   * Among candidates, a higher one is preferred, and takes over from a lower one once it has been there for a while,
   * which doubles with each time that it could not be elected.
   * 0 to 1,000.
   * @default 1
   */
  readonly priority?: number;
  /**
   * By what part of true time any node's clock may run fast or slow: 0.01 is one percent, far beyond what clocks that
   * work do. Grants are shorter than promises by this margin. The same on every node.
   * @default 0.01
   */
  readonly maxClockDrift?: number;
  /**
   * Keeps votes and terms in memory only, so that no storage is needed. A node that restarts may then vote twice in one
   * term: a fencing token may be given out twice, though still not to two nodes at one time. It makes no promise, and
   * so renews no grant, in its first `electionMinMs`. For tests and for uses that don't fence.
   * @default false
   */
  readonly volatileVotes?: boolean;
}

/** The options in their normal form, with every default in place. */
export interface MajorityElectionSettings {
  /** `'founders'` until the cluster is known. */
  readonly electorate: Electorate | 'founders';
  readonly timings: ElectionTimings;
  readonly priority: number;
  readonly maxClockDrift: number;
  readonly volatileVotes: boolean;
}

const rules: OptionRules<MajorityElectionOptions> = {
  voters: {
    ...rule.value<MajorityElectionOptions['voters']>(
      `a list of 1 to ${MAX_VOTERS} different node ids, { generation, voters } with one, or 'founders'`,
      isVoters,
    ),
    blame: blameVoter,
  },
  profile: rule.oneOf('fast', 'lan', 'wan'),
  timings: rule.group(`${OWNER}.timings`, timingRules),
  priority: rule.integer({ min: 0, max: 1000 }),
  maxClockDrift: rule.number({ min: 0, max: 0.2 }),
  volatileVotes: rule.flag(),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function readOptions(options: MajorityElectionOptions): MajorityElectionSettings {
  const given = checkOptions<MajorityElectionOptions>(OWNER, rules, options);
  if (given.voters === undefined) throw invalidOption(OWNER, 'voters', rules.voters.expected, undefined);
  return {
    electorate: electorateOf(given.voters),
    timings: checkTimings(OWNER, { ...electionProfiles[given.profile ?? DEFAULT_PROFILE], ...given.timings }),
    priority: given.priority ?? 1,
    maxClockDrift: given.maxClockDrift ?? 0.01,
    volatileVotes: given.volatileVotes ?? false,
  };
}

function electorateOf(voters: MajorityElectionOptions['voters']): MajorityElectionSettings['electorate'] {
  if (voters === 'founders') return voters;
  const given = 'generation' in voters ? voters : { generation: 1, voters };
  return { generation: given.generation, voters: [...given.voters].sort() };
}

function isVoters(value: unknown): boolean {
  if (value === 'founders') return true;
  if (Array.isArray(value)) return isVoterList(value);
  if (typeof value !== 'object' || value === null || !('voters' in value) || !('generation' in value)) return false;
  if (!isVoterList(value.voters) || typeof value.generation !== 'number' || value.generation > MAX_GENERATION)
    return false;
  return isElectorate({ generation: value.generation, voters: [...value.voters].sort() });
}

function isVoterList(value: unknown): value is readonly NodeId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_VOTERS) return false;
  return value.every(isNodeId) && new Set(value).size === value.length;
}

/** The id in a list that is none, or that is there twice. */
function blameVoter(value: unknown): ReturnType<NonNullable<OptionRule<unknown>['blame']>> {
  if (!Array.isArray(value)) return undefined;
  const at = value.findIndex((id, index) => !isNodeId(id) || value.indexOf(id) !== index);
  if (at === -1) return undefined;
  const id: unknown = value[at];
  const got = typeof id === 'string' ? JSON.stringify(id) : typeof id;
  return isNodeId(id)
    ? { path: `[${at}]`, expected: 'there once', got: `${got} again` }
    : { path: `[${at}]`, expected: 'a node id', got };
}

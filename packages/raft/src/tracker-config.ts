import { isJoint, isVoter, type JointVoters } from './quorum/joint.ts';
import type { ConfState } from './types.ts';

/** Who votes and who listens. Never changed in place: a change makes a new one. */
export interface TrackerConfig {
  readonly voters: JointVoters;
  /** Disjoint from the voters. */
  readonly learners: ReadonlySet<number>;
  /** Outgoing voters that become learners when the joint configuration is left, and vote until then. */
  readonly learnersNext: ReadonlySet<number>;
  /** Of a joint configuration: whether the leader leaves it by itself. */
  readonly autoLeave: boolean;
}

const NOBODY: ReadonlySet<number> = new Set();
const NO_IDS: readonly number[] = [];

/** The configuration of a group that has no members yet. */
export const EMPTY_CONFIG: TrackerConfig = {
  voters: { incoming: NOBODY, outgoing: NOBODY },
  learners: NOBODY,
  learnersNext: NOBODY,
  autoLeave: false,
};

/** A configuration in the form in which snapshots and storage keep it: lists in ascending order. */
export function toConfState(config: TrackerConfig): ConfState {
  return {
    voters: ascending(config.voters.incoming),
    votersOutgoing: ascending(config.voters.outgoing),
    learners: ascending(config.learners),
    learnersNext: ascending(config.learnersNext),
    autoLeave: config.autoLeave,
  };
}

/** The configuration that a snapshot or storage keeps. Throws a RangeError if it can't be one. */
export function fromConfState(state: ConfState): TrackerConfig {
  const config = asSets(state);
  const flaw = findFlaw(config);
  if (flaw !== undefined) throw new RangeError(`no configuration: ${flaw}`);
  return config;
}

/** Whether this is the configuration of a group that exists: its voters and learners are ids, each named once. */
export function isConfState(state: ConfState): boolean {
  const { voters, votersOutgoing, learners, learnersNext } = state;
  const areSets = [voters, votersOutgoing, learners, learnersNext].every(isSetOfIds);
  return areSets && voters.length > 0 && findFlaw(asSets(state)) === undefined;
}

function isSetOfIds(ids: readonly number[]): boolean {
  return new Set(ids).size === ids.length && ids.every((id) => Number.isSafeInteger(id) && id > 0);
}

/** Most sets are empty, and a process may hold ten thousand groups: those are one. */
export function orNobody(ids: ReadonlySet<number>): ReadonlySet<number> {
  return ids.size === 0 ? NOBODY : ids;
}

function setOf(ids: readonly number[]): ReadonlySet<number> {
  return orNobody(new Set(ids));
}

function asSets(state: ConfState): TrackerConfig {
  return {
    voters: { incoming: setOf(state.voters), outgoing: setOf(state.votersOutgoing) },
    learners: setOf(state.learners),
    learnersNext: setOf(state.learnersNext),
    autoLeave: state.autoLeave,
  };
}

/** Whether a node votes or listens in a stored configuration. Those that are to be learners still vote. */
export function isMember({ voters, votersOutgoing, learners }: ConfState, id: number): boolean {
  return voters.includes(id) || votersOutgoing.includes(id) || learners.includes(id);
}

/** What is wrong with a configuration; undefined if nothing is. */
export function findFlaw({ voters, learners, learnersNext, autoLeave }: TrackerConfig): string | undefined {
  for (const id of learners) if (isVoter(voters, id)) return `learner ${id} is a voter too`;
  for (const id of learnersNext) {
    if (!voters.outgoing.has(id)) return `${id} is to become a learner but is no outgoing voter`;
    if (voters.incoming.has(id)) return `${id} is to become a learner but is an incoming voter`;
  }
  if (!isJoint(voters) && autoLeave) return 'there is no joint configuration to leave automatically';
  if (isJoint(voters) && voters.incoming.size === 0) return 'a joint configuration has no incoming voters';
  return undefined;
}

function ascending(ids: ReadonlySet<number>): readonly number[] {
  return ids.size === 0 ? NO_IDS : [...ids].sort((a, b) => a - b);
}

import { isJoint } from './quorum/joint.ts';
import { findFlaw, orNobody, type TrackerConfig } from './tracker-config.ts';

/** What happens to a node. `update-node` changes nothing here: its context tells the host something. */
export type ConfChangeType = 'add-node' | 'add-learner' | 'remove-node' | 'update-node';

/** A change of one node. */
export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  /** 0 voids the change: a host that refuses a committed change applies it so. */
  readonly nodeId: number;
}

/** A single change in an entry of type `conf-change`. */
export interface ConfChangeV1 extends ConfChangeSingle {
  readonly version: 1;
  /** Free for the host, as is `context`. */
  readonly id?: number;
  readonly context?: Uint8Array;
}

/**
 * How to get from one configuration to the next. `auto`: directly where at most one node changes, otherwise by a
 * joint configuration which the leader leaves by itself; `joint-implicit`: by such a one in any case;
 * `joint-explicit`: the joint configuration is left by a proposal without changes.
 */
export type ConfChangeTransition = 'auto' | 'joint-implicit' | 'joint-explicit';

/** Any number of changes at once, in an entry of type `conf-change-v2`. */
export interface ConfChangeV2 {
  readonly version: 2;
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  readonly context?: Uint8Array;
}

/** A change of who is a member, as the log has it. */
export type ConfChange = ConfChangeV1 | ConfChangeV2;

/** The configuration after a change. */
export interface NextConfig {
  readonly config: TrackerConfig;
  /** Whose progress starts anew, though they may have been members before. */
  readonly fresh: ReadonlySet<number>;
}

/** Why a change can't be made. */
export type ConfChangeErrorCode =
  | 'ALREADY_JOINT'
  | 'NOT_JOINT'
  | 'SIMPLE_WHILE_JOINT'
  | 'NO_VOTERS_YET'
  | 'NO_VOTERS_LEFT'
  | 'MORE_THAN_ONE_VOTER';

/** A change that doesn't fit the configuration. The configuration is as it was. */
export class ConfChangeError extends Error {
  override readonly name = 'ConfChangeError';
  readonly code: ConfChangeErrorCode;

  constructor(code: ConfChangeErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Any change as one of many nodes. */
export function asV2(change: ConfChange): ConfChangeV2 {
  if (change.version === 2) return change;
  const { type, nodeId, context } = change;
  return { version: 2, transition: 'auto', changes: [{ type, nodeId }], ...(context ? { context } : {}) };
}

/** Whether this is the proposal to leave a joint configuration. */
export function isLeaveJoint(change: ConfChangeV2): boolean {
  return change.transition === 'auto' && change.changes.length === 0;
}

/** The configuration after a committed change, by whichever way it asks for. Throws a ConfChangeError. */
export function nextConfig(config: TrackerConfig, change: ConfChangeV2): NextConfig {
  if (isLeaveJoint(change)) return leaveJoint(config);
  if (change.transition === 'auto' && change.changes.length === 1) return simpleChange(config, change.changes);
  return enterJoint(config, change.transition !== 'joint-explicit', change.changes);
}

/**
 * Changes that touch at most one voter: any majority before shares a node with any majority after, so that no
 * joint configuration is needed (Ongaro's dissertation, 4.1).
 */
export function simpleChange(config: TrackerConfig, changes: readonly ConfChangeSingle[]): NextConfig {
  if (isJoint(config.voters)) throw refuse('SIMPLE_WHILE_JOINT', 'a joint configuration must be left first');
  const draft = new Draft(config);
  draft.apply(changes);
  const changed = symmetricDifference(config.voters.incoming, draft.incoming);
  if (changed > 1) throw refuse('MORE_THAN_ONE_VOTER', `${changed} voters change, which takes a joint configuration`);
  return draft.finish(false);
}

/** From now on both the voters of before and those after the changes must agree (dissertation, 4.3). */
export function enterJoint(
  config: TrackerConfig,
  autoLeave: boolean,
  changes: readonly ConfChangeSingle[],
): NextConfig {
  if (isJoint(config.voters)) throw refuse('ALREADY_JOINT', 'the configuration is joint already');
  if (config.voters.incoming.size === 0) throw refuse('NO_VOTERS_YET', 'a group without voters has nothing to leave');
  const draft = new Draft(config);
  for (const id of config.voters.incoming) draft.outgoing.add(id);
  draft.apply(changes);
  return draft.finish(autoLeave);
}

/** Lets go of the outgoing voters. Those that are to be learners are so from now on. */
export function leaveJoint(config: TrackerConfig): NextConfig {
  if (!isJoint(config.voters)) throw refuse('NOT_JOINT', 'the configuration is not joint');
  const draft = new Draft(config);
  for (const id of draft.learnersNext) draft.learners.add(id);
  draft.learnersNext.clear();
  draft.outgoing.clear();
  return draft.finish(false);
}

/** A configuration while it is being changed. */
class Draft {
  readonly incoming: Set<number>;
  readonly outgoing: Set<number>;
  readonly learners: Set<number>;
  readonly learnersNext: Set<number>;
  readonly #fresh = new Set<number>();

  constructor(config: TrackerConfig) {
    this.incoming = new Set(config.voters.incoming);
    this.outgoing = new Set(config.voters.outgoing);
    this.learners = new Set(config.learners);
    this.learnersNext = new Set(config.learnersNext);
  }

  apply(changes: readonly ConfChangeSingle[]): void {
    for (const { type, nodeId } of changes) {
      if (nodeId === 0) continue;
      if (type === 'add-node') this.#addVoter(nodeId);
      if (type === 'add-learner') this.#addLearner(nodeId);
      if (type === 'remove-node') this.#remove(nodeId);
    }
    if (this.incoming.size === 0) throw refuse('NO_VOTERS_LEFT', 'the change would leave the group without voters');
  }

  finish(autoLeave: boolean): NextConfig {
    const config: TrackerConfig = {
      voters: { incoming: this.incoming, outgoing: orNobody(this.outgoing) },
      learners: orNobody(this.learners),
      learnersNext: orNobody(this.learnersNext),
      autoLeave,
    };
    const flaw = findFlaw(config);
    if (flaw !== undefined) throw new Error(`a change of the configuration went wrong: ${flaw}`);
    return { config, fresh: this.#fresh };
  }

  #addVoter(id: number): void {
    if (!this.#isMember(id)) this.#fresh.add(id);
    this.learners.delete(id);
    this.learnersNext.delete(id);
    this.incoming.add(id);
  }

  /** An outgoing voter can't be a learner before the joint configuration is left: it has to vote until then. */
  #addLearner(id: number): void {
    if (!this.#isMember(id)) this.#fresh.add(id);
    this.incoming.delete(id);
    (this.outgoing.has(id) ? this.learnersNext : this.learners).add(id);
  }

  #remove(id: number): void {
    this.incoming.delete(id);
    this.learners.delete(id);
    this.learnersNext.delete(id);
    this.#fresh.delete(id);
  }

  #isMember(id: number): boolean {
    return this.incoming.has(id) || this.outgoing.has(id) || this.learners.has(id);
  }
}

function refuse(code: ConfChangeErrorCode, message: string): ConfChangeError {
  return new ConfChangeError(code, message);
}

function symmetricDifference(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let different = 0;
  for (const id of a) if (!b.has(id)) different += 1;
  for (const id of b) if (!a.has(id)) different += 1;
  return different;
}

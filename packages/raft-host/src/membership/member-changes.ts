import { type Clock, ClusterError, isClusterError, type MonotonicMs, type NodeId } from '@quorate/core';
import type { ConfChangeSingle } from '@quorate/raft';
import { encodeChangeContext, type Member } from '../members.ts';
import type { ChangeRequest } from './change-request.ts';
import type { ChangingGroup } from './changing-group.ts';
import type { Conditions } from './conditions.ts';
import type { ConfChanges, PlannedChange } from './conf-changes.ts';
import type { Peers } from './peers.ts';

/** Members of any kind in one group: they travel with each snapshot. */
const MAX_MEMBERS = 128;
/** Election times within which every healthy voter is heard of, and another leads when leadership is handed over. */
const PATIENCE_ELECTION_TIMES = 2;

export interface MemberChangesParts {
  readonly clock: Clock;
  readonly self: NodeId;
  readonly electionMs: number;
  readonly conditions: Conditions;
  readonly changes: ConfChanges;
  readonly peers: Peers;
  /** @throws ClusterError where it doesn't run */
  readonly group: () => ChangingGroup;
  readonly notLeader: () => ClusterError;
  /** Has whoever leads go on with this. */
  readonly goOn: (change: ChangeRequest, deadline: MonotonicMs) => Promise<void>;
}

type Addition = Extract<ChangeRequest, { readonly type: 'add' }>;
type Removal = Extract<ChangeRequest, { readonly type: 'remove' }>;
type Replacement = Extract<ChangeRequest, { readonly type: 'replace' }>;

/** What a leader does when members are to be added, removed or replaced. */
export class MemberChanges {
  readonly #parts: MemberChangesParts;
  readonly #patienceMs: number;

  constructor(parts: MemberChangesParts) {
    this.#parts = parts;
    this.#patienceMs = PATIENCE_ELECTION_TIMES * parts.electionMs;
  }

  /** @throws ClusterError with the outcome; `NOT_LEADER` and not applied where another has to do it */
  async run(change: ChangeRequest, deadline: MonotonicMs): Promise<void> {
    if (!(await this.#commitNothing(deadline))) throw this.#parts.notLeader();
    if (change.type === 'add') await this.#add(change, deadline);
    else if (change.type === 'remove') await this.#remove(change, deadline);
    else if (change.type === 'replace') await this.#replace(change, deadline);
    else await this.#repair(change.nodeId, deadline);
  }

  async #add({ nodeId, as }: Addition, deadline: MonotonicMs): Promise<void> {
    const isMember = this.#group.numbersOf(nodeId).length > 0;
    // A member may be down, and is one all the same.
    const disk = await this.#diskOf(nodeId, deadline).catch((error: unknown) => {
      if (!isMember || !isClusterError(error, 'NOT_FOUND')) throw error;
    });
    let number = 0;
    const plan = () => {
      const known = this.#group.members.ofNode(nodeId);
      if (known === undefined && disk === undefined) throw notFound(`${nodeId} can't be reached`);
      const member = known ?? this.#newMember({ nodeId, disk: disk as string, wants: as });
      number = member.number;
      if (known === undefined) return this.#addition(member);
      if (disk !== undefined && known.disk !== disk) throw refused(`${nodeId} has lost its log: replace it by itself`);
      if (as === 'learner' && known.wants === 'voter') throw invalid(`${nodeId} votes, or is going to`);
      return known.wants === as ? undefined : this.#newWish({ ...known, wants: as });
    };
    await this.#parts.changes.make(plan, deadline);
    if (as === 'voter') await this.#untilVoter(number, nodeId, deadline);
  }

  async #remove(change: Removal, deadline: MonotonicMs): Promise<void> {
    const { nodeId } = change;
    const numbers = change.numbers ?? this.#group.numbersOf(nodeId);
    if (numbers.length === 0) throw notFound(`${nodeId} is no member`);
    const left = () => numbers.filter((number) => !this.#group.wasRemoved(number));
    this.#refuseLastVoter(left());
    if (left().includes(this.#group.identity.number) && (await this.#handOver(left()))) throw this.#parts.notLeader();
    await this.#refuseWithoutQuorum(left());
    const plan = (): PlannedChange | undefined => {
      if (left().length === 0) return undefined;
      this.#refuseLastVoter(left());
      const changes = left().map((number): ConfChangeSingle => ({ type: 'remove-node', nodeId: number }));
      return { change: { version: 2, transition: 'auto', changes }, isMade: () => left().length === 0 };
    };
    await this.#parts.changes.make(plan, deadline);
    await this.#confirm({ type: 'remove', nodeId, numbers }, deadline);
  }

  async #replace({ nodeId, by }: Replacement, deadline: MonotonicMs): Promise<void> {
    const disk = await this.#diskOf(by, deadline);
    let number = 0;
    let replaced: number | undefined;
    const plan = () => {
      const present = this.#group.members.all.find((member) => member.nodeId === by && member.disk === disk);
      const old = this.#replaced(nodeId, present);
      if (old === undefined) {
        number = this.#alreadyReplaced(nodeId, present).number;
        return undefined;
      }
      replaced = old.number;
      if (present !== undefined && this.#group.isVoter(present.number)) throw invalid(`${by} votes already`);
      const role = { wants: old.wants, replaces: old.number };
      const member = present === undefined ? this.#newMember({ nodeId: by, disk: disk as string, ...role }) : present;
      number = member.number;
      if (present === undefined) return this.#addition(member, this.#lostLearners(by, old));
      return present.replaces === old.number ? undefined : this.#newWish({ ...present, ...role });
    };
    await this.#parts.changes.make(plan, deadline);
    const isGone = () => replaced === undefined || this.#group.wasRemoved(replaced);
    const hasRole = () => this.#group.members.get(number)?.wants === 'learner' || this.#group.isVoter(number);
    await this.#untilMember(number, by, deadline, () => isGone() && hasRole());
    if (replaced !== undefined) await this.#confirm({ type: 'remove', nodeId, numbers: [replaced] }, deadline);
  }

  /** Whoever was removed, or never was a member, has no claim: this leader knows, since it has just committed something. */
  async #repair(nodeId: NodeId, deadline: MonotonicMs): Promise<void> {
    if (this.#group.numbersOf(nodeId).length === 0) throw refused(`${nodeId} is no member of the group any more`);
    await this.#replace({ type: 'replace', nodeId, by: nodeId }, deadline);
  }

  get #group(): ChangingGroup {
    return this.#parts.group();
  }

  /** Whose place is to be taken: of several that the node was, the one that votes. */
  #replaced(nodeId: NodeId, by: Member | undefined): Member | undefined {
    const all = this.#group.members.all.filter((member) => member.nodeId === nodeId && member !== by);
    return all.find(({ number }) => this.#group.isVoter(number)) ?? all[0];
  }

  /** It may have been asked for twice. */
  #alreadyReplaced(nodeId: NodeId, by: Member | undefined): Member {
    if (by?.replaces !== undefined && this.#group.wasRemoved(by.replaces)) return by;
    if (by?.nodeId === nodeId) throw invalid(`${nodeId} has its log: there is nothing to replace`);
    throw notFound(`${nodeId} is no member`);
  }

  /** Learners that a node was before it lost its log once more. */
  #lostLearners(nodeId: NodeId, replaced: Member): readonly number[] {
    const numbers = this.#group.numbersOf(nodeId).filter((number) => number !== replaced.number);
    if (numbers.some((number) => this.#group.isVoter(number))) {
      throw refused(`${nodeId} has lost its log: replace it by itself first`);
    }
    return numbers;
  }

  /**
   * The log that a node has.
   * @throws ClusterError `NOT_FOUND`; `REFUSED` when that is none that could be in this group
   */
  async #diskOf(nodeId: NodeId, deadline: MonotonicMs): Promise<string | undefined> {
    const { peers, self } = this.#parts;
    if (nodeId === self) return this.#group.members.get(this.#group.identity.number)?.disk;
    const { disk, identity, isRemoved } = await peers.identify(nodeId, deadline);
    const { formation } = this.#group.identity;
    if (identity !== undefined && identity.formation !== formation) {
      throw refused(`${nodeId} belongs to another formation of the group, and has to forget that first`);
    }
    const owner = this.#group.members.all.find((member) => member.disk === disk);
    if (owner !== undefined && owner.nodeId !== nodeId)
      throw refused(`${nodeId} has a copy of the log of ${owner.nodeId}`);
    const hasMissedIt = identity !== undefined && !isRemoved && this.#group.wasRemoved(identity.number);
    if (hasMissedIt) await peers.tellRemoved(nodeId, identity);
    return disk;
  }

  /** @throws ClusterError `OVERLOADED` when there are too many */
  #newMember(member: Omit<Member, 'number'>): Member {
    const { members } = this.#group;
    if (members.all.length < MAX_MEMBERS) return { number: members.lastNumber + 1, ...member };
    throw new ClusterError('OVERLOADED', `the group has ${MAX_MEMBERS} members already`, { outcome: 'not-applied' });
  }

  /** As a learner at first, whatever it is to be. */
  #addition(member: Member, lost: readonly number[] = []): PlannedChange {
    const { number, disk } = member;
    const removals = lost.map((each): ConfChangeSingle => ({ type: 'remove-node', nodeId: each }));
    const changes: readonly ConfChangeSingle[] = [...removals, { type: 'add-learner', nodeId: number }];
    const context = encodeChangeContext({ members: [member] });
    return {
      change: { version: 2, transition: 'auto', changes, context },
      isMade: () => this.#group.members.get(number)?.disk === disk,
      mayHaveBeen: () => this.#group.wasRemoved(number),
    };
  }

  #newWish(member: Member): PlannedChange {
    const { number, wants, replaces } = member;
    const changes: readonly ConfChangeSingle[] = [{ type: 'update-node', nodeId: number }];
    const context = encodeChangeContext({ members: [member] });
    const isMade = () => {
      const known = this.#group.members.get(number);
      return known?.wants === wants && known.replaces === replaces;
    };
    return { change: { version: 2, transition: 'auto', changes, context }, isMade };
  }

  #untilVoter(number: number, nodeId: NodeId, deadline: MonotonicMs): Promise<void> {
    return this.#untilMember(number, nodeId, deadline, () => this.#group.isVoter(number));
  }

  /** Until this member is what it wants to be, whoever sees to it. */
  #untilMember(number: number, nodeId: NodeId, deadline: MonotonicMs, isDone: () => boolean): Promise<void> {
    const isThere = () => {
      const group = this.#group;
      if (group.members.get(number) === undefined) throw undone(`${nodeId} was removed again, or this node was`);
      return isDone() && !group.isJoint;
    };
    return this.#parts.conditions.until(isThere, deadline, () =>
      late(`${nodeId} is a learner, and has not caught up yet; when it has, it becomes what it was added for`),
    );
  }

  /**
   * Has an entry committed that does nothing: this node then leads indeed, and knows all members. False where it doesn't.
   * @throws ClusterError `QUORUM_LOST`
   */
  async #commitNothing(deadline: MonotonicMs): Promise<boolean> {
    const { conditions } = this.#parts;
    const late = () => new ClusterError('QUORUM_LOST', 'nothing was committed in time', { outcome: 'not-applied' });
    await conditions.until(() => this.#group.leads || !this.#group.isLeader, deadline, late);
    const at = this.#group.proposeNothing();
    if (typeof at !== 'object') return false;
    const isOver = () => !this.#group.isLeader || this.#group.isCommitted(at);
    await conditions.until(isOver, deadline, late);
    return this.#group.isLeader && this.#group.isCommitted(at);
  }

  /**
   * After a removal, one more entry is committed. Whoever has that has heard that the removal is committed: so a majority
   * of those who stay can do without the vote of those who leave, and these may be switched off.
   */
  async #confirm(change: Removal, deadline: MonotonicMs): Promise<void> {
    this.#tellRemoved(change);
    try {
      if (!(await this.#commitNothing(deadline))) await this.#parts.goOn(change, deadline);
    } catch (cause) {
      throw unconfirmed(cause);
    }
  }

  #tellRemoved({ nodeId, numbers = [] }: Removal): void {
    const { formation, number: own } = this.#group.identity;
    const { peers } = this.#parts;
    for (const number of numbers) if (number !== own) void peers.tellRemoved(nodeId, { formation, number });
  }

  /** A leader that is to be removed had better not lead any more. Whether another does. */
  async #handOver(leaving: readonly number[]): Promise<boolean> {
    const { conditions } = this.#parts;
    const successors = () => this.#group.successors().filter((number) => !leaving.includes(number));
    this.#group.wake();
    await conditions.within(() => successors().length > 0, this.#patienceMs);
    const [successor] = successors();
    if (successor === undefined) return false;
    this.#group.transferLeader(successor);
    return conditions.within(() => !this.#group.isLeader, this.#patienceMs);
  }

  /** @throws ClusterError `ELECTORATE_MISMATCH` */
  #refuseLastVoter(leaving: readonly number[]): void {
    if (leaving.length === 0 || this.#group.voters.some((number) => !leaving.includes(number))) return;
    throw new ClusterError('ELECTORATE_MISMATCH', 'the last voter of a group is not removed', {
      outcome: 'not-applied',
    });
  }

  /** @throws ClusterError `QUORUM_LOST` when too few of those who would be left are there */
  async #refuseWithoutQuorum(leaving: readonly number[]): Promise<void> {
    if (!leaving.some((number) => this.#group.isVoter(number))) return;
    this.#group.wake();
    const isThere = () => {
      const progress = this.#group.progress();
      const voters = this.#group.voters.filter((number) => !leaving.includes(number));
      const { number: own } = this.#group.identity;
      const active = voters.filter((number) => number === own || progress.get(number)?.recentActive === true);
      return active.length > voters.length / 2;
    };
    if (await this.#parts.conditions.within(isThere, this.#patienceMs)) return;
    if (!this.#group.isLeader) throw this.#parts.notLeader();
    const message = 'of the voters that would be left, too few are there: the group would stand still';
    throw new ClusterError('QUORUM_LOST', message, { outcome: 'not-applied' });
  }
}

function notFound(message: string): ClusterError {
  return new ClusterError('NOT_FOUND', message, { outcome: 'not-applied' });
}

function invalid(message: string): ClusterError {
  return new ClusterError('INVALID_OPTIONS', message, { outcome: 'not-applied' });
}

function refused(message: string): ClusterError {
  return new ClusterError('REFUSED', message, { outcome: 'not-applied' });
}

function undone(message: string): ClusterError {
  return new ClusterError('NOT_FOUND', message, { outcome: 'unknown' });
}

function late(message: string): ClusterError {
  return new ClusterError('TIMEOUT', message, { outcome: 'unknown' });
}

function unconfirmed(cause: unknown): ClusterError {
  const message = 'the member is removed, but it is not certain that the others can do without it yet';
  return new ClusterError('TIMEOUT', message, { cause, outcome: 'unknown' });
}

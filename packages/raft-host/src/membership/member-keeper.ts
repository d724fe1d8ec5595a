import { type Clock, type Logger, type Timer, toClusterError } from '@quorate/core';
import type { ConfChangeSingle } from '@quorate/raft';
import type { Member } from '../members.ts';
import type { ChangingGroup } from './changing-group.ts';
import type { ConfChanges, PlannedChange } from './conf-changes.ts';
import type { Peers } from './peers.ts';

/**
 * How often it is looked whether a learner has caught up. Not just once in an election time: a leader forgets then whom it
 * has heard, and it could always be looked before they are heard again.
 */
const LOOKS_PER_ELECTION_TIME = 5;
/** Election times after which a change that a leader makes of its own accord is taken to be stuck. */
const STUCK_ELECTION_TIMES = 20;

/**
 * What a leader does for learners, without being asked again: the log says what they are to be, so that each leader goes on
 * with it. It invites those that it has not heard of, has snapshots taken that know them, and gives them the place that they
 * were added for once they have caught up.
 */
export class MemberKeeper {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #electionMs: number;
  readonly #changes: ConfChanges;
  readonly #peers: Peers;
  /** Undefined where it doesn't run. */
  readonly #group: () => ChangingGroup | undefined;
  #inviting: Set<number> | undefined;
  #timer: Timer | undefined;
  #looks = 0;
  /** In which term this leader tried to hand over, since it was to be replaced. */
  #handedOverIn = 0;
  #isOver = false;

  constructor(parts: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly electionMs: number;
    readonly changes: ConfChanges;
    readonly peers: Peers;
    readonly group: () => ChangingGroup | undefined;
  }) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#electionMs = parts.electionMs;
    this.#changes = parts.changes;
    this.#peers = parts.peers;
    this.#group = parts.group;
  }

  /** Whether there is nothing to do for anybody. */
  get isIdle(): boolean {
    return this.#timer === undefined;
  }

  /** The role of this node, or the members, have changed. */
  changed(): void {
    if (this.#timer !== undefined || !this.#hasWork()) return;
    this.#looks = 0;
    this.#arm(0);
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      if (this.#isOver) return;
      this.#look();
      if (this.#hasWork()) this.#arm(this.#electionMs / LOOKS_PER_ELECTION_TIME);
    });
  }

  #hasWork(): boolean {
    const group = this.#group();
    return group !== undefined && hasWork(group);
  }

  #look(): void {
    const group = this.#group();
    if (group?.leads !== true) return;
    const progress = group.progress();
    const isFirst = this.#looks % LOOKS_PER_ELECTION_TIME === 0;
    this.#looks += 1;
    for (const member of learners(group)) {
      const known = progress.get(member.number);
      if (known === undefined) continue;
      if (isFirst && known.match === 0) void this.#invite(member, group);
      if (isFirst && group.lacksSnapshotFor(member.number, known)) void this.#takeSnapshot(group);
      if (group.hasCaughtUp(member.number) && hasWish(member, group)) this.#grant(member, group);
    }
  }

  async #invite({ number, nodeId, disk }: Member, { identity: { formation } }: ChangingGroup): Promise<void> {
    const inviting = (this.#inviting ??= new Set());
    if (inviting.has(number) || !this.#peers.isConnected(nodeId)) return;
    inviting.add(number);
    try {
      await this.#peers.invite(nodeId, { formation, number, disk });
    } catch (error) {
      this.#failed(`invite ${nodeId}`, error);
    } finally {
      inviting.delete(number);
    }
  }

  async #takeSnapshot(group: ChangingGroup): Promise<void> {
    try {
      await group.takeSnapshot();
    } catch (error) {
      this.#failed('take a snapshot for a new member', error);
    }
  }

  #grant(member: Member, group: ChangingGroup): void {
    if (this.#changes.isBusy || this.#leavesToOthers(member, group)) return;
    const deadline = this.#clock.now() + STUCK_ELECTION_TIMES * this.#electionMs;
    this.#changes
      .make(() => this.#plan(member.number), deadline)
      .catch((error: unknown) => this.#failed(`make ${member.nodeId} what it was added for`, error));
  }

  /** A leader that is to be replaced had better not lead any more; it does it by itself where nobody takes over. */
  #leavesToOthers({ replaces }: Member, group: ChangingGroup): boolean {
    if (replaces !== group.identity.number || this.#handedOverIn === group.term) return false;
    const [successor] = group.successors();
    if (successor === undefined) return false;
    this.#handedOverIn = group.term;
    group.transferLeader(successor);
    return true;
  }

  #plan(number: number): PlannedChange | undefined {
    const group = this.#group();
    const member = group?.members.get(number);
    if (group === undefined || member === undefined || !hasWish(member, group) || !group.hasCaughtUp(number)) {
      return undefined;
    }
    const replaced = replacedBy(member, group);
    const changes: ConfChangeSingle[] = [];
    if (member.wants === 'voter') changes.push({ type: 'add-node', nodeId: number });
    if (replaced !== undefined) changes.push({ type: 'remove-node', nodeId: replaced });
    const isMade = () => {
      const now = this.#group();
      return now !== undefined && !hasWish(member, now);
    };
    return { change: { version: 2, transition: 'auto', changes }, isMade };
  }

  #failed(what: string, cause: unknown): void {
    const error = toClusterError(cause, 'REMOTE', what);
    if (error.code === 'REFUSED') this.#logger.warn(`${what}: ${error.message}`, error);
    else this.#logger.debug(`${what}: ${error.message}`, error);
  }
}

/** Whether there is anything that a leader has to do for a learner. */
export function hasWork(group: ChangingGroup): boolean {
  if (!group.isLeader) return false;
  const progress = group.progress();
  return learners(group).some((member) => hasWish(member, group) || progress.get(member.number)?.match === 0);
}

function learners(group: ChangingGroup): readonly Member[] {
  return group.members.all.filter(({ number }) => !group.hasVote(number));
}

/** Whether a learner is to be more than it is, or to take somebody's place. */
function hasWish(member: Member, group: ChangingGroup): boolean {
  const isVoterYet = member.wants === 'voter' && !group.isVoter(member.number);
  return isVoterYet || replacedBy(member, group) !== undefined;
}

function replacedBy({ replaces }: Member, group: ChangingGroup): number | undefined {
  return replaces === undefined || group.wasRemoved(replaces) ? undefined : replaces;
}

import { ClusterError, type MonotonicMs, type NodeId } from '@quorate/core';
import type { Leader } from '../dispatch.ts';
import type { GroupRecord } from '../group-record.ts';
import type { GroupPhase } from '../group-status.ts';
import type { RaftHost } from '../raft-host.ts';
import { requestKind } from '../request-kind.ts';
import { ChangeDesk } from './change-desk.ts';
import type { ChangeRequest } from './change-request.ts';
import { ChangingGroup, type RunningMember } from './changing-group.ts';
import { ConfChanges } from './conf-changes.ts';
import { Conditions } from './conditions.ts';
import { GroupMembers } from './group-members.ts';
import { decodeRemoval, encodeNodeIdentity } from './identity-messages.ts';
import { MemberChanges } from './member-changes.ts';
import { MemberKeeper } from './member-keeper.ts';
import { Peers } from './peers.ts';
import type { RaftMember } from './raft-members.ts';

/** What changes of the members need of the group on this node. */
export interface MembershipParts {
  readonly host: RaftHost;
  readonly group: number;
  readonly electionMs: number;
  /** Undefined until it runs. */
  readonly running: () => (RunningMember & { readonly leader: Leader }) | undefined;
  /** Undefined until it is started. */
  readonly record: () => GroupRecord | undefined;
  readonly phase: () => GroupPhase;
  /** Why it doesn't run, where that is so. */
  readonly error: () => ClusterError | undefined;
  /** Why no changes can be asked for here, where that is so. */
  readonly refusal: () => ClusterError | undefined;
  readonly notLeader: () => ClusterError;
  /** Whether this node would be a leader as good as the one that there is, if that is this node. */
  readonly mayLead: (nodeId: NodeId) => boolean;
  /** This member was removed. */
  readonly removed: () => void;
}

/** How the members of a group change, as far as this node takes part in it. */
export class GroupMembership {
  readonly members: GroupMembers;
  readonly #parts: MembershipParts;
  readonly #conditions: Conditions;
  readonly #peers: Peers;
  readonly #desk: ChangeDesk;
  readonly #keeper: MemberKeeper;
  /** Of those that a node which was removed has asked for the leader. */
  #asked = 0;

  constructor(parts: MembershipParts) {
    const { host, group, electionMs, notLeader } = parts;
    const { clock, logger, self } = host.context;
    this.#parts = parts;
    this.members = new GroupMembers({
      clock,
      phase: parts.phase,
      error: parts.error,
      all: () => this.#all(),
      carry: (change, deadline) => this.#carry(change, deadline),
    });
    const conditions = new Conditions(clock);
    const peers = new Peers(host, group);
    const changes = new ConfChanges({ clock, conditions, group: () => this.#group(), notLeader });
    const goOn = (change: ChangeRequest, deadline: MonotonicMs) => this.#desk.carry(change, deadline);
    const common = { clock, electionMs, conditions, changes, peers, notLeader };
    // Made anew for each: in most groups none is ever made.
    const changesOf = () => new MemberChanges({ ...common, self: self.id, group: () => this.#group(), goOn });
    this.#conditions = conditions;
    this.#peers = peers;
    this.#keeper = new MemberKeeper({ ...common, logger, group: () => this.#changing() });
    this.#desk = new ChangeDesk({
      clock,
      notLeader,
      leader: () => this.#leader(),
      run: (change, deadline) => changesOf().run(change, deadline),
      send: (to, body, timeoutMs) => host.request(to, group, requestKind.CHANGE, body, { timeoutMs }),
    });
  }

  /** Whether it is fine when the group rests, as far as changes of the members go. */
  get isIdle(): boolean {
    return this.#keeper.isIdle && this.#desk.isIdle && this.#conditions.isEmpty;
  }

  /** @throws ClusterError `UNSUPPORTED` for a call that has nothing to do with it; `PROTOCOL` */
  async request(from: NodeId, kind: number, body: Uint8Array): Promise<Uint8Array> {
    const record = this.#parts.record();
    if (kind === requestKind.CHANGE) return this.#desk.answer(body);
    if (kind === requestKind.REPAIR) return this.#desk.repair(from, body);
    if (kind === requestKind.IDENTIFY && record !== undefined) return encodeNodeIdentity(record.state);
    if (kind !== requestKind.REMOVED) throw new ClusterError('UNSUPPORTED', `a call of kind ${kind} is not known here`);
    const { formation, number } = decodeRemoval(body);
    const identity = record?.state.identity;
    if (identity?.formation === formation && identity.number === number) this.#parts.removed();
    return new Uint8Array();
  }

  /** Something may have happened in the group. */
  turned(): void {
    if (!this.#conditions.isEmpty) this.#conditions.check();
  }

  /** The role of this node has changed, or the members have. */
  changed(): void {
    const group = this.#changing();
    if (group !== undefined && group.wasRemoved(group.identity.number)) this.#parts.removed();
    this.#keeper.changed();
    this.members.changed();
    this.turned();
  }

  /** A node goes on as this member, which was removed. */
  strangerSpoke(nodeId: NodeId, number: number): void {
    const identity = this.#parts.record()?.state.identity;
    if (identity !== undefined) this.#peers.remind(nodeId, { formation: identity.formation, number });
  }

  /** Those who wait for anything but that this node is removed wait in vain. */
  giveUp(error: ClusterError): void {
    const { code, message } = error;
    this.#conditions.check();
    this.#conditions.failAll(new ClusterError(code, message, { cause: error, outcome: 'unknown' }));
  }

  end(error: ClusterError): void {
    this.#keeper.end();
    this.giveUp(error);
    this.members[Symbol.dispose]();
  }

  #changing(): ChangingGroup | undefined {
    const { running, record, host, group, mayLead } = this.#parts;
    const [member, known] = [running(), record()];
    return member && known && new ChangingGroup(member, known, host.logOf(group), mayLead);
  }

  #group(): ChangingGroup {
    const group = this.#changing();
    if (group === undefined) throw this.#parts.refusal() ?? this.#parts.notLeader();
    return group;
  }

  #leader(): Leader {
    const { running, host } = this.#parts;
    const leader = running()?.leader;
    const group = this.#changing();
    if (leader !== undefined || group?.isRemoved !== true) return leader;
    // Nobody tells it who leads; those whom it knew may know.
    const others = group.members.all.filter((each) => each.nodeId !== host.context.self.id);
    this.#asked += 1;
    const next = others[this.#asked % Math.max(1, others.length)];
    return next === undefined ? undefined : { nodeId: next.nodeId };
  }

  #all(): readonly RaftMember[] {
    const group = this.#changing();
    if (group === undefined) return [];
    return group.members.all.map(({ number, nodeId, wants }) => ({
      nodeId,
      wants,
      role: group.hasVote(number) ? 'voter' : 'learner',
    }));
  }

  async #carry(change: ChangeRequest, deadline: MonotonicMs): Promise<void> {
    const refusal = this.#parts.refusal();
    if (refusal !== undefined) throw refusal;
    await this.#desk.carry(change, deadline);
  }
}

import { ClusterError, type MonotonicMs, type NodeId } from '@quorate/core';
import type { Leader } from '../dispatch.ts';
import type { GroupSettings } from '../group-options.ts';
import type { GroupRecord } from '../group-record.ts';
import type { GroupPhase } from '../group-status.ts';
import type { GroupUsers } from '../group-users.ts';
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
import { hasWork, MemberKeeper } from './member-keeper.ts';
import { Peers } from './peers.ts';
import type { RaftMember } from './raft-members.ts';

/** What changes of the members need of the group on this node. */
export interface ChangingGroupOwner {
  readonly id: number;
  readonly settings: GroupSettings;
  /** Undefined until it runs. */
  readonly running: (RunningMember & { readonly leader: Leader }) | undefined;
  /** Undefined until it is started. */
  readonly record: GroupRecord | undefined;
  readonly phase: GroupPhase;
  /** Why it doesn't run, where that is so. */
  readonly problem: ClusterError | undefined;
  /** Why no changes can be asked for here, where that is so. */
  readonly changeRefusal: ClusterError | undefined;
  readonly users: GroupUsers;
  notLeader(): ClusterError;
  /** This member was removed. */
  leave(): void;
}

/** How the members of a group change, as far as this node takes part in it. */
export class GroupMembership {
  readonly #host: RaftHost;
  readonly #owner: ChangingGroupOwner;
  readonly #conditions: Conditions;
  readonly #peers: Peers;
  /** These are made when they are needed: in most groups the members never change, and nobody asks who they are. */
  #members: GroupMembers | undefined;
  #changes: ConfChanges | undefined;
  #desk: ChangeDesk | undefined;
  #keeper: MemberKeeper | undefined;
  /** Of those that a node which was removed has asked for the leader. */
  #asked = 0;

  constructor(host: RaftHost, owner: ChangingGroupOwner) {
    this.#host = host;
    this.#owner = owner;
    this.#conditions = new Conditions(host.context.clock);
    this.#peers = new Peers(host, owner.id);
  }

  get members(): GroupMembers {
    return (this.#members ??= new GroupMembers({
      clock: this.#host.context.clock,
      phase: () => this.#owner.phase,
      error: () => this.#owner.problem,
      all: () => this.#all(),
      carry: (change, deadline) => this.#carry(change, deadline),
    }));
  }

  /** Whether it is fine when the group rests, as far as changes of the members go. */
  get isIdle(): boolean {
    return this.#keeper?.isIdle !== false && this.#desk?.isIdle !== false && this.#conditions.isEmpty;
  }

  /** @throws ClusterError `UNSUPPORTED` for a call that has nothing to do with it; `PROTOCOL` */
  async request(from: NodeId, kind: number, body: Uint8Array): Promise<Uint8Array> {
    const record = this.#owner.record;
    if (kind === requestKind.CHANGE) return this.#changeDesk().answer(body);
    if (kind === requestKind.REPAIR) return this.#changeDesk().repair(from, body);
    if (kind === requestKind.IDENTIFY && record !== undefined) return encodeNodeIdentity(record.state);
    if (kind !== requestKind.REMOVED) throw new ClusterError('UNSUPPORTED', `a call of kind ${kind} is not known here`);
    const { formation, number } = decodeRemoval(body);
    const identity = record?.state.identity;
    if (identity?.formation === formation && identity.number === number) this.#owner.leave();
    return new Uint8Array();
  }

  /** Something may have happened in the group. */
  turned(): void {
    if (!this.#conditions.isEmpty) this.#conditions.check();
  }

  /** The role of this node has changed, or the members have. */
  changed(): void {
    const group = this.#changing();
    if (group !== undefined && group.wasRemoved(group.identity.number)) this.#owner.leave();
    if (this.#keeper !== undefined || (group !== undefined && hasWork(group))) this.#memberKeeper().changed();
    this.#members?.changed();
    this.turned();
  }

  /** A node goes on as this member, which was removed. */
  strangerSpoke(nodeId: NodeId, number: number): void {
    const identity = this.#owner.record?.state.identity;
    if (identity !== undefined) this.#peers.remind(nodeId, { formation: identity.formation, number });
  }

  /** Those who wait for anything but that this node is removed wait in vain. */
  giveUp(error: ClusterError): void {
    const { code, message } = error;
    this.#conditions.check();
    this.#conditions.failAll(new ClusterError(code, message, { cause: error, outcome: 'unknown' }));
  }

  end(error: ClusterError): void {
    this.#keeper?.end();
    this.giveUp(error);
    this.members[Symbol.dispose]();
  }

  #changeDesk(): ChangeDesk {
    const [host, { id }] = [this.#host, this.#owner];
    return (this.#desk ??= new ChangeDesk({
      clock: host.context.clock,
      notLeader: () => this.#owner.notLeader(),
      leader: () => this.#leader(),
      run: (change, deadline) => this.#memberChanges().run(change, deadline),
      send: (to, body, timeoutMs) => host.request(to, id, requestKind.CHANGE, body, { timeoutMs }),
    }));
  }

  /** Made anew for each. */
  #memberChanges(): MemberChanges {
    return new MemberChanges({
      ...this.#common(),
      self: this.#host.context.self.id,
      group: () => this.#group(),
      goOn: (change, deadline) => this.#changeDesk().carry(change, deadline),
    });
  }

  #memberKeeper(): MemberKeeper {
    const { logger } = this.#host.context;
    return (this.#keeper ??= new MemberKeeper({ ...this.#common(), logger, group: () => this.#changing() }));
  }

  #common() {
    const { clock } = this.#host.context;
    const [conditions, notLeader] = [this.#conditions, () => this.#owner.notLeader()];
    const changes = (this.#changes ??= new ConfChanges({ clock, conditions, group: () => this.#group(), notLeader }));
    const { electionMs } = this.#owner.settings.timings;
    return { clock, electionMs, conditions, changes, peers: this.#peers, notLeader };
  }

  #changing(): ChangingGroup | undefined {
    const { running, record, id } = this.#owner;
    if (running === undefined || record === undefined) return undefined;
    return new ChangingGroup(running, record, this.#host.logOf(id), (nodeId) => this.#mayLead(nodeId));
  }

  /** Whether this node would be a leader as good as the one that there is, if that is this node. */
  #mayLead(nodeId: NodeId): boolean {
    const { users } = this.#owner;
    return users.preferenceFor(nodeId) >= users.preferenceFor(this.#host.context.self.id);
  }

  #group(): ChangingGroup {
    const group = this.#changing();
    if (group === undefined) throw this.#owner.changeRefusal ?? this.#owner.notLeader();
    return group;
  }

  #leader(): Leader {
    const leader = this.#owner.running?.leader;
    const group = this.#changing();
    if (leader !== undefined || group?.isRemoved !== true) return leader;
    // Nobody tells it who leads; those whom it knew may know.
    const others = group.members.all.filter((each) => each.nodeId !== this.#host.context.self.id);
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
    const refusal = this.#owner.changeRefusal;
    if (refusal !== undefined) throw refusal;
    await this.#changeDesk().carry(change, deadline);
  }
}

import { Broadcast, type CallOptions, ClusterError, type NodeId, telemetryOf, toClusterError } from '@quorate/core';
import type { Halt } from './commands/entry-feed.ts';
import type { Command } from './commands/command-batch.ts';
import { type EnteredGroup, Entering } from './formation/entering.ts';
import type { Founding } from './formation/founding.ts';
import { GroupDesks, type ServedGroup } from './group-desks.ts';
import type { GroupSettings } from './group-options.ts';
import { GroupInstruments } from './group-instruments.ts';
import { GroupMachine } from './group-machine.ts';
import { GroupUsers } from './group-users.ts';
import { type ChangingGroupOwner, GroupMembership } from './membership/group-membership.ts';
import type { RaftMembers } from './membership/raft-members.ts';
import type { GroupRecord } from './group-record.ts';
import type { Identity } from './group-state.ts';
import type { CommandOptions, GroupPeer, GroupPhase, GroupStatus, LeaderLease } from './group-status.ts';
import type { Settled } from './proposals.ts';
import type { RaftGroup } from './raft-group.ts';
import type { RaftGroupParts } from './raft-group-parts.ts';
import type { RaftHost, SnapshotMember } from './raft-host.ts';
import { restoreNewest } from './commands/restore-newest.ts';
import type { ReadDesk } from './read-desk.ts';
import { requestKind } from './request-kind.ts';
import { HaltedLeader } from './recovery/halted-leader.ts';
import type { RaftOperations } from './recovery/raft-operations.ts';
import type { RestNotice } from './resting/rest-notice.ts';
import { RunningGroup } from './running-group.ts';
import type { RunningGroupOwner } from './running-group-parts.ts';
import { leaseOf, notLeader, peersOf, shownStatus, successorsOf } from './shown-group.ts';
import { snapshotMember } from './snapshots/snapshot-member.ts';
import type { SnapshotPolicySettings } from './snapshots/snapshot-policy.ts';
import type { ReceivedMessage } from './wire/frame-reader.ts';

/** One group on one node, from the first look at its log to its end. */
export class NodeGroup<C, R, Q, A>
  implements RaftGroup<C, R, Q, A>, RunningGroupOwner, EnteredGroup, ChangingGroupOwner, ServedGroup<R>
{
  readonly id: number;
  due = 0;
  readonly settings: GroupSettings;
  readonly users: GroupUsers;
  readonly instruments: GroupInstruments;
  readonly #host: RaftHost;
  readonly #snapshotPolicy: SnapshotPolicySettings;
  readonly #machine: GroupMachine<C, R, Q, A>;
  readonly #entering: Entering;
  readonly #membership: GroupMembership;
  readonly #desks: GroupDesks<R>;
  /** Undefined until the machine has stopped for the first time. */
  #haltedLeader: HaltedLeader | undefined;
  readonly #closing = new AbortController();
  readonly #statuses = new Broadcast<GroupStatus>(1);
  #running: RunningGroup<R> | undefined;
  #phase: GroupPhase = 'opening';
  #error: ClusterError | undefined;
  #isRun = false;

  constructor(host: RaftHost, parts: RaftGroupParts<C, R, Q, A>) {
    this.#host = host;
    this.id = parts.id;
    this.settings = parts.settings;
    this.users = new GroupUsers(this, parts.settings.priorities);
    this.#snapshotPolicy = parts.snapshots;
    this.#machine = new GroupMachine(parts.id, parts.machine);
    this.#desks = new GroupDesks(host, this, this.#machine);
    this.#entering = new Entering(host, this);
    this.#membership = new GroupMembership(host, this);
    this.instruments = new GroupInstruments(telemetryOf(host.context), parts.id, () => ({
      status: this.status,
      peers: this.peers(),
      running: this.#running?.observed,
    }));
  }

  get phase(): GroupPhase {
    return this.#phase;
  }

  get running(): RunningGroup<R> | undefined {
    return this.#running;
  }

  get record(): GroupRecord | undefined {
    return this.#entering.founding?.record;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  notLeader(): ClusterError {
    return notLeader(this.#host.context, this.id, this.#running);
  }

  get reads(): ReadDesk {
    return this.#desks.reads;
  }

  /** For the host. */
  get snapshots(): SnapshotMember {
    return snapshotMember(this.#host, this.id, this.#running);
  }

  get operations(): RaftOperations {
    return this.#desks.operations;
  }

  get members(): RaftMembers {
    return this.#membership.members;
  }

  get status(): GroupStatus {
    const term = this.#entering.founding?.state.term ?? 0;
    return shownStatus(this.#running, { phase: this.#phase, term, error: this.problem });
  }

  watch(options?: CallOptions): AsyncIterable<GroupStatus> {
    return this.#statuses.watch(options, [this.status]);
  }

  async start(): Promise<void> {
    await this.#host.open();
    this.#throwIfOver();
    this.#host.add(this);
    try {
      await this.#entering.begin();
    } catch (error) {
      if (!(await this.#host.repair(this.id))) throw error;
      this.#throwIfOver();
    }
  }

  suspend(damage: ClusterError): void {
    const message = `group ${this.id} is to give this node a place again, whose log is damaged: ${damage.message}`;
    const error = new ClusterError('QUORUM_LOST', message, { cause: damage });
    this.#entering.stop();
    if (this.#running !== undefined) {
      this.#machine.hasShown(this.#running.applied);
      this.#refuse(error);
    }
    this.#beginAnew(message);
    this.#membership.giveUp(error);
    this.enter('repairing');
    this.users.turned();
  }

  async resume(): Promise<void> {
    try {
      await this.#entering.begin();
    } catch (error) {
      this.failed(toClusterError(error, 'IO', `group ${this.id}`));
    }
  }

  failed(error: ClusterError): void {
    if (this.closing.aborted) return;
    this.#host.context.logger.error(error.message, error);
    this.#end(error.code === 'REFUSED' ? 'refused' : 'failed', error);
  }

  submit(commands: readonly Command[], options?: CommandOptions): Promise<Settled<R>[]> {
    return this.#desks.commands.submit(commands, options);
  }

  submitOne(command: Command, options?: CommandOptions): Promise<Settled<R>> {
    return this.#desks.commands.submitOne(command, options);
  }

  encode(command: C): Uint8Array {
    return this.#machine.encode(command);
  }

  query(query: Q): A {
    return this.#machine.query(query, this.#running);
  }

  lease(): LeaderLease {
    return leaseOf(this.#running);
  }

  campaign(): void {
    this.#running?.ask((node) => node.campaign());
  }

  stepDown(): void {
    this.#running?.ask((node) => {
      node.stepDown();
      return 'ok';
    });
  }

  get isIdle(): boolean {
    return this.#running?.callers.hasCommands !== true && this.#desks.isIdle;
  }

  successors(): readonly NodeId[] {
    return successorsOf(this.#running);
  }

  transferLeader(to: NodeId): void {
    const number = this.#running?.configuration.members.ofNode(to)?.number;
    if (number !== undefined) this.#running?.ask((node) => node.transferLeader(number));
  }

  peers(): readonly GroupPeer[] {
    return this.#running === undefined ? [] : peersOf(this.#running);
  }

  receive(from: NodeId, received: ReceivedMessage): void {
    this.#running?.receive(from, received);
    if (this.#phase === 'waiting') this.#entering.inquire(from);
  }

  async request(from: NodeId, kind: number, body: Uint8Array): Promise<Uint8Array> {
    switch (kind) {
      case requestKind.ASK:
        return this.#entering
          .started()
          .answer(from, body, this.#running?.configuration.knownWith(this.#running.applied) ?? []);
      case requestKind.INVITE:
        return this.#entering.takeInvitation(from, body);
      case requestKind.FORWARD:
        return this.#desks.commands.answer(body);
      case requestKind.SKIP:
      case requestKind.HAS_APPLIED:
      case requestKind.GOES_ON:
      case requestKind.TRANSFER:
        return this.#desks.operations.answer(kind, body);
      default:
        return this.#membership.request(from, kind, body);
    }
  }

  mayRest(from: NodeId, notice: RestNotice): void {
    this.#running?.mayRest(from, notice);
  }

  disconnected(nodeId: NodeId): void {
    this.#running?.disconnected(nodeId);
  }

  flush(): void {
    this.#running?.flush();
  }

  process(): void {
    this.#running?.process();
  }

  write(): boolean {
    return this.#running?.write() ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closing.aborted) return;
    const error = new ClusterError('CLOSED', `group ${this.id} is closed`);
    this.#closing.abort(error);
    this.#entering.stop();
    this.#end('closed', error);
    this.#host.remove(this);
    this.#statuses[Symbol.dispose]();
    this.instruments[Symbol.dispose]();
  }

  get #self(): NodeId {
    return this.#host.context.self.id;
  }

  /** Why it doesn't run. */
  get problem(): ClusterError | undefined {
    const { loss } = this.#host.log;
    if (this.#error !== undefined || this.#phase !== 'repairing' || loss === undefined) return this.#error;
    return new ClusterError('CORRUPT', loss);
  }

  /** The group can't go on here; not with this log, if that is damaged. */
  over(error: ClusterError): void {
    // What fails meanwhile failed for that; but what the group has answered is the group's word.
    if (this.#host.isRepairing && error.code !== 'REFUSED') return undefined;
    if (!this.#host.isDamaged(this.id)) return this.failed(error);
    void this.#repair();
  }

  async #repair(): Promise<void> {
    try {
      await this.#host.repair(this.id);
    } catch (cause) {
      this.failed(toClusterError(cause, 'IO', 'set the log aside'));
    }
  }

  /** This member was removed, and nobody has told this node so before. */
  leave(): void {
    const [founding, running] = [this.#entering.founding, this.#running];
    if (founding === undefined || running === undefined || founding.state.isRemoved) return;
    founding.record.remove();
    this.#retire(running);
  }

  #retire(running: RunningGroup<R>): void {
    const error = new ClusterError('REFUSED', `${this.#self} was removed from group ${this.id}`);
    this.#host.context.logger.warn(error.message);
    running.retire(error);
    this.#refuse(error);
    this.#membership.giveUp(error);
    this.enter('removed');
  }

  beginAnew(): void {
    this.#beginAnew(`${this.#self} becomes another member of group ${this.id}`);
  }

  /** Another member of the group from now on. */
  #beginAnew(why: string): void {
    this.#running?.end(new ClusterError('CLOSED', why));
    this.#running = undefined;
    this.#isRun = false;
    this.#machine.beginAnew();
  }

  get changeRefusal(): ClusterError | undefined {
    if (this.#phase !== 'halted' && this.#error !== undefined) return this.#error;
    if (this.#running !== undefined) return undefined;
    return new ClusterError('QUORUM_LOST', `group ${this.id} is ${this.#phase}: its members are not known here`);
  }

  /** Takes part, as this member. */
  async run(founding: Founding, identity: Identity): Promise<void> {
    if (this.#isRun || this.closing.aborted) return;
    this.#isRun = true;
    founding.stop();
    const log = this.#host.logOf(this.id);
    await restoreNewest(this.#machine.current, log, this.closing);
    if (this.closing.aborted || !this.#host.log.isCurrent(log)) return;
    this.#running = new RunningGroup<R>({
      host: this.#host,
      id: this.id,
      settings: this.settings,
      identity,
      record: founding.record,
      log,
      machine: this.#machine.current,
      codec: this.#machine.codec,
      owner: this,
      policy: this.#snapshotPolicy,
    });
    this.#running.stand(this.users.isStanding);
    this.#refuse(undefined);
    this.enter('running');
    this.#desks.open(this.#running);
    this.#host.input(this, () => undefined);
    if (founding.state.isRemoved) this.#retire(this.#running);
  }

  get canRest(): boolean {
    return this.users.mayRest && this.#membership.isIdle;
  }

  strangerSpoke(nodeId: NodeId, number: number): void {
    this.#membership.strangerSpoke(nodeId, number);
  }

  #throwIfOver(): void {
    if (this.closing.aborted) throw new ClusterError('CLOSED', `group ${this.id} is closed`);
    if (this.#error !== undefined) throw this.#error;
  }

  /** From here on calls are refused with this; or, with undefined, taken again. */
  #refuse(error: ClusterError | undefined): void {
    this.#error = error;
    this.#desks.refuse(error);
  }

  enter(phase: GroupPhase): void {
    this.#phase = phase;
    this.#changed();
  }

  turned(): void {
    this.#membership.turned();
    this.users.turned();
  }

  #changed(): void {
    this.#haltedLeader?.changed();
    this.#statuses.publish(this.status);
  }

  membersChanged(): void {
    this.#membership.changed();
    this.#changed();
  }

  halted(halt: Halt | undefined): void {
    if (this.#phase === 'removed') return;
    this.#refuse(halt?.error);
    if (halt !== undefined) {
      // What they wait for can take long now.
      this.#running?.callers.reads.failAll(halt.error);
      this.#host.context.logger.error(`group ${this.id} is halted: ${halt.error.message}`, halt.error);
      this.#haltedLeader ??= new HaltedLeader(this.#host, this, () => this.#running);
    }
    this.enter(halt === undefined ? 'running' : 'halted');
  }

  /** The group is over on this node. */
  #end(phase: GroupPhase, error: ClusterError): void {
    const running = this.#running;
    running?.end(error);
    this.#refuse(error);
    if (phase === 'closed') this.#membership.end(error);
    else this.#membership.giveUp(error);
    this.enter(phase);
  }
}

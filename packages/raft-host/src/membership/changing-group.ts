import type { GroupLog, NodeId } from '@quorate/core';
import type { ConfChange, ConfState, ProgressStatus, RaftNode, StepResult } from '@quorate/raft';
import type { GroupRecord } from '../group-record.ts';
import type { Identity } from '../group-state.ts';
import { decodeSnapshotMembers, type Members } from '../members.ts';
import { successors } from '../progress-view.ts';

/** What changes of the members need of the group as it runs. */
export interface RunningMember {
  readonly node: RaftNode;
  readonly configuration: { readonly members: Members; readonly confState: ConfState };
  readonly snapshots: { take(): Promise<unknown> };
  /** Calls the core. Undefined once the group has failed. */
  ask(call: (node: RaftNode) => StepResult): StepResult | undefined;
}

/** Where a proposal stands in the log, if it stays. */
export interface ProposedAt {
  readonly index: number;
  readonly term: number;
}

/** A group as it is now, as far as its members and changes of them go. Made anew for each use: it ends with its run. */
export class ChangingGroup {
  readonly #running: RunningMember;
  readonly #record: GroupRecord;
  readonly #log: GroupLog;
  readonly #mayLead: (nodeId: NodeId) => boolean;

  /** @param mayLead whether this node would be a leader as good as this one */
  constructor(running: RunningMember, record: GroupRecord, log: GroupLog, mayLead: (nodeId: NodeId) => boolean) {
    this.#running = running;
    this.#record = record;
    this.#log = log;
    this.#mayLead = mayLead;
  }

  get members(): Members {
    return this.#running.configuration.members;
  }

  /** This node's. */
  get identity(): Identity {
    return this.#record.state.identity as Identity;
  }

  get isRemoved(): boolean {
    return this.#record.state.isRemoved;
  }

  get term(): number {
    return this.#running.node.basicStatus().term;
  }

  get isLeader(): boolean {
    return this.#running.node.basicStatus().role === 'leader';
  }

  /** Whether it leads, and knows by now all changes that were made before it did. */
  get leads(): boolean {
    const { role, term, applied } = this.#running.node.basicStatus();
    return role === 'leader' && this.#log.term(applied) === term;
  }

  get isJoint(): boolean {
    return this.#running.configuration.confState.votersOutgoing.length > 0;
  }

  get voters(): readonly number[] {
    return this.#running.configuration.confState.voters;
  }

  /** Whether this member has a vote in the configuration that is to stay. */
  isVoter(number: number): boolean {
    return this.voters.includes(number);
  }

  /** Whether it has a vote now, be it that it is about to lose it. */
  hasVote(number: number): boolean {
    return this.isVoter(number) || this.#running.configuration.confState.votersOutgoing.includes(number);
  }

  wasRemoved(number: number): boolean {
    return this.members.wasRemoved(number) || (this.isRemoved && number === this.identity.number);
  }

  /** All members that this node is, or was: more than one while it is being replaced by itself. */
  numbersOf(nodeId: NodeId): readonly number[] {
    return this.members.all.filter((member) => member.nodeId === nodeId).map(({ number }) => number);
  }

  hasApplied(index: number): boolean {
    return this.#running.node.basicStatus().applied >= index;
  }

  /** Whether this stands in the log for good. */
  isCommitted({ index, term }: ProposedAt): boolean {
    const status = this.#running.node.basicStatus();
    return status.term === term && status.commit >= index;
  }

  /** What this leader knows of the others. */
  progress(): ReadonlyMap<number, ProgressStatus> {
    return this.#running.node.status().progress;
  }

  hasCaughtUp(number: number): boolean {
    return this.#running.node.hasCaughtUp(number);
  }

  /** Whether entries that this member needs are gone, and the snapshot in their place doesn't know it. */
  lacksSnapshotFor(number: number, { next }: ProgressStatus): boolean {
    const { snapshot, firstIndex } = this.#log;
    if (next >= firstIndex || snapshot === undefined) return false;
    return !decodeSnapshotMembers(snapshot.metadata).members.some((member) => member.number === number);
  }

  takeSnapshot(): Promise<unknown> {
    return this.#running.snapshots.take();
  }

  /** Voters to whom this leader can hand over, and would. */
  successors(): readonly number[] {
    return successors(this.#running.node).filter((number) => {
      const member = this.members.get(number);
      return member !== undefined && this.#mayLead(member.nodeId);
    });
  }

  transferLeader(to: number): void {
    this.#running.ask((node) => node.transferLeader(to));
  }

  /** Whatever comes of it: the group doesn't rest. */
  wake(): void {
    this.#running.ask(() => 'ok');
  }

  proposeChange(change: ConfChange): ProposedAt | StepResult {
    return this.#propose((node) => node.proposeConfChange(change));
  }

  /** An entry that does nothing, but to be committed. */
  proposeNothing(): ProposedAt | StepResult {
    return this.#propose((node) => node.propose(new Uint8Array()));
  }

  #propose(call: (node: RaftNode) => StepResult): ProposedAt | StepResult {
    let at: ProposedAt | undefined;
    const result = this.#running.ask((node) => {
      const said = call(node);
      const { lastIndex: index, term } = node.basicStatus();
      if (said === 'ok') at = { index, term };
      return said;
    });
    return at ?? result ?? 'no-leader';
  }
}

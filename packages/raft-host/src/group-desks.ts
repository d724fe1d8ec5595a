import type { ClusterError, NodeId } from '@quorate/core';
import { CommandDesk } from './command-desk.ts';
import type { GroupInstruments } from './group-instruments.ts';
import type { GroupMachine } from './group-machine.ts';
import type { GroupRecord } from './group-record.ts';
import type { GroupPhase } from './group-status.ts';
import type { GroupUsers } from './group-users.ts';
import type { HostedGroup, RaftHost } from './raft-host.ts';
import { ReadDesk } from './read-desk.ts';
import { GroupOperations, type OperationsParts } from './recovery/group-operations.ts';
import { requestKind } from './request-kind.ts';
import type { RunningGroup } from './running-group.ts';

/** A group, as far as its desks need it. */
export interface ServedGroup<R> extends HostedGroup {
  readonly instruments: GroupInstruments;
  readonly users: GroupUsers;
  readonly phase: GroupPhase;
  /** Undefined while it doesn't run. */
  readonly running: RunningGroup<R> | undefined;
  readonly record: GroupRecord | undefined;
  /** Aborted when it is closed. */
  readonly closing: AbortSignal;
  /** Why its members can't be changed, nor anything else be done with it; that it is halted is no reason. */
  readonly changeRefusal: ClusterError | undefined;
  notLeader(): ClusterError;
  successors(): readonly NodeId[];
  transferLeader(to: NodeId): void;
}

/** What callers come for in the end. */
interface ServedMachine<R> extends Pick<GroupMachine<never, R, never, unknown>, 'codec' | 'objection'> {
  readonly current: ReturnType<OperationsParts['machine']>;
}

/** Where callers come to a group: with commands, with reads, and to operate it. Each desk is made for the first of them. */
export class GroupDesks<R> {
  readonly #host: RaftHost;
  readonly #group: ServedGroup<R>;
  readonly #machine: ServedMachine<R>;
  #commands: CommandDesk<R> | undefined;
  #reads: ReadDesk | undefined;
  #operations: GroupOperations | undefined;
  /** Why commands and reads are refused now. */
  #refusal: ClusterError | undefined;

  constructor(host: RaftHost, group: ServedGroup<R>, machine: ServedMachine<R>) {
    this.#host = host;
    this.#group = group;
    this.#machine = machine;
  }

  get commands(): CommandDesk<R> {
    return (this.#commands ??= this.#openCommands());
  }

  get reads(): ReadDesk {
    return (this.#reads ??= this.#openReads());
  }

  get operations(): GroupOperations {
    return (this.#operations ??= this.#openOperations());
  }

  /** Whether no other node waits for what is answered elsewhere. */
  get isIdle(): boolean {
    return this.#commands?.isIdle !== false;
  }

  /** The group runs: who has waited for it goes on. */
  open(running: RunningGroup<R>): void {
    this.#commands?.open();
    this.#reads?.open(running);
  }

  /** From here on commands and reads are refused with this; or, with undefined, taken again. */
  refuse(error: ClusterError | undefined): void {
    this.#refusal = error;
    this.#commands?.refuse(error);
    this.#reads?.refuse(error);
  }

  #openCommands(): CommandDesk<R> {
    const group = this.#group;
    const desk = new CommandDesk<R>({
      group: group.id,
      clock: this.#host.context.clock,
      instruments: group.instruments,
      codec: this.#machine.codec,
      objection: this.#machine.objection,
      dispatch: () => group.running?.callers.dispatch,
      leader: () => group.running?.leader,
      notLeader: () => group.notLeader(),
      passOn: (to, body, timeoutMs) => this.#host.request(to, group.id, requestKind.FORWARD, body, { timeoutMs }),
    });
    desk.refuse(this.#refusal);
    return desk;
  }

  #openReads(): ReadDesk {
    const group = this.#group;
    const desk = new ReadDesk({
      group: group.id,
      clock: this.#host.context.clock,
      instruments: group.instruments,
      running: () => group.running,
      phase: () => group.phase,
      gather: () => this.#host.gather(group),
    });
    desk.refuse(this.#refusal);
    return desk;
  }

  #openOperations(): GroupOperations {
    const group = this.#group;
    return new GroupOperations({
      host: this.#host,
      group: group.id,
      running: () => group.running,
      machine: () => this.#machine.current,
      record: () => group.record,
      phase: () => group.phase,
      refusal: () => group.changeRefusal,
      notLeader: () => group.notLeader(),
      successors: () => group.successors(),
      preferenceFor: (nodeId) => group.users.preferenceFor(nodeId),
      handOverTo: (to) => group.transferLeader(to),
      barrier: (options) => this.reads.barrier(options),
      closing: group.closing,
    });
  }
}

import {
  type CallOptions,
  checkOptions,
  ClusterError,
  type GroupLog,
  isClusterError,
  type NodeId,
  type OptionRules,
  rule,
  throwIfAborted,
} from '@quorate/core';
import type { Halt } from '../commands/entry-feed.ts';
import type { ReplicatedMachine } from '../commands/replicated-machine.ts';
import type { CommandPosition } from '../commands/skip.ts';
import type { GroupPhase, ReadOptions } from '../group-status.ts';
import type { GroupRecord } from '../group-record.ts';
import type { RaftHost } from '../raft-host.ts';
import { requestKind } from '../request-kind.ts';
import type { RunningGroup } from '../running-group.ts';
import type { ArchivePiece } from './archive-format.ts';
import { writeBackup } from './backup-format.ts';
import { type ArchiveOptions, followLog } from './log-archiver.ts';
import type {
  BackupOptions,
  BarrierOptions,
  HaltedAt,
  OperationsStatus,
  RaftOperations,
  SnapshotTaken,
} from './raft-operations.ts';
import { answerGoesOn } from './halted-leader.ts';
import { type SkipOptions, Skipping } from './skipping.ts';
import { Transferring, type TransferOptions } from './transferring.ts';

/** What of a group that runs has to do with its operation. */
export type OperatedGroup = Pick<
  RunningGroup<unknown>,
  'ask' | 'applied' | 'configuration' | 'halt' | 'leader' | 'node' | 'snapshots'
>;

type OperatedMachine = Pick<ReplicatedMachine<never, unknown, never, unknown>, 'applied' | 'hasSkip' | 'version'>;

export interface OperationsParts {
  readonly host: RaftHost;
  readonly group: number;
  /** Undefined while it doesn't run. */
  readonly running: () => OperatedGroup | undefined;
  readonly machine: () => OperatedMachine;
  readonly record: () => GroupRecord | undefined;
  readonly phase: () => GroupPhase;
  /** Why nothing can be done with it; that it is halted is no reason. */
  readonly refusal: () => ClusterError | undefined;
  readonly notLeader: () => ClusterError;
  /** Voters to whom this leader can hand over. */
  readonly successors: () => readonly NodeId[];
  /** How much a node is wanted as leader. */
  readonly preferenceFor: (nodeId: NodeId) => number;
  readonly handOverTo: (to: NodeId) => void;
  /** A linearizable read. */
  readonly barrier: (options: ReadOptions) => Promise<void>;
  readonly closing: AbortSignal;
}

const backupRules: OptionRules<Omit<BackupOptions, 'signal'>> = {
  local: rule.flag(),
  timeoutMs: rule.duration({ min: 1 }),
};

/** `RaftOperations` of one group on one node. */
export class GroupOperations implements RaftOperations {
  readonly #parts: OperationsParts;
  readonly #skipping: Skipping;
  readonly #transferring: Transferring;

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    const { host, group: id } = parts;
    const { clock, self } = host.context;
    const group = {
      id,
      clock,
      leader: () => this.#running.leader,
      notLeader: parts.notLeader,
      ask: (
        to: NodeId,
        kind: number,
        body: Uint8Array,
        { timeoutMs, signal }: CallOptions & { readonly timeoutMs: number },
      ) => host.request(to, id, kind, body, signal === undefined ? { timeoutMs } : { timeoutMs, signal }),
    };
    this.#skipping = new Skipping({
      ...group,
      halt: () => this.#running.halt,
      applied: () => this.#running.applied,
      hasSkip: (position) => parts.machine().hasSkip(position),
      term: () => this.#running.node.basicStatus().term,
      propose: (data) => this.#running.ask((node) => node.propose(data)) === 'ok',
      others: () => this.#others(),
    });
    const { successors, preferenceFor, handOverTo } = parts;
    this.#transferring = new Transferring({ ...group, self: self.id, successors, preferenceFor, handOverTo });
  }

  status(): OperationsStatus {
    const { phase, machine } = this.#parts;
    const { halt, applied } = this.#running;
    return { phase: phase(), halted: halt && shown(halt), appliedIndex: applied, timeMs: machine().applied.time };
  }

  async barrier({ timeoutMs = 5000, signal }: BarrierOptions = {}): Promise<void> {
    await this.#parts.barrier(signal === undefined ? { timeoutMs } : { timeoutMs, signal });
    this.#sound();
  }

  async skipCommand(position: CommandPosition, options?: SkipOptions): Promise<void> {
    await this.#skipping.skip(position, options);
  }

  async transferLeadership(to: NodeId, options?: TransferOptions): Promise<void> {
    await this.#transferring.transfer(to, options);
  }

  /** Another node asks: of a command at which machines have stopped, or that leadership be handed over. */
  async answer(kind: number, body: Uint8Array): Promise<Uint8Array> {
    if (kind === requestKind.TRANSFER) return await this.#transferring.answer(body);
    if (kind === requestKind.GOES_ON) return answerGoesOn(body, this.#parts.running());
    if (kind === requestKind.HAS_APPLIED) return this.#skipping.answerApplied(body);
    await this.#skipping.answer(body);
    return new Uint8Array();
  }

  async snapshotNow(): Promise<SnapshotTaken> {
    const { index } = this.#sound().applied;
    if (index === 0) throw new ClusterError('NOT_FOUND', `group ${this.#parts.group} has nothing applied here yet`);
    for (;;) {
      const { snapshots } = this.#running;
      try {
        const info = await snapshots.take();
        // One that was on its way already may be of an earlier moment.
        if (info.index >= index) return { index: info.index, size: info.size };
      } catch (error) {
        const { snapshot } = this.#log;
        // The leader has sent a newer one meanwhile.
        const isThere = isClusterError(error, 'INVALID_OPTIONS') && snapshot !== undefined && snapshot.index >= index;
        if (!isThere) throw error;
        return { index: snapshot.index, size: snapshot.size };
      }
    }
  }

  async *backup({ signal, ...options }: BackupOptions = {}): AsyncGenerator<Uint8Array> {
    const { local = false, timeoutMs = 5000 } = checkOptions('backup', backupRules, options);
    throwIfAborted(signal, 'backup');
    if (!local) await this.#parts.barrier(signal === undefined ? { timeoutMs } : { timeoutMs, signal });
    const machine = this.#sound();
    const { group, host } = this.#parts;
    const { index, term, source, members } = this.#running.snapshots.capture();
    try {
      const info = {
        group,
        formation: this.#formation,
        index,
        term,
        timeMs: machine.applied.time,
        machineVersion: machine.version,
        members: members.members,
        lastNumber: members.lastNumber,
      };
      for await (const chunk of writeBackup(info, source.chunks(signal === undefined ? {} : { signal }), host.crc32)) {
        this.#throwIfOver(signal);
        yield chunk;
      }
    } finally {
      source.release();
    }
  }

  archive(options: ArchiveOptions = {}): AsyncIterable<ArchivePiece> {
    const { group: id, host, closing } = this.#parts;
    const commit = () => this.#running.node.basicStatus().commit;
    const hold = (next: () => number) => this.#running.snapshots.hold(next);
    const { clock } = host.context;
    const group = { id, formation: this.#formation, log: this.#log, clock, crc32: host.crc32, commit, hold, closing };
    // From the call on, not from the first read: what is committed in between belongs to it.
    return followLog(group, { ...options, from: options.from ?? commit() + 1 });
  }

  /** @throws ClusterError where it doesn't run */
  get #running(): OperatedGroup {
    const refusal = this.#parts.refusal();
    if (refusal !== undefined) throw refusal;
    return this.#parts.running() as OperatedGroup;
  }

  get #log(): GroupLog {
    return this.#parts.host.logOf(this.#parts.group);
  }

  /** Of a group that runs. */
  get #formation(): string {
    return this.#parts.record()?.state.identity?.formation ?? '';
  }

  #others(): readonly NodeId[] {
    const own = this.#parts.host.context.self.id;
    return this.#running.configuration.members.all.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== own);
  }

  /** The machine, unless it has stopped. */
  #sound(): OperatedMachine {
    const { halt } = this.#running;
    if (halt !== undefined) throw halt.error;
    return this.#parts.machine();
  }

  #throwIfOver(signal: AbortSignal | undefined): void {
    throwIfAborted(signal, 'backup');
    if (this.#parts.closing.aborted) throw new ClusterError('CLOSED', `group ${this.#parts.group} is closed`);
  }
}

function shown({ index, place, error, canBeSkipped }: Halt): HaltedAt {
  return { index, place, reason: error.message, canBeSkipped };
}

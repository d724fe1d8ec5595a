import {
  abortError,
  Broadcast,
  type CallOptions,
  checkRequestTimeout,
  ClusterError,
  consistencyPresets,
  invalidOption,
  type ReadConsistency,
  type ReadOptions,
  type ReplicationStatus,
  type Replicator,
  type ReplicatorContext,
  type ReplicatorSupport,
  type Session,
  throwIfAborted,
  type WriteConsistency,
  type WriteOptions,
} from '@quorate/core';
import {
  type Command,
  type CommandOptions,
  type GroupPeer,
  type GroupStatus,
  type HasMembers,
  type HasOperations,
  type RaftGroup,
  type RaftMembers,
  type RaftOperations,
  type Settled,
  type SharedGroup,
  sharedGroup,
} from '@quorate/raft-host';
import type { RaftReplicatorSettings } from './options.ts';
import { RaftSession } from './raft-session.ts';
import { resultOf } from './result-of.ts';

const OWNER = 'replicator-raft';
const DEFAULT_TIMEOUT_MS = 5000;

/** `Replicator` over a Raft group. */
export class RaftReplicator<C, R, Q, A> implements Replicator<C, R, Q, A>, HasMembers, HasOperations {
  readonly supports: ReplicatorSupport = {
    write: ['quorum', 'all'],
    read: ['local', 'bounded', 'session', 'lease', 'linearizable'],
    sessions: true,
  };
  readonly #context: ReplicatorContext;
  readonly #settings: RaftReplicatorSettings<C, R, Q, A>;
  readonly #shared: SharedGroup;
  readonly #sessions = new Set<RaftSession<C, R>>();
  #group: RaftGroup<C, R, Q, A> | undefined;
  /** Of the last write through this object that was acknowledged: what its `session` reads must see. */
  #lastWritten = 0;
  /** For whoever watches; while somebody does, each turn of the group is looked at. */
  readonly #statuses = new Broadcast<ReplicationStatus>(1, { onIdle: () => this.#turns?.[Symbol.dispose]() });
  #turns: Disposable | undefined;
  #told: ReplicationStatus | undefined;
  #disposing: Promise<void> | undefined;

  constructor(context: ReplicatorContext, settings: RaftReplicatorSettings<C, R, Q, A>) {
    this.#context = context;
    this.#settings = settings;
    this.#shared = sharedGroup(context);
    this.#shared.join(settings.use);
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'start');
    this.#group = await this.#shared.start<C, R, Q, A>();
    this.#group.users.stand(this, true);
  }

  async replicate(command: C, options: WriteOptions = {}): Promise<R> {
    const group = this.#started();
    if (options.signal?.aborted === true) throw abortError(options.signal, 'replicate', 'not-applied');
    const how = this.#howToWrite(options);
    const settled = await group.submitOne({ kind: 'plain', data: encode(group, command) }, how);
    this.#written(settled);
    return resultOf(settled);
  }

  async replicateBatch(commands: readonly C[], options: WriteOptions = {}): Promise<readonly R[]> {
    const group = this.#started();
    if (options.signal?.aborted === true) throw abortError(options.signal, 'replicate', 'not-applied');
    if (commands.length === 0) return [];
    const encoded = commands.map((command): Command => ({ kind: 'plain', data: encode(group, command) }));
    const settled = await this.#write(encoded, options);
    return settled.map((each) => resultOf(each));
  }

  async read(query: Q, options: ReadOptions = {}): Promise<A> {
    const group = this.#started();
    throwIfAborted(options.signal, 'read');
    checkRequestTimeout(options.timeoutMs);
    await this.#readable(group, options.consistency ?? consistencyPresets[this.#context.consistency].read, options);
    return group.query(query);
  }

  async openSession(options: CallOptions = {}): Promise<Session<C, R>> {
    const group = this.#started();
    throwIfAborted(options.signal, 'openSession');
    const ttlMs = this.#settings.sessionTtlMs;
    const [opened] = await this.#write([{ kind: 'open-session', ttlMs }], options);
    const id = opened?.outcome.ok === true && opened.outcome.kind === 'opened' ? opened.outcome.sessionId : undefined;
    if (id === undefined)
      throw opened?.outcome.ok === false ? opened.outcome.error : new ClusterError('REMOTE', 'no session');
    const session = new RaftSession<C, R>({
      id,
      ttlMs,
      clock: this.#context.clock,
      encode: (command) => encode(group, command),
      write: (command, how) => this.#write([command], how).then(([settled]) => settled as Settled<R>),
      defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
      onClose: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  get raftMembers(): RaftMembers {
    return this.#started().members;
  }

  get raftOperations(): RaftOperations {
    return this.#started().operations;
  }

  status(): ReplicationStatus {
    const group = this.#started();
    return shown(group.status, group.peers());
  }

  watch(options?: CallOptions): AsyncIterable<ReplicationStatus> {
    if (this.#disposing !== undefined) return this.#statuses.watch(options);
    const group = this.#started();
    if (this.#statuses.readers === 0) {
      this.#told = this.status();
      this.#turns?.[Symbol.dispose]();
      this.#turns = group.users.onTurn(() => this.#tell());
    }
    return this.#statuses.watch(options, [this.status()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    this.#turns?.[Symbol.dispose]();
    this.#statuses[Symbol.dispose]();
    for (const session of this.#sessions) session.end();
    this.#group?.users.stand(this, false);
    await this.#shared.leave();
  }

  #tell(): void {
    const status = this.status();
    if (this.#told !== undefined && isSame(status, this.#told)) return;
    this.#told = status;
    this.#statuses.publish(status);
  }

  async #write(commands: readonly Command[], options: WriteOptions): Promise<readonly Settled<R>[]> {
    const settled = await this.#started().submit(commands, this.#howToWrite(options));
    for (const each of settled) this.#written(each);
    return settled;
  }

  #howToWrite({ timeoutMs = DEFAULT_TIMEOUT_MS, signal, consistency }: WriteOptions): CommandOptions {
    checkRequestTimeout(timeoutMs);
    const onAll = this.#onAll(consistency);
    return signal === undefined ? { timeoutMs, onAll } : { timeoutMs, onAll, signal };
  }

  #written({ index }: Settled<R>): void {
    if (index > this.#lastWritten) this.#lastWritten = index;
  }

  /** A preset asks for no less than it gets: this never keeps a write on one node only. */
  #onAll(consistency: WriteConsistency | undefined): boolean {
    if (consistency === undefined || consistency === 'quorum') return false;
    if (consistency === 'all') return true;
    if (consistency !== 'local' && typeof consistency !== 'object') {
      throw invalidOption('replicate', 'consistency', "'local', { acks }, 'quorum' or 'all'", consistency);
    }
    throw new ClusterError('UNSUPPORTED', `${OWNER} writes to a quorum or to all, not ${JSON.stringify(consistency)}`, {
      outcome: 'not-applied',
    });
  }

  async #readable(group: RaftGroup<C, R, Q, A>, consistency: ReadConsistency, options: ReadOptions): Promise<void> {
    const how = {
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(options.signal && { signal: options.signal }),
    };
    if (consistency === 'local') {
      if (!group.reads.isOpen) await group.reads.whenRunning(how);
      return;
    }
    if (consistency === 'session') await group.reads.whenApplied(this.#lastWritten, how);
    else if (consistency === 'linearizable') await group.reads.barrier(how);
    else if (consistency === 'lease') await group.reads.leaseBarrier(how);
    else await group.reads.stalenessBarrier(checkedStaleness(consistency), how);
  }

  #started(): RaftGroup<C, R, Q, A> {
    this.#throwIfClosed();
    if (this.#group === undefined) throw closed('not started');
    return this.#group;
  }

  #throwIfClosed(): void {
    if (this.#disposing !== undefined) throw closed('disposed');
  }
}

function closed(why: string): ClusterError {
  return new ClusterError('CLOSED', `${OWNER} is ${why}`, { outcome: 'not-applied' });
}

/** @throws ClusterError `INVALID_OPTIONS` for what the machine's codec refuses */
function encode<C, R, Q, A>(group: RaftGroup<C, R, Q, A>, command: C): Uint8Array {
  try {
    return group.encode(command);
  } catch (cause) {
    const message = `replicate: the machine's codec can't encode the command: ${String(cause)}`;
    throw new ClusterError('INVALID_OPTIONS', message, { cause, outcome: 'not-applied' });
  }
}

/** Of peers, only the leader knows, and they change at every turn. */
function isSame(a: ReplicationStatus, b: ReplicationStatus): boolean {
  return (['role', 'term', 'leader', 'commitIndex', 'appliedIndex'] as const).every((name) => a[name] === b[name]);
}

function checkedStaleness({ maxStalenessMs }: { readonly maxStalenessMs: number }): number {
  if (typeof maxStalenessMs === 'number' && maxStalenessMs >= 0) return maxStalenessMs;
  throw new ClusterError(
    'INVALID_OPTIONS',
    `read: maxStalenessMs must be a number from 0, got ${String(maxStalenessMs)}`,
  );
}

function shown(status: GroupStatus, peers: readonly GroupPeer[]): ReplicationStatus {
  return {
    role: status.role,
    term: BigInt(status.term),
    commitIndex: BigInt(status.commitIndex),
    appliedIndex: BigInt(status.appliedIndex),
    leader: status.leader,
    peers: peers.map(({ nodeId, matchIndex, lag }) => ({ nodeId, matchIndex: BigInt(matchIndex), lag })),
  };
}

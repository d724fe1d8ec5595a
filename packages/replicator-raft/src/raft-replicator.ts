import {
  type CallOptions,
  ClusterError,
  consistencyPresets,
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
  type GroupPeer,
  type GroupStatus,
  type RaftGroup,
  type Settled,
  type SharedGroup,
  sharedGroup,
} from '@quorate/raft-host';
import type { RaftReplicatorSettings } from './options.ts';
import { RaftSession } from './raft-session.ts';

const OWNER = 'replicator-raft';
const DEFAULT_TIMEOUT_MS = 5000;

/** `Replicator` over a Raft group. */
export class RaftReplicator<C, R, Q, A> implements Replicator<C, R, Q, A> {
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
  #disposing: Promise<void> | undefined;

  constructor(context: ReplicatorContext, settings: RaftReplicatorSettings<C, R, Q, A>) {
    this.#context = context;
    this.#settings = settings;
    this.#shared = sharedGroup(context);
    this.#shared.join({ owner: OWNER, settings: settings.group, machine: settings.machine });
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'start');
    this.#group = await this.#shared.start<C, R, Q, A>();
    this.#group.stand(this, true);
  }

  async replicate(command: C, options?: WriteOptions): Promise<R> {
    const [result] = await this.replicateBatch([command], options);
    return result as R;
  }

  async replicateBatch(commands: readonly C[], options: WriteOptions = {}): Promise<readonly R[]> {
    const group = this.#started();
    throwIfAborted(options.signal, 'replicate');
    if (commands.length === 0) return [];
    const encoded = commands.map((command): Command => ({ kind: 'plain', data: group.encode(command) }));
    const settled = await this.#write(encoded, options);
    return settled.map((each) => resultOf(each));
  }

  async read(query: Q, options: ReadOptions = {}): Promise<A> {
    const group = this.#started();
    throwIfAborted(options.signal, 'read');
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
      encode: (command) => group.encode(command),
      write: (command, how) => this.#write([command], how).then(([settled]) => settled as Settled<R>),
      defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
      onClose: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  status(): ReplicationStatus {
    const group = this.#started();
    return shown(group.status, group.peers());
  }

  async *watch(options?: CallOptions): AsyncIterable<ReplicationStatus> {
    const group = this.#started();
    for await (const status of group.watch(options)) yield shown(status, group.peers());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    for (const session of this.#sessions) session.end();
    this.#group?.stand(this, false);
    await this.#shared.leave();
  }

  async #write(commands: readonly Command[], options: WriteOptions): Promise<readonly Settled<R>[]> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    const onAll = this.#onAll(options.consistency);
    const settled = await this.#started().submit(commands, { timeoutMs, onAll, ...(signal && { signal }) });
    for (const { index } of settled) this.#lastWritten = Math.max(this.#lastWritten, index);
    return settled;
  }

  /** A preset asks for no less than it gets: this never keeps a write on one node only. */
  #onAll(consistency: WriteConsistency | undefined): boolean {
    if (consistency === undefined || consistency === 'quorum') return false;
    if (consistency === 'all') return true;
    throw new ClusterError('UNSUPPORTED', `${OWNER} writes to a quorum or to all, not ${JSON.stringify(consistency)}`, {
      outcome: 'not-applied',
    });
  }

  async #readable(group: RaftGroup<C, R, Q, A>, consistency: ReadConsistency, options: ReadOptions): Promise<void> {
    const how = {
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(options.signal && { signal: options.signal }),
    };
    if (consistency === 'local') return;
    if (consistency === 'session') await group.whenApplied(this.#lastWritten, how);
    else if (consistency === 'linearizable') await group.readBarrier(how);
    else if (consistency === 'lease') await group.leaseBarrier(how);
    else await group.stalenessBarrier(checkedStaleness(consistency), how);
  }

  #started(): RaftGroup<C, R, Q, A> {
    this.#throwIfClosed();
    if (this.#group === undefined) throw new ClusterError('CLOSED', `${OWNER} is not started`);
    return this.#group;
  }

  #throwIfClosed(): void {
    if (this.#disposing !== undefined) throw new ClusterError('CLOSED', `${OWNER} is disposed`);
  }
}

function resultOf<R>({ outcome }: Settled<R>): R {
  if (!outcome.ok) throw outcome.error;
  if (outcome.kind !== 'result') throw new ClusterError('PROTOCOL', `a command was answered with ${outcome.kind}`);
  return outcome.result;
}

function checkedStaleness({ maxStalenessMs }: { readonly maxStalenessMs: number }): number {
  if (maxStalenessMs >= 0) return maxStalenessMs;
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

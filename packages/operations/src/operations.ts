import {
  checkOptions,
  type Cluster,
  ClusterError,
  guardedCall,
  invalidOption,
  messageKind,
  type MonotonicMs,
  type NodeId,
  type OptionRules,
  rule,
} from '@quorate/core';
import type { RaftMembers, RaftOperations } from '@quorate/raft-host';
import { EventLog } from './event-log.ts';
import { groupMembers, groupOperations, leaderOf, membersOf, statusOf } from './look.ts';
import { OpenBackups } from './open-backups.ts';
import type { Allowed } from './reports.ts';
import { decodeRequest, encodeRequest, isChange, type OperationRequest, required } from './request.ts';
import { tellEvents } from './told-events.ts';
import { transferTo, whoHandsOver } from './transfer.ts';

/** What `operations` is told. */
export interface OperationsOptions {
  /**
   * Which operations this node takes: those that change nothing, or all. A backup changes nothing, and hands all of the
   * state to whoever may connect.
   * @default 'read-only'
   */
  readonly allow?: Allowed;
  /**
   * Ends the program gracefully, and stops the cluster: what `leave` calls, once it is answered. Without it this node
   * doesn't leave when it is asked to.
   */
  readonly stop?: () => unknown;
  /**
   * How many events are kept for whoever asks for them later.
   * @default 1024
   */
  readonly maxEvents?: number;
}

const rules: OptionRules<OperationsOptions> = {
  allow: rule.oneOf<Allowed>('read-only', 'all'),
  stop: rule.value('a function', (value) => typeof value === 'function'),
  maxEvents: rule.integer({ min: 1, max: 100_000 }),
};

const DEFAULT_TIMEOUT_MS = 10_000;
/** What is asked of another node, and of this one, has to be answered within the same time: the way there is part of it. */
const PASSING_ON_MS = 100;

/** What operators may ask of this node, as long as it is not disposed. */
export interface Operations extends AsyncDisposable {
  readonly allow: Allowed;
}

/**
 * Lets operators ask this node: over the cluster's transport, as its clients and members do, authenticated as its nodes are.
 * The cluster runs, or is being formed. To be disposed before it is stopped, or not at all: it ends with the transport.
 * @throws ClusterError `INVALID_OPTIONS`, `CLOSED` for a cluster that was not started
 */
export function operations(cluster: Cluster, options: OperationsOptions = {}): Operations {
  const checked = checkOptions<OperationsOptions>('operations', rules, options);
  if (typeof cluster !== 'object' || cluster === null) {
    throw invalidOption('operations', 'cluster', 'a cluster that was started', cluster);
  }
  return new Service(cluster, checked);
}

type Answer = object | Uint8Array;
type Call = { readonly request: OperationRequest; readonly signal: AbortSignal; readonly timeoutMs: number };

class Service implements Operations {
  readonly allow: Allowed;
  readonly #cluster: Cluster;
  readonly #stop: (() => unknown) | undefined;
  readonly #since: MonotonicMs;
  readonly #events: EventLog;
  readonly #backups: OpenBackups;
  readonly #serving: readonly Disposable[];

  constructor(cluster: Cluster, { allow = 'read-only', stop, maxEvents = 1024 }: OperationsOptions) {
    const { clock, random } = cluster.system;
    this.allow = allow;
    this.#cluster = cluster;
    this.#stop = stop;
    this.#since = clock.now();
    this.#events = new EventLog(clock, random, maxEvents);
    this.#backups = new OpenBackups(clock, random);
    const handle = (_from: NodeId, payload: Uint8Array, { signal }: { readonly signal: AbortSignal }) =>
      this.#answer(payload, signal);
    this.#serving = [
      cluster.transport.onRequest(messageKind.OPERATIONS, handle, { clients: true }),
      tellEvents(cluster, this.#events),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#serving) each[Symbol.dispose]();
    this.#events[Symbol.dispose]();
    await this.#backups[Symbol.asyncDispose]();
  }

  async #answer(payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const request = decodeRequest(payload);
    const { on, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
    if (on !== undefined && on !== this.#cluster.self.id) return await this.#passOn(on, { request, signal, timeoutMs });
    if (isChange(request) && this.allow !== 'all') {
      const message = `${this.#cluster.self.id} takes no operation that changes something: it is read-only`;
      throw new ClusterError('REFUSED', message, { outcome: 'not-applied' });
    }
    const answer = await this.#perform({ request, signal, timeoutMs });
    return answer instanceof Uint8Array ? answer : new TextEncoder().encode(JSON.stringify(answer));
  }

  async #passOn(to: NodeId, { request, signal, timeoutMs }: Call): Promise<Uint8Array> {
    if (request.isPassedOn === true) {
      throw new ClusterError('NOT_FOUND', `${this.#cluster.self.id} is not ${to}`, { outcome: 'not-applied' });
    }
    const passed = encodeRequest({ ...request, on: to, isPassedOn: true, timeoutMs });
    const within = (request.waitMs ?? 0) + timeoutMs + PASSING_ON_MS;
    return await this.#cluster.transport.request(to, messageKind.OPERATIONS, passed, { timeoutMs: within, signal });
  }

  async #perform(call: Call): Promise<Answer> {
    const { request, signal, timeoutMs } = call;
    switch (request.operation) {
      case 'status':
        return statusOf(this.#cluster, this.allow, this.#since);
      case 'members':
        return membersOf(this.#cluster, request.nodeId);
      case 'leader':
        return leaderOf(this.#cluster);
      case 'events':
        return await this.#events.read(request, request.waitMs ?? 0, signal);
      case 'ping':
        return {};
      case 'barrier':
        await this.#group().barrier({ signal, timeoutMs });
        return {};
      case 'backup-open':
        return { backup: await this.#openBackup(call) };
      case 'backup-read':
        return await this.#backups.read(required(request.backup, request, 'backup'));
      case 'backup-close':
        await this.#backups.close(required(request.backup, request, 'backup'));
        return {};
      case 'transfer':
        return await this.#transfer(call);
      case 'add':
        await this.#addNode(call);
        return {};
      case 'remove':
        await this.#members().removeNode(required(request.nodeId, request, 'nodeId'), { signal, timeoutMs });
        return {};
      case 'leave':
        return this.#leave();
    }
  }

  #openBackup({ request: { local = false }, timeoutMs, signal: asked }: Call): Promise<string> {
    const group = this.#group();
    return this.#backups.open((signal) => group.backup({ local, timeoutMs, signal }), asked);
  }

  async #addNode({ request, signal, timeoutMs }: Call): Promise<void> {
    const { as = 'voter' } = request;
    await this.#members().addNode(required(request.nodeId, request, 'nodeId'), { as, signal, timeoutMs });
  }

  async #transfer(call: Call): Promise<Answer> {
    const to = required(call.request.nodeId, call.request, 'nodeId');
    const holder = whoHandsOver(this.#cluster, to);
    return holder === undefined ? await transferTo(this.#cluster, to, call) : await this.#passOn(holder, call);
  }

  /** Answers first: the answer goes over what is then closed. */
  #leave(): Answer {
    const stop = this.#stop;
    const { self, system } = this.#cluster;
    if (stop === undefined) {
      const message = `${self.id} was not told how to leave: its program gives operations() no stop`;
      throw new ClusterError('UNSUPPORTED', message, NOT_APPLIED);
    }
    const failed = (error: unknown): void => system.logger.error('operations: the program could not be stopped', error);
    system.clock.setTimer(LEAVE_AFTER_MS, () => guardedCall(stop, failed));
    return { nodeId: self.id };
  }

  #members(): RaftMembers {
    const members = groupMembers(this.#cluster);
    if (members !== undefined) return members;
    throw new ClusterError(
      'UNSUPPORTED',
      'neither replicator nor election of this cluster stands on Raft',
      NOT_APPLIED,
    );
  }

  #group(): RaftOperations {
    const group = groupOperations(this.#cluster);
    if (group !== undefined) return group;
    throw new ClusterError('UNSUPPORTED', 'this cluster has no replicator that stands on Raft', NOT_APPLIED);
  }
}

const NOT_APPLIED = { outcome: 'not-applied' } as const;
/** Time for the answer to leave. */
const LEAVE_AFTER_MS = 50;

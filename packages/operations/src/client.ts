import {
  type CallOptions,
  ClusterError,
  messageKind,
  type NodeId,
  parseJson,
  type RequestOptions,
  toClusterError,
  type TransportClient,
} from '@quorate/core';
import type { EventsReport, LeaderReport, MembersReport, StatusReport } from './reports.ts';
import { encodeRequest, MAX_TIMEOUT_MS, type OperationRequest, VERSION } from './request.ts';

export interface OperationOptions extends CallOptions {
  /**
   * The node that is meant, which the one that is asked passes it on to.
   * @default the one that is asked
   */
  readonly on?: NodeId;
  /**
   * How long it may take, in milliseconds.
   * @default 10000
   */
  readonly timeoutMs?: number;
}

export interface AddOptions extends OperationOptions {
  /** @default 'voter' */
  readonly as?: 'voter' | 'learner';
}

export interface BackupReadOptions extends OperationOptions {
  /**
   * What the node has, without asking the leader whether that is all.
   * @default false
   */
  readonly local?: boolean;
}

export interface EventsOptions extends OperationOptions {
  /** Of the answer before. */
  readonly session?: string;
  /** The last event that is known. Without it: from the oldest one that is kept. */
  readonly after?: number;
  /**
   * How long the node waits for an event, in milliseconds: at most 30,000.
   * @default 0
   */
  readonly waitMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** An answer that was made in time has to arrive. */
const ARRIVAL_MS = 1000;

/** Asks a node that has `operations`. Errors are those of the node, and of the connection. */
export class OperationsClient {
  readonly #client: Pick<TransportClient, 'request'>;

  constructor(client: Pick<TransportClient, 'request'>) {
    this.#client = client;
  }

  async status(options: OperationOptions = {}): Promise<StatusReport> {
    return reportOf<StatusReport>(await this.#ask({ operation: 'status' }, options), ['nodeId', 'status', 'leader']);
  }

  /** All of them, however many answers that takes. */
  async members(options: OperationOptions = {}): Promise<MembersReport['members']> {
    const members: MembersReport['members'][number][] = [];
    for (let after: NodeId | undefined = undefined; ; after = members.at(-1)?.nodeId) {
      const answer: Uint8Array = await this.#ask({ operation: 'members', nodeId: after }, options);
      const report: MembersReport = reportOf<MembersReport>(answer, ['members', 'hasMore']);
      const [first] = report.members;
      // It would never end.
      if (first !== undefined && after !== undefined && first.nodeId <= after) throw outOfOrder();
      members.push(...report.members);
      if (!report.hasMore || report.members.length === 0) return members;
    }
  }

  async leader(options: OperationOptions = {}): Promise<LeaderReport> {
    return reportOf<LeaderReport>(await this.#ask({ operation: 'leader' }, options), []);
  }

  async events({ session, after, waitMs = 0, ...options }: EventsOptions = {}): Promise<EventsReport> {
    const answer = await this.#ask({ operation: 'events', session, after, waitMs }, options);
    return reportOf<EventsReport>(answer, ['session', 'events', 'last', 'lost']);
  }

  /** The way there and back, and nothing else. */
  async ping(options: OperationOptions = {}): Promise<void> {
    await this.#ask({ operation: 'ping' }, options);
  }

  /** Resolves when the node has applied all that was acknowledged before: a linearizable read of nothing. */
  async barrier(options: OperationOptions = {}): Promise<void> {
    await this.#ask({ operation: 'barrier' }, options);
  }

  /**
   * Resolves when the node is elected, and leads the log of Raft where there is one: with what the asked node has heard of
   * that by then.
   */
  async transfer(to: NodeId, options: OperationOptions = {}): Promise<LeaderReport> {
    return reportOf<LeaderReport>(await this.#ask({ operation: 'transfer', nodeId: to }, options), []);
  }

  /** Resolves when the node is a member of the Raft group, and votes if it is to. */
  async addNode(nodeId: NodeId, { as = 'voter', ...options }: AddOptions = {}): Promise<void> {
    await this.#ask({ operation: 'add', nodeId, as }, options);
  }

  /** Resolves when the node is no member of the Raft group any more. */
  async removeNode(nodeId: NodeId, options: OperationOptions = {}): Promise<void> {
    await this.#ask({ operation: 'remove', nodeId }, options);
  }

  /** Resolves when the node has said that it leaves; then it stops. */
  async leave(options: OperationOptions = {}): Promise<void> {
    await this.#ask({ operation: 'leave' }, options);
  }

  /** The state of the replicated state machine: a file that can be restored. To be read to its end. */
  async *backup({ local = false, ...options }: BackupReadOptions = {}): AsyncGenerator<Uint8Array> {
    const opened = reportOf<{ readonly backup: string }>(
      await this.#ask({ operation: 'backup-open', local }, options),
      ['backup'],
    );
    const { backup } = opened;
    const { on } = options;
    const closing = on === undefined ? { timeoutMs: 1000 } : { on, timeoutMs: 1000 };
    let isOver = false;
    try {
      while (!isOver) {
        const piece = await this.#ask({ operation: 'backup-read', backup }, options);
        isOver = piece[0] === 1;
        yield piece.subarray(1);
      }
    } finally {
      // If that fails, the node gives it up by itself.
      if (!isOver) await this.#ask({ operation: 'backup-close', backup }, closing).catch(() => undefined);
    }
  }

  #ask(
    fields: { readonly [K in keyof OperationRequest]?: OperationRequest[K] | undefined } & {
      readonly operation: OperationRequest['operation'];
    },
    { on, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: OperationOptions,
  ): Promise<Uint8Array> {
    const within = Math.min(timeoutMs, MAX_TIMEOUT_MS);
    const given = Object.entries({ on, ...fields }).filter(([, value]) => value !== undefined);
    const request: OperationRequest = {
      version: VERSION,
      operation: fields.operation,
      timeoutMs: within,
      ...Object.fromEntries(given),
    };
    const waiting: RequestOptions = { timeoutMs: within + (fields.waitMs ?? 0) + ARRIVAL_MS };
    const options = signal === undefined ? waiting : { ...waiting, signal };
    return this.#client.request(messageKind.OPERATIONS, encodeRequest(request), options);
  }
}

function outOfOrder(): ClusterError {
  return new ClusterError('PROTOCOL', 'the members that a node tells of are not in the order of their ids');
}

/** @throws ClusterError `PROTOCOL` */
function reportOf<T extends object>(answer: Uint8Array, fields: readonly (keyof T & string)[]): T {
  try {
    const value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(answer), 16);
    if (typeof value === 'object' && value !== null && fields.every((field) => field in value)) return value as T;
  } catch (error) {
    throw toClusterError(error, 'PROTOCOL', 'the answer to an operation does not parse');
  }
  throw new ClusterError('PROTOCOL', `the answer to an operation lacks one of ${fields.join(', ')}`);
}

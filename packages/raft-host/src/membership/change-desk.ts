import {
  type Clock,
  ClusterError,
  isClusterError,
  type MonotonicMs,
  type NodeId,
  sleep,
  toClusterError,
} from '@quorate/core';
import type { Leader } from '../dispatch.ts';
import { decodeRepairRequest } from '../repair/repair-request.ts';
import {
  type ChangeRequest,
  decodeChangeAnswer,
  decodeForwardedChange,
  encodeChangeAnswer,
  encodeForwardedChange,
} from './change-request.ts';

const MAX_HOPS = 1;
/** Before a leader is looked for again. */
const PAUSE_MS = 50;
/** Beyond the time of a change, for the answer that says what has become of it. */
const ANSWER_MS = 1000;
/** Changes that one leader is asked for at a time. */
const MAX_OPEN = 64;

/** Takes changes of the members in, on any node, and has the leader make them. */
export class ChangeDesk {
  readonly #clock: Clock;
  readonly #leader: () => Leader;
  readonly #notLeader: () => ClusterError;
  readonly #run: (change: ChangeRequest, deadline: MonotonicMs) => Promise<void>;
  readonly #send: (to: NodeId, body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  #open = 0;

  constructor(parts: {
    readonly clock: Clock;
    /** Who makes changes now, as far as it is known. */
    readonly leader: () => Leader;
    readonly notLeader: () => ClusterError;
    /** Makes a change as the leader. */
    readonly run: (change: ChangeRequest, deadline: MonotonicMs) => Promise<void>;
    readonly send: (to: NodeId, body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  }) {
    this.#clock = parts.clock;
    this.#leader = parts.leader;
    this.#notLeader = parts.notLeader;
    this.#run = parts.run;
    this.#send = parts.send;
  }

  /** Whether any change is being made by this node. */
  get isIdle(): boolean {
    return this.#open === 0;
  }

  /**
   * Resolves when the change is made. Whoever leads makes it; while nobody does, it waits.
   * @throws ClusterError with the outcome
   */
  async carry(change: ChangeRequest, deadline: MonotonicMs): Promise<void> {
    for (;;) {
      const failure = await this.#attempt(change, deadline, 0);
      if (failure === undefined) return;
      if (!isClusterError(failure, 'NOT_LEADER') || failure.outcome !== 'not-applied') throw failure;
      if (this.#clock.now() + PAUSE_MS >= deadline) throw leaderless(failure);
      await sleep(this.#clock, PAUSE_MS);
    }
  }

  /**
   * A change that another node has passed on.
   * @throws ClusterError `PROTOCOL`
   */
  async answer(body: Uint8Array): Promise<Uint8Array> {
    const { change, hops, timeoutMs } = decodeForwardedChange(body);
    return encodeChangeAnswer(await this.#attempt(change, this.#clock.now() + timeoutMs, hops));
  }

  /**
   * A node asks for itself, having lost its log. Only the leader can help it, and it has to ask that itself.
   * @throws ClusterError `PROTOCOL`
   */
  async repair(nodeId: NodeId, body: Uint8Array): Promise<Uint8Array> {
    const deadline = this.#clock.now() + decodeRepairRequest(body);
    return encodeChangeAnswer(await this.#attempt({ type: 'repair', nodeId }, deadline, MAX_HOPS + 1));
  }

  /** @returns why it was not done; `NOT_LEADER` where another may do it */
  async #attempt(change: ChangeRequest, deadline: MonotonicMs, hops: number): Promise<ClusterError | undefined> {
    const leader = this.#leader();
    try {
      if (leader === 'self') await this.#make(change, deadline);
      else if (leader === undefined || hops > MAX_HOPS) return this.#notLeader();
      else return await this.#pass(leader.nodeId, change, deadline, hops + 1);
      return undefined;
    } catch (cause) {
      return withOutcome(toClusterError(cause, 'REMOTE', 'change the members'));
    }
  }

  async #make(change: ChangeRequest, deadline: MonotonicMs): Promise<void> {
    if (this.#open >= MAX_OPEN) {
      throw new ClusterError('OVERLOADED', `${MAX_OPEN} changes of the members wait already`, {
        outcome: 'not-applied',
      });
    }
    this.#open += 1;
    try {
      await this.#run(change, deadline);
    } finally {
      this.#open -= 1;
    }
  }

  async #pass(
    to: NodeId,
    change: ChangeRequest,
    deadline: MonotonicMs,
    hops: number,
  ): Promise<ClusterError | undefined> {
    const timeoutMs = Math.max(1, Math.ceil(deadline - this.#clock.now()));
    try {
      const body = encodeForwardedChange({ change, hops, timeoutMs });
      return decodeChangeAnswer(await this.#send(to, body, timeoutMs + ANSWER_MS));
    } catch (cause) {
      const error = toClusterError(cause, 'PROTOCOL', `ask ${to} to change the members`);
      // Nobody there has taken it.
      if (error.outcome === 'not-applied' || error.code === 'NOT_FOUND') return this.#notLeader();
      return new ClusterError(error.code, error.message, { cause: error, outcome: 'unknown' });
    }
  }
}

/** What nobody has said is not known. */
function withOutcome(error: ClusterError): ClusterError {
  const { code, message, leader, outcome = 'unknown' } = error;
  return error.outcome === undefined ? new ClusterError(code, message, { cause: error, leader, outcome }) : error;
}

function leaderless(cause: ClusterError): ClusterError {
  return new ClusterError('QUORUM_LOST', 'no leader was found in time', { cause, outcome: 'not-applied' });
}

import {
  ByteReader,
  ByteWriter,
  type CallOptions,
  checkOptions,
  type Clock,
  ClusterError,
  type MonotonicMs,
  type NodeId,
  type OptionRules,
  rule,
  sleep,
  throwIfAborted,
} from '@quorate/core';
import type { Leader } from '../dispatch.ts';
import { requestKind } from '../request-kind.ts';
import { LOOK_MS, MAX_ANSWER_MS, throughChanges } from './through-changes.ts';

export interface TransferOptions extends CallOptions {
  /**
   * How long it may take. Milliseconds.
   * @default 10_000
   */
  readonly timeoutMs?: number;
}

/** A group, as far as a transfer of its leadership has to do with it. */
export interface TransferableGroup {
  readonly id: number;
  /** This node. */
  readonly self: NodeId;
  readonly clock: Clock;
  /** Throws where the group doesn't run. */
  leader(): Leader;
  notLeader(): ClusterError;
  /** Voters to whom this leader can hand over. */
  successors(): readonly NodeId[];
  /** How much a node is wanted as leader. */
  preferenceFor(nodeId: NodeId): number;
  /** Begins to hand over, unless that is under way already. */
  handOverTo(to: NodeId): void;
  ask(
    to: NodeId,
    kind: number,
    body: Uint8Array,
    options: CallOptions & { readonly timeoutMs: number },
  ): Promise<Uint8Array>;
}

const rules: OptionRules<Omit<TransferOptions, 'signal'>> = { timeoutMs: rule.duration({ min: 1 }) };
const DEFAULT_TIMEOUT_MS = 10_000;
/** Transfers that other nodes wait for here at one time. */
const MAX_OPEN = 64;
/** A leader that is new has not heard of all voters yet: one that it can't hand over to is given so long. */
const SUCCESSOR_WITHIN_MS = 2000;
const MAX_ID_BYTES = 1024;
const VERSION = 1;

/** Has the leader of a group hand over to a certain voter, whichever node is told so (Ongaro 2014, §3.10). */
export class Transferring {
  readonly #group: TransferableGroup;
  #open = 0;

  constructor(group: TransferableGroup) {
    this.#group = group;
  }

  /** See `RaftOperations.transferLeadership`. */
  async transfer(to: NodeId, { signal, ...options }: TransferOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = checkOptions('transferLeadership', rules, options);
    const { clock } = this.#group;
    const deadline = clock.now() + timeoutMs;
    const attempt = () => this.#attempt(to, deadline, signal);
    await throughChanges('transfer', clock, deadline, attempt, signal === undefined ? {} : { signal });
  }

  /** Another node asks. */
  async answer(body: Uint8Array): Promise<Uint8Array> {
    const { to, timeoutMs } = decodeRequest(body);
    if (this.#open >= MAX_OPEN) {
      throw new ClusterError('OVERLOADED', `${MAX_OPEN} transfers are waited for`, { outcome: 'not-applied' });
    }
    this.#open += 1;
    try {
      await this.#lead(to, this.#group.clock.now() + Math.min(timeoutMs, MAX_ANSWER_MS));
    } finally {
      this.#open -= 1;
    }
    return new Uint8Array();
  }

  /** Also who seems to lead is asked: that it was chosen before may be old news. */
  async #attempt(to: NodeId, deadline: MonotonicMs, signal: AbortSignal | undefined): Promise<void> {
    const leader = this.#group.leader();
    if (leader === 'self') return await this.#lead(to, deadline, signal);
    if (leader === undefined) throw this.#group.notLeader();
    const timeoutMs = Math.max(1, deadline - this.#group.clock.now());
    const body = encodeRequest(to, timeoutMs);
    await this.#group.ask(leader.nodeId, requestKind.TRANSFER, body, { timeoutMs, ...(signal && { signal }) });
  }

  /** Resolves when that node leads, as this leader has learnt from it. */
  async #lead(to: NodeId, deadline: MonotonicMs, signal?: AbortSignal): Promise<void> {
    const { clock, self } = this.#group;
    const since = clock.now();
    let hasLed = false;
    for (;;) {
      throwIfAborted(signal, 'transfer');
      const leader = this.#group.leader();
      if (leader === 'self') {
        if (to === self) return;
        hasLed = true;
        this.#handOver(to, since);
      } else if (!hasLed || (leader !== undefined && leader.nodeId !== to)) throw this.#group.notLeader();
      else if (leader !== undefined) return;
      if (clock.now() >= deadline) throw this.#late(to);
      await this.#pause(signal);
    }
  }

  /** It may have to be begun again: one that takes an election timeout is given up. */
  #handOver(to: NodeId, since: MonotonicMs): void {
    const { id, self, clock } = this.#group;
    if (this.#group.preferenceFor(to) < this.#group.preferenceFor(self)) {
      const message = `${to} is wanted less as leader of group ${id} than ${self}, to whom it would return`;
      throw new ClusterError('REFUSED', message, { outcome: 'not-applied' });
    }
    const successors = this.#group.successors();
    if (successors.includes(to)) this.#group.handOverTo(to);
    else if (clock.now() - since >= SUCCESSOR_WITHIN_MS) {
      const there = successors.join(', ') || 'none';
      const message = `${to} is no voter of group ${id} that its leader can reach: there is ${there}`;
      throw new ClusterError('NOT_FOUND', message, { outcome: 'not-applied' });
    }
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    return sleep(this.#group.clock, LOOK_MS, signal === undefined ? {} : { signal });
  }

  #late(to: NodeId): ClusterError {
    const message = `${to} does not lead group ${this.#group.id} in time`;
    return new ClusterError('TIMEOUT', message, { outcome: 'unknown' });
  }
}

function encodeRequest(to: NodeId, timeoutMs: number): Uint8Array {
  return new ByteWriter().u8(VERSION).number(Math.ceil(timeoutMs)).text(to).view();
}

/** @throws ClusterError `PROTOCOL` */
function decodeRequest(body: Uint8Array): { readonly to: NodeId; readonly timeoutMs: number } {
  const reader = new ByteReader('the request of a transfer', body);
  if (reader.u8() !== VERSION) throw reader.unsound('it is of another version');
  const timeoutMs = reader.number();
  const to = reader.text('number', MAX_ID_BYTES);
  reader.end();
  return { to, timeoutMs };
}

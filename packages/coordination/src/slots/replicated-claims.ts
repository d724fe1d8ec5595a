import { type CallOptions, ClusterError, type Replicator, type WriteOptions } from '@quorate/core';
import type { CoordinationCommand, CoordinationResult } from '../replicated/coordination-codec.ts';
import type { SlotTime } from './schedule.ts';
import type { SlotClaim, SlotClaims, SlotOutcome, SlotRecord } from './slot-claims.ts';
import type { SlotCommand } from './slot-table.ts';

/** What takes commands for a `coordinationMachine`: a replicator of one, or what hands them to one inside another. */
export type CoordinationReplicator = Pick<
  Replicator<CoordinationCommand, CoordinationResult, never, unknown>,
  'replicate'
>;

/** How long a claim waits for its answer, before it is asked again. */
const CLAIM_MS = 5000;

/**
 * Claims that a replicated state machine keeps: durable and the same for all nodes, as its replicator is. No sessions are
 * needed: a claim that is repeated is the same claim.
 */
export function slotClaims(replicator: CoordinationReplicator): SlotClaims {
  return new ReplicatedClaims(replicator);
}

class ReplicatedClaims implements SlotClaims {
  readonly #replicator: CoordinationReplicator;

  constructor(replicator: CoordinationReplicator) {
    this.#replicator = replicator;
  }

  async open(task: string, token: bigint, from: SlotTime, options?: CallOptions): Promise<SlotRecord> {
    const result = await this.#do({ do: 'open', task, token: String(token), from }, options);
    if (result.kind !== 'record') throw unexpected(result.kind);
    return result.record;
  }

  async claim(
    { task, slot, token, after }: SlotClaim & { readonly after: SlotTime },
    options?: CallOptions,
  ): Promise<boolean> {
    return this.#isClaimed(await this.#do({ do: 'claim', task, slot, token: String(token), after }, options));
  }

  async reclaim(
    { task, slot, token, starts }: SlotClaim & { readonly starts: number },
    options?: CallOptions,
  ): Promise<boolean> {
    return this.#isClaimed(await this.#do({ do: 'reclaim', task, slot, token: String(token), starts }, options));
  }

  async settle(
    { task, slot, token, outcome }: SlotClaim & { readonly outcome: SlotOutcome },
    options?: CallOptions,
  ): Promise<void> {
    await this.#do({ do: 'settle', task, slot, token: String(token), outcome }, options);
  }

  async forget(task: string, options?: CallOptions): Promise<void> {
    await this.#do({ do: 'forget', task }, options);
  }

  #isClaimed({ kind }: CoordinationResult): boolean {
    if (kind !== 'claimed' && kind !== 'taken') throw unexpected(kind);
    return kind === 'claimed';
  }

  async #do(command: SlotCommand, options: CallOptions = {}): Promise<CoordinationResult> {
    const write: WriteOptions = { ...options, timeoutMs: CLAIM_MS };
    const result = await this.#replicator.replicate(command, write);
    if (result.kind === 'stale') {
      throw new ClusterError('STALE_TOKEN', `${command.task}: the token ${result.token} has opened it`, {
        outcome: 'not-applied',
      });
    }
    if (result.kind === 'full') {
      throw new ClusterError('OVERLOADED', `${command.task}: too many tasks are kept`, { outcome: 'not-applied' });
    }
    return result;
  }
}

function unexpected(kind: string): ClusterError {
  return new ClusterError('PROTOCOL', `a claim of a slot was answered with ${kind}`);
}

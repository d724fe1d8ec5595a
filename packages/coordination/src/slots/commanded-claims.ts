import { type CallOptions, ClusterError } from '@quorate/core';
import type { CoordinationResult } from '../replicated/coordination-codec.ts';
import type { SlotTime } from './schedule.ts';
import type { SlotClaim, SlotClaims, SlotOutcome, SlotRecord } from './slot-claims.ts';
import type { SlotCommand } from './slot-table.ts';

/** Has a command done to what is kept of its task. */
export type CommandSlots = (command: SlotCommand, options: CallOptions) => Promise<CoordinationResult>;

/** Claims as commands of a `SlotTable`, wherever that is. */
export class CommandedClaims implements SlotClaims {
  readonly #command: CommandSlots;

  constructor(command: CommandSlots) {
    this.#command = command;
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
    const result = await this.#command(command, options);
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

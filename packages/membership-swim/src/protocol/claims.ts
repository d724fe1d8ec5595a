import { type Address, formatAddress, type NodeId } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { Message } from './messages.ts';
import type { Prober } from './prober.ts';
import type { IdConflict, MemberRecord, StateOfMember } from './types.ts';

/** The most claims that are looked into at one time, and the most that are remembered as refused. */
const MAX_CLAIMS = 64;
const MAX_REFUSED = 256;
/** How long a refused claim isn't looked into again, and not told of again. */
const REFUSED_FOR_MS = 30_000;

/**
 * Ids that are claimed from another address than the one that is known: a node that was restarted elsewhere, or two nodes
 * with one id. Which of them it is shows when the known address is probed.
 */
export class Claims {
  readonly #core: SwimCore;
  readonly #prober: Prober;
  readonly #open = new Set<string>();
  readonly #refused = new Map<string, number>();

  constructor(core: SwimCore, prober: Prober) {
    this.#core = core;
    this.#prober = prober;
  }

  /** Calls back once nobody is found at the holder's address; else the claim is a conflict, and told. */
  examine(holder: MemberRecord, claimant: StateOfMember, whenFree: () => void): void {
    const conflict = { id: holder.id, holder: addressOf(holder), claimant: addressOf(claimant) };
    const key = keyOf(conflict);
    if (this.#open.has(key) || this.#open.size >= MAX_CLAIMS || this.#isRefused(key)) return;
    this.#open.add(key);
    this.#prober.challenge(holder, (result) => {
      this.#open.delete(key);
      if (result === 'failed') whenFree();
      if (result !== 'answered') return;
      this.#refuse(conflict);
      const dispute: Message = Object.freeze({ type: 'dispute', id: holder.id, holder: conflict.holder });
      if (claimant.id !== this.#core.selfId) this.#core.post(claimant, [dispute]);
    });
  }

  /** Another node found that the id of this one is held elsewhere. */
  disputed(id: NodeId, holder: Address): void {
    const { self, selfId } = this.#core;
    const conflict = { id, holder, claimant: addressOf(self) };
    if (id === selfId && !this.#isRefused(keyOf(conflict))) this.#refuse(conflict);
  }

  #refuse(conflict: IdConflict): void {
    const [oldest] = this.#refused.keys();
    if (this.#refused.size >= MAX_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
    this.#refused.set(keyOf(conflict), this.#core.now + REFUSED_FOR_MS);
    this.#core.host.conflict(Object.freeze(conflict));
  }

  #isRefused(key: string): boolean {
    const until = this.#refused.get(key);
    if (until === undefined || until > this.#core.now) return until !== undefined;
    this.#refused.delete(key);
    return false;
  }
}

function addressOf({ node }: StateOfMember): Address {
  return { host: node.host, port: node.port };
}

function keyOf({ id, holder, claimant }: IdConflict): string {
  return `${id} ${formatAddress(holder)} ${formatAddress(claimant)}`;
}

import type { Lock } from '@quorate/core';
import type { Host } from '@quorate/simulator';

/** How many may have it beside this one. */
export type Share = 'exclusive' | 'read' | 'write' | 'permit';

export const PERMITS = 2;

interface Held {
  readonly host: Host;
  readonly lock: Lock;
  readonly share: Share;
}

/** What locks promise, whatever happens: looked at after every step of the world. */
export class LockRules {
  /** Of processes that live. */
  readonly #held = new Set<Held>();
  /** The greatest token of each name that was seen. */
  readonly #tokens = new Map<string, bigint>();
  #grants = 0;
  #flaw: Error | undefined;

  get grants(): number {
    return this.#grants;
  }

  /** To be looked at in the next `check`: whoever has the lock can't end the run. */
  granted(host: Host, lock: Lock, share: Share): void {
    const last = this.#tokens.get(lock.name) ?? 0n;
    // Those who have it together may hear of it in any order.
    const isAlone = share === 'exclusive' || share === 'write';
    if (isAlone && lock.token <= last) {
      this.#flaw ??= new Error(`the token of ${lock.name} went back from ${last} to ${lock.token}, for ${host.name}`);
    }
    if (lock.token > last) this.#tokens.set(lock.name, lock.token);
    this.#held.add({ host, lock, share });
    this.#grants += 1;
  }

  /** The process of this host is no more, and with it all that it had. */
  crashed(host: Host): void {
    for (const held of this.#held) if (held.host === host) this.#held.delete(held);
  }

  /** @throws Error when two have what only one can have, or a token was not greater than all before */
  check(): void {
    if (this.#flaw !== undefined) throw this.#flaw;
    const valid = new Map<string, Held[]>();
    for (const held of this.#held) {
      if (!held.host.running) continue;
      if (held.lock.isValid()) valid.set(held.lock.name, [...(valid.get(held.lock.name) ?? []), held]);
      // Once it has ended it is never valid again.
      else if (held.lock.signal.aborted) this.#held.delete(held);
    }
    for (const [name, holders] of valid) if (holders.length > 1) judge(name, holders);
  }
}

function judge(name: string, holders: readonly Held[]): void {
  const isAlone = holders.some(({ share }) => share === 'exclusive' || share === 'write');
  const most = holders.every(({ share }) => share === 'permit') ? PERMITS : Infinity;
  if (!isAlone && holders.length <= most) return;
  const who = holders.map(({ host, lock, share }) => `${host.name} ${share} ${lock.token}`).join(', ');
  throw new Error(`${name} is held by too many at one time: ${who}`);
}

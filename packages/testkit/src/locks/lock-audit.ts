import type { Lock, NodeId } from '@quorate/core';
import { ExpectationError } from '../expectations.ts';

/** How many may hold a lock beside this one. */
export type LockMode = 'exclusive' | 'read' | 'write' | { readonly permits: number };

interface Noted {
  readonly nodeId: NodeId;
  readonly lock: Lock;
  readonly mode: LockMode;
  /** Set by a node that owns it more than once. */
  readonly owner: string | undefined;
}

interface NameAudit {
  held: Noted[];
  readonly tokens: Map<bigint, string>;
  /** Of whoever was alone with it. */
  highest: bigint;
}

/** Sees to it that no two locks are valid at one time that keep each other out, and that tokens only grow. */
export class LockAudit {
  readonly #names = new Map<string, NameAudit>();

  /** The greatest token of a lock, or -1. */
  highestToken(name: string): bigint {
    return [...(this.#names.get(name)?.tokens.keys() ?? [])].reduce(
      (most, token) => (token > most ? token : most),
      -1n,
    );
  }

  /**
   * A lock was granted.
   * @throws ExpectationError
   */
  note(nodeId: NodeId, lock: Lock, mode: LockMode, owner?: string): void {
    const audit = this.#names.get(lock.name) ?? { held: [], tokens: new Map<bigint, string>(), highest: -1n };
    this.#names.set(lock.name, audit);
    audit.held.push({ nodeId, lock, mode, owner });
    this.#noteToken(audit, { nodeId, lock, mode, owner });
    this.#check(lock.name, audit);
  }

  /** @throws ExpectationError */
  check(): void {
    for (const [name, audit] of this.#names) this.#check(name, audit);
  }

  #noteToken(audit: NameAudit, { nodeId, lock: { name, token }, mode, owner }: Noted): void {
    const holder = JSON.stringify([nodeId, owner]);
    const former = audit.tokens.get(token);
    if (former === holder && owner !== undefined) return;
    if (former !== undefined) throw new ExpectationError(`token ${token} of ${name} was granted twice`);
    if (token <= audit.highest) {
      throw new ExpectationError(`${nodeId} got token ${token} of ${name}, after ${audit.highest} was granted`);
    }
    if (isAlone(mode)) {
      const highest = this.highestToken(name);
      if (token <= highest) throw new ExpectationError(`${nodeId} got token ${token} of ${name}, after ${highest}`);
      audit.highest = token;
    }
    audit.tokens.set(token, holder);
  }

  #check(name: string, audit: NameAudit): void {
    // A handle that was released, or has ended, is never valid again: what says otherwise is looked at each time.
    const valid = audit.held.filter(({ lock }) => lock.isValid());
    const grants = new Map(valid.map((noted) => [noted.lock.token, noted]));
    if (grants.size > 1) this.#judge(name, [...grants.values()]);
  }

  #judge(name: string, valid: readonly Noted[]): void {
    const who = valid.map(({ nodeId, lock }) => `${nodeId} with token ${lock.token}`).join(' and ');
    if (valid.some(({ mode }) => isAlone(mode))) throw new ExpectationError(`${name} is held by ${who} at one time`);
    const permits = Math.min(...valid.map(({ mode }) => (typeof mode === 'object' ? mode.permits : Infinity)));
    if (valid.length > permits) throw new ExpectationError(`${name} has ${permits} permits, and is held by ${who}`);
  }
}

function isAlone(mode: LockMode): boolean {
  return mode === 'exclusive' || mode === 'write';
}

import { type CallOptions, ClusterError, isClusterError } from '@quorate/core';
import type { LeaseIdentity } from '@quorate/lease';

import type { ConsulClient } from '../consul-client.ts';
import { isSession } from './lock-entry.ts';

export interface LockSessionOptions {
  /** Of the lock that the session is for. */
  readonly key: string;
  readonly identity: LeaseIdentity;
  /** How long Consul is to keep it without a renewal; it keeps it up to twice as long. */
  readonly sessionTtlMs: number;
  /** How long nobody gets the key after the session has ended while it had it. */
  readonly lockDelayMs: number;
}

type Listed = { readonly [field: string]: unknown } | null;

/** How a Consul without access control, or of another version, answers a question about rights. */
const UNASKED = ['REFUSED', 'NOT_FOUND', 'REMOTE', 'PROTOCOL'] as const;

/** A Consul session, which is there while its lock is asked for or held. It is made when it is needed. */
export class LockSession {
  readonly #client: ConsulClient;
  readonly #options: LockSessionOptions;
  #id: string | undefined;

  constructor(client: ConsulClient, options: LockSessionOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Of the session that there may be. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Sees to it that there is one, with most of its time before it. */
  async ensure(options: CallOptions): Promise<string> {
    const known = this.#id;
    if (known !== undefined) {
      try {
        await this.renew(known, options);
        return known;
      } catch (error) {
        if (!isClusterError(error, 'NOT_FOUND')) throw error;
        this.#id = undefined;
      }
    }
    this.#id = await this.#create(options);
    return this.#id;
  }

  /** @throws ClusterError `NOT_FOUND` when it has ended */
  async renew(id: string, { signal }: CallOptions): Promise<void> {
    const renew = () => this.#client.put(['session', 'renew', id], undefined, { signal });
    try {
      await renew();
    } catch (error) {
      if (!isClusterError(error, 'NOT_FOUND')) throw error;
      // A server that has just started leads before it has read all of its log, and knows no session meanwhile. It answers
      // what is to be consistent only after that.
      await this.#client.get(['session', 'info', id], { query: { consistent: true }, signal });
      await renew();
    }
  }

  /** Idempotent. */
  async end({ signal }: CallOptions): Promise<void> {
    const id = this.#id;
    if (id === undefined) return;
    await this.endOther(id, { signal });
    if (this.#id === id) this.#id = undefined;
  }

  /** Ends the session of somebody else; fine where it has ended. */
  async endOther(id: string, { signal }: CallOptions): Promise<void> {
    await this.#client.put(['session', 'destroy', id], undefined, { signal });
  }

  /**
   * For how long some other of ours might hold the lock, by its session: undefined when none of them has one. To be asked
   * where the key itself tells nothing, as it was deleted. A session that isn't ours is none of them.
   */
  async othersMayHoldForMs(options: CallOptions): Promise<number | undefined> {
    const [listed, seesAll] = await Promise.all([this.#list(options), this.#seesAll(options)]);
    const others = listed.sessions.filter((session) => {
      return session?.['ID'] !== this.#id && this.#isForTheKey(session?.['Name']);
    });
    // What the token must not see may be one.
    const unseen = seesAll && !listed.filtered ? [] : [this.#options.lockDelayMs];
    const times = [...others.map((session) => this.#delayOf(session?.['LockDelay'])), ...unseen];
    return times.length === 0 ? undefined : Math.max(...times);
  }

  async #list({ signal }: CallOptions): Promise<{ readonly sessions: readonly Listed[]; readonly filtered: boolean }> {
    const { body, filtered } = await this.#client.get(['session', 'list'], { query: { consistent: true }, signal });
    if (Array.isArray(body)) return { sessions: body as readonly Listed[], filtered };
    if (body === null) return { sessions: [], filtered };
    throw new ClusterError('PROTOCOL', `consul ${this.#client.address}: the answer is no list of sessions`);
  }

  /** Before 1.11 Consul doesn't say that it leaves out what the token must not see. One that can't be asked is believed. */
  async #seesAll({ signal }: CallOptions): Promise<boolean> {
    const questions = [{ Resource: 'session', Access: 'read', Segment: '' }];
    try {
      const { body } = await this.#client.ask(['internal', 'acl', 'authorize'], questions, { signal });
      const [answer] = (Array.isArray(body) ? body : []) as readonly (
        | { readonly Allow?: unknown }
        | null
        | undefined
      )[];
      return answer?.Allow !== false;
    } catch (error) {
      if (UNASKED.some((code) => isClusterError(error, code))) return true;
      throw error;
    }
  }

  #isForTheKey(name: unknown): boolean {
    return typeof name === 'string' && name.startsWith(nameStart(this.#options.key));
  }

  /** In nanoseconds; a grant is never valid for longer. */
  #delayOf(lockDelay: unknown): number {
    const { lockDelayMs } = this.#options;
    return typeof lockDelay === 'number' ? Math.max(lockDelayMs, lockDelay / 1e6) : lockDelayMs;
  }

  async #create({ signal }: CallOptions): Promise<string> {
    const { key, identity, sessionTtlMs, lockDelayMs } = this.#options;
    const { nodeId, incarnation, claim } = identity;
    const body = {
      Name: `${nameStart(key)}${nodeId}, run ${incarnation}, claim ${claim}`,
      TTL: `${Math.ceil(sessionTtlMs)}ms`,
      LockDelay: `${Math.ceil(lockDelayMs)}ms`,
      Behavior: 'release',
    };
    const answer = await this.#client.put(['session', 'create'], body, { signal }).catch((error: unknown) => {
      throw this.#explain(error);
    });
    const { ID } = (answer.body ?? {}) as { readonly ID?: unknown };
    if (isSession(ID)) return ID;
    throw new ClusterError('PROTOCOL', `consul ${this.#client.address}: the answer names no session`, {
      outcome: 'unknown',
    });
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Error) || !error.message.includes('Invalid Session TTL')) return error;
    const what = `sessionTtlMs: Consul takes no session of ${this.#options.sessionTtlMs} ms`;
    const advice = 'its agents allow for less than 10000 ms where session_ttl_min says so';
    return new ClusterError('INVALID_OPTIONS', `${what}; ${advice}: ${error.message}`, { cause: error });
  }
}

function nameStart(key: string): string {
  return `quorate lease of ${key} for `;
}

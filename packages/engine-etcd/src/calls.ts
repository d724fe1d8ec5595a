import {
  type CallOptions,
  type Clock,
  ClusterError,
  isClusterError,
  linkSignals,
  sleep,
  withDeadline,
} from '@quorate/core';

import type { EngineSettings } from './engine-options.ts';
import { etcdError, isOfMember } from './etcd-failure.ts';
import type { MemberConnection } from './member-connection.ts';
import type { MemberSet } from './member-set.ts';

/** A call on one member. It must be one that may reach etcd twice. */
export type MemberCall<T> = (
  connection: MemberConnection,
  details: { readonly signal: AbortSignal; readonly token: string | undefined },
) => Promise<T>;

export interface CallLimits extends CallOptions {
  readonly timeoutMs?: number;
  readonly memberTimeoutMs?: number;
}

/** Each member is asked this often before a call is given up. */
const ROUNDS = 2;
const PAUSE_MS = 100;

/** Calls with a deadline each, which go from member to member. Disposing of it ends them with `CLOSED`. */
export class Calls implements Disposable {
  readonly #clock: Clock;
  readonly #settings: EngineSettings;
  readonly #members: MemberSet;
  readonly #closed = new AbortController();

  constructor(clock: Clock, settings: EngineSettings, members: MemberSet) {
    this.#clock = clock;
    this.#settings = settings;
    this.#members = members;
  }

  /** Aborts when this is disposed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async run<T>(what: string, call: MemberCall<T>, limits: CallLimits = {}): Promise<T> {
    const { timeoutMs = this.#settings.timeoutMs, signal } = limits;
    using either = linkSignals(signal, this.closed);
    const run = new Run(this.#clock, this.#members, {
      what,
      memberTimeoutMs: Math.min(limits.memberTimeoutMs ?? this.#settings.memberTimeoutMs, timeoutMs),
    });
    try {
      this.#throwIfClosed(what);
      return await withDeadline(this.#clock, timeoutMs, what, (inner) => run.attempts(call, inner), either);
    } catch (error) {
      this.#throwIfClosed(what);
      throw run.explain(etcdError(error, what));
    }
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  #throwIfClosed(what: string): void {
    if (this.closed.aborted) throw new ClusterError('CLOSED', `${what}: the client of etcd is disposed`);
  }
}

interface RunPlan {
  readonly what: string;
  readonly memberTimeoutMs: number;
}

/** One call, on its way from member to member. */
class Run {
  readonly #clock: Clock;
  readonly #members: MemberSet;
  readonly #plan: RunPlan;
  /** How the last member failed. */
  #last: unknown;

  constructor(clock: Clock, members: MemberSet, plan: RunPlan) {
    this.#clock = clock;
    this.#members = members;
    this.#plan = plan;
  }

  async attempts<T>(call: MemberCall<T>, signal: AbortSignal): Promise<T> {
    const most = ROUNDS * this.#members.size;
    for (let made = 1; ; made += 1) {
      const connection = await this.#members.current();
      try {
        const answer = await this.#onMember(connection, call, signal);
        this.#members.answered(connection);
        return answer;
      } catch (error) {
        if (signal.aborted || made >= most) throw error;
        await this.#afterFailure(connection, error);
      }
      if (made % this.#members.size === 0) await sleep(this.#clock, PAUSE_MS, { signal });
    }
  }

  /** Of an error that says only that time was over: what took the time. */
  explain(error: ClusterError): ClusterError {
    if (error.code !== 'TIMEOUT' || this.#last === undefined || this.#last === error) return error;
    return new ClusterError('TIMEOUT', `${error.message}; ${etcdError(this.#last, 'before').message}`, {
      cause: error,
    });
  }

  async #afterFailure(connection: MemberConnection, error: unknown): Promise<void> {
    this.#last = error;
    // A login that somebody else began and gave up says nothing of the member.
    if (isClusterError(error, 'ABORTED')) return;
    if (!isOfMember(error)) throw error;
    await this.#members.failed(connection, isClusterError(error, 'TIMEOUT') ? 'hangs' : 'fails');
  }

  async #onMember<T>(connection: MemberConnection, call: MemberCall<T>, signal: AbortSignal): Promise<T> {
    const { what, memberTimeoutMs } = this.#plan;
    const within = <A>(once: (inner: AbortSignal) => Promise<A>) =>
      withDeadline(this.#clock, memberTimeoutMs, `${what}: ${connection.name}`, once, { signal });
    const token = await this.#members.token(connection, within);
    try {
      return await within((inner) => call(connection, { signal: inner, token }));
    } catch (error) {
      if (signal.aborted || !this.#members.refused(error, token)) throw error;
    }
    const renewed = await this.#members.token(connection, within);
    return within((inner) => call(connection, { signal: inner, token: renewed }));
  }
}

import { type CallOptions, type ClusterError, type Clock, settleWithin } from '@quorate/core';
import type { LeaseHold, LeaseRefusal, LeaseStore, LeaseView } from '../src/index.ts';

/** What a call comes to: at once, or after so long. */
export interface Outcome {
  readonly afterMs?: number;
  /** Hangs until its signal aborts, or for good where that doesn't help. */
  readonly hangs?: boolean;
  readonly deaf?: boolean;
  readonly fails?: ClusterError;
}

/** A store that does what the test says, and writes down what it was asked. */
export class ScriptedStore implements LeaseStore {
  readonly calls: string[] = [];
  token = 10n;
  /** How long what is taken may not be used, from when it was asked for. */
  unusableMs = 0;
  isTaken = false;
  acquiring: Outcome = {};
  renewing: Outcome = {};
  releasing: Outcome = {};
  following: Outcome = {};
  readonly #clock: Clock;
  #tell: ((view: LeaseView) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isFollowed(): boolean {
    return this.#tell !== undefined;
  }

  /** The engine says that so and so holds it. */
  tell(token: bigint | undefined, revision: bigint, nodeId = 'other'): void {
    this.#tell?.({ revision, holder: token === undefined ? undefined : { nodeId, token } });
  }

  count(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }

  async follow(tell: (view: LeaseView) => void, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.following.fails !== undefined) throw this.following.fails;
    this.#tell = tell;
    await this.#do({ hangs: true }, signal);
  }

  async acquire({ signal }: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const sentAt = this.#note('acquire');
    await this.#do(this.acquiring, signal);
    if (this.isTaken) return {};
    const token = (this.token += 1n);
    return {
      token,
      sentAt,
      usableFrom: sentAt + this.unusableMs,
      renew: async (options) => {
        const renewedAt = this.#note('renew');
        await this.#do(this.renewing, options.signal);
        return renewedAt;
      },
      release: async (options) => {
        this.#note('release');
        await this.#do(this.releasing, options.signal);
      },
    };
  }

  async withdraw(): Promise<void> {
    this.#note('withdraw');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#note('dispose');
  }

  #note(call: string): number {
    this.calls.push(call);
    return this.#clock.now();
  }

  async #do(
    { afterMs = 0, hangs = false, deaf = false, fails }: Outcome,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await settleWithin<void>(deaf ? undefined : signal, 'the call', (resolve) => {
      const timer = hangs ? undefined : this.#clock.setTimer(afterMs, resolve);
      return () => timer?.cancel();
    });
    if (fails !== undefined) throw fails;
  }
}

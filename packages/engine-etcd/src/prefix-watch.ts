import { type Clock, ClusterError, type Timer } from '@quorate/core';
import type { IWatchRequest, IWatchResponse } from 'etcd3';

import { type KeySelection, rangeOf } from './etcd-entry.ts';
import { etcdError } from './etcd-failure.ts';
import type { KeySet } from './key-set.ts';
import type { MemberConnection, OpenStream } from './member-connection.ts';

/** Why a watch is over. */
export type WatchEnd =
  /** All is to be read again: it is time to, or etcd has forgotten what happened meanwhile, or is another one. */
  { readonly reason: 'forgotten' | 'resync' } | FailedWatch;

/** A watch that the member ended, or refused, or let hang. */
export interface FailedWatch {
  readonly reason: 'fails' | 'hangs';
  readonly error: ClusterError;
  /** Whether it had begun. */
  readonly confirmed: boolean;
}

export interface WatchPlan {
  readonly clock: Clock;
  readonly connection: MemberConnection;
  readonly keysOf: KeySelection;
  readonly keys: KeySet;
  readonly livenessMs: number;
  readonly resyncMs: number;
  readonly onChange: () => void;
}

/** One watch on one member, from where the keys are known, for as long as the member shows signs of life. */
export class PrefixWatch {
  readonly #plan: WatchPlan;
  readonly #end = Promise.withResolvers<WatchEnd>();
  readonly #timers = new Set<Timer>();
  #stream: OpenStream<IWatchRequest> | undefined;
  #confirmed = false;
  /** Whether anything came since the last sign of life was asked for. */
  #heard = true;
  #over = false;

  constructor(plan: WatchPlan) {
    this.#plan = plan;
  }

  /** Resolves when it is over, by itself or by the signal. */
  async run(details: { readonly signal: AbortSignal; readonly token: string | undefined }): Promise<WatchEnd> {
    const { connection, resyncMs } = this.#plan;
    const { signal } = details;
    const onAbort = () => this.#finish({ reason: 'resync' });
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#timer(resyncMs, () => this.#finish({ reason: 'resync' }));
      this.#askForLife();
      const events = {
        answer: (answer: IWatchResponse) => this.#receive(answer),
        end: (error: Error) => this.#fail(error),
      };
      void connection.stream('watch', events, details).then(
        (stream) => this.#begin(stream),
        (error: unknown) => this.#fail(error),
      );
      if (signal.aborted) onAbort();
      return await this.#end.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #begin(stream: OpenStream<IWatchRequest>): void {
    if (this.#over) {
      stream.close();
      return;
    }
    this.#stream = stream;
    const { keysOf, keys } = this.#plan;
    stream.send({ create_request: { ...rangeOf(keysOf), start_revision: String(keys.revision + 1n) } });
  }

  #receive(answer: IWatchResponse): void {
    this.#heard = true;
    if (answer.canceled) {
      this.#cancelled(answer);
      return;
    }
    const { keys, onChange } = this.#plan;
    if (answer.created) this.#confirmed = true;
    // It is behind, or was set up anew: then it would be silent until its history is as long as that which was lost.
    if (answer.created && BigInt(answer.header.revision) < keys.revision) this.#finish({ reason: 'forgotten' });
    else if (keys.apply(answer.events)) onChange();
  }

  /** After a compaction the reason is empty, and the revision from which history is left is told instead. */
  #cancelled({ compact_revision, cancel_reason }: IWatchResponse): void {
    if (compact_revision !== '0') this.#finish({ reason: 'forgotten' });
    else this.#fail({ code: 7, details: `the watch was refused: ${cancel_reason}` });
  }

  /** Etcd answers at once, unless it is busy with bringing the watch up to date, in which case something comes anyway. */
  #askForLife(): void {
    this.#timer(this.#plan.livenessMs, () => {
      if (!this.#heard) {
        const { connection, livenessMs } = this.#plan;
        const message = `etcd at ${connection.name}: watch: no sign of life within ${livenessMs} ms`;
        this.#finish({ reason: 'hangs', error: new ClusterError('TIMEOUT', message), confirmed: this.#confirmed });
        return;
      }
      this.#heard = false;
      this.#stream?.send({ progress_request: {} });
      this.#askForLife();
    });
  }

  #fail(error: unknown): void {
    const { connection } = this.#plan;
    const failure = etcdError(error, `etcd at ${connection.name}: watch`);
    this.#finish({ reason: 'fails', error: failure, confirmed: this.#confirmed });
  }

  #finish(end: WatchEnd): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) timer.cancel();
    this.#stream?.close();
    this.#end.resolve(end);
  }

  #timer(delayMs: number, callback: () => void): void {
    const timer = this.#plan.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }
}

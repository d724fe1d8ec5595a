import {
  Backoff,
  type BackoffOptions,
  type ClusterContext,
  ClusterError,
  type ClusterNode,
  linkSignals,
  settleWithin,
  sleep,
  throwIfAborted,
} from '@quorate/core';
import type { EtcdClient, EtcdLease } from '@quorate/engine-etcd';

import { encodeNode } from './node-record.ts';

export interface RegistrationParts extends Pick<ClusterContext, 'clock' | 'random' | 'logger'> {
  readonly client: EtcdClient;
  readonly key: string;
  readonly leaseMs: number;
  readonly backoff: BackoffOptions;
  /** For logs. */
  readonly source: string;
}

/** A node's key, which goes with a lease, and is written again when either is lost. */
export class Registration implements AsyncDisposable {
  readonly #parts: RegistrationParts;
  readonly #ended = new AbortController();
  /** What is to be at the key. */
  #value: Uint8Array | undefined;
  #lease: EtcdLease | undefined;
  #keeping = false;
  /** Writes take turns: one of what was there before could otherwise overtake one of what is new. */
  #turn: Promise<void> = Promise.resolve();
  /** Whether it was told that somebody else writes the key. */
  #isContested = false;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /** Writes the node, and keeps it written from then on. */
  async tell(node: ClusterNode, signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      throwIfAborted(signal, `${this.#parts.source}: register`);
      await this.#write(encodeNode(node), signal);
    });
    if (this.#keeping) return;
    this.#keeping = true;
    void this.#keep();
  }

  /** Takes the key away; where that fails, it goes when its lease expires. May be called again then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#lease?.[Symbol.asyncDispose]();
  }

  async #write(value: Uint8Array, signal: AbortSignal): Promise<void> {
    const { client, key } = this.#parts;
    const lease = await this.#validLease(signal);
    await client.put(key, value, { lease: lease.id, signal });
    this.#value = value;
    this.#isContested = false;
  }

  async #validLease(signal: AbortSignal): Promise<EtcdLease> {
    if (this.#lease?.isValid() === true) return this.#lease;
    const { client, leaseMs, source } = this.#parts;
    const lease = await client.grantLease({ ttlMs: leaseMs, signal });
    if (this.#ended.signal.aborted) {
      await lease[Symbol.asyncDispose]().catch(() => undefined);
      throw new ClusterError('CLOSED', `${source}: the registration has ended`);
    }
    this.#lease = lease;
    return lease;
  }

  async #keep(): Promise<void> {
    const { clock, random, logger, source, backoff: pauses } = this.#parts;
    const backoff = new Backoff(random, pauses);
    const ended = this.#ended.signal;
    while (!ended.aborted) {
      await this.#untilDue();
      if (ended.aborted) return;
      try {
        await this.#inTurn(() => this.#look());
        backoff.reset();
      } catch (error) {
        if (ended.aborted) return;
        logger.warn(`${source}: the registration is not kept, trying again: ${String(error)}`);
        await sleep(clock, backoff.next(), { signal: ended }).catch(() => undefined);
      }
    }
  }

  /** Until the lease is lost, or for as long as it lasts: somebody may have changed the key meanwhile. */
  async #untilDue(): Promise<void> {
    const { clock, leaseMs } = this.#parts;
    const lost = this.#lease?.lost;
    if (this.#lease?.isValid() !== true || lost === undefined) return;
    using either = linkSignals(lost, this.#ended.signal);
    const wait = settleWithin<void>(either.signal, 'a registration', (resolve) => {
      const timer = clock.setTimer(leaseMs, resolve);
      return () => timer.cancel();
    });
    await wait.catch(() => undefined);
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    await run;
  }

  async #look(): Promise<void> {
    const { client, key, logger, source } = this.#parts;
    const { signal } = this.#ended;
    const value = this.#value;
    if (value === undefined) return;
    const lease = this.#lease;
    if (lease?.isValid() !== true) {
      await this.#write(value, signal);
      logger.info(`${source}: registered again, with a new lease`);
      return;
    }
    const found = await client.createIfAbsent(key, value, { lease: lease.id, signal });
    const isOwn = found.lease === lease.id;
    // A write that nobody waited for any more may have come late.
    if (isOwn && !isSame(found.value, value)) await client.put(key, value, { lease: lease.id, signal });
    if (!isOwn && !this.#isContested) logger.warn(`${source}: ${key} is registered by somebody else, too`);
    this.#isContested = !isOwn;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

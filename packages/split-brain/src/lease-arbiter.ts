import {
  type Lock,
  type Locks,
  messageKind,
  type NodeId,
  settleWithin,
  sleep,
  throwIfAborted,
  type Timer,
  withDeadline,
} from '@quorate/core';

import { decodeOutcome, encodeOutcome, fingerprint, type Outcome, sameFingerprint } from './messages.ts';
import type { Situation } from './situation.ts';
import type { ArbitratedCluster, Arbiter, Verdict } from './strategy.ts';

export interface ArbiterOptions {
  readonly locks: Locks;
  readonly lockName: string;
  readonly acquireTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly ttlMs: number;
}

/** How often those of this side are told, who may come to the same question later. */
const TELL_EVERY_MS = 500;
/** The most senders whose latest word is kept. */
const MAX_TOLD = 10_000;

/**
 * Has the reachable node whose id comes first ask for the lease, and all others wait for its word. A word counts for a node
 * that sees the same nodes reachable as the one that gives it: so all who survive are of one side, and agree on it.
 */
export class LeaseArbiter implements Arbiter {
  readonly #cluster: ArbitratedCluster;
  readonly #options: ArbiterOptions;
  readonly #clock: ArbitratedCluster['system']['clock'];
  readonly #closed = new AbortController();
  /** The latest word of each, of this situation. */
  readonly #told = new Map<NodeId, Outcome>();
  #onTold: (() => void) | undefined;
  #lock: Lock | undefined;
  #telling: Timer | undefined;

  constructor(cluster: ArbitratedCluster, options: ArbiterOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#clock = cluster.system.clock;
  }

  heard(from: NodeId, payload: Uint8Array): void {
    const outcome = decodeOutcome(payload);
    if (outcome === undefined) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.set(from, outcome);
    this.#onTold?.();
  }

  async arbitrate(
    situation: Situation,
    waitMs: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Verdict> {
    const asker = situation.reachable[0]?.node.id;
    if (asker !== undefined && asker !== situation.self)
      return await this.#waitForWord(asker, situation, waitMs, signal);
    const verdict = await this.#ask(waitMs, signal);
    throwIfAborted(signal, 'split-brain: arbitrate');
    this.#tell(situation, verdict.type === 'survive');
    return verdict;
  }

  reset(): void {
    this.#telling?.cancel();
    this.#told.clear();
  }

  healed(): void {
    const lock = this.#lock;
    this.#lock = undefined;
    // Where it can't be given back it runs out.
    void lock?.release().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#telling?.cancel();
    await this.#lock?.[Symbol.asyncDispose]();
  }

  async #ask(waitMs: number, signal: AbortSignal): Promise<Verdict> {
    if (this.#lock?.isValid() === true) return { type: 'survive' };
    await sleep(this.#clock, waitMs, { signal });
    const { locks, lockName, acquireTimeoutMs, ttlMs } = this.#options;
    const attempt = (inner: AbortSignal) => locks.tryLock(lockName, { ttlMs, signal: inner });
    try {
      // Not given up with the situation: what was taken would have to be given back, and kept from the other side meanwhile.
      const lock = await withDeadline(this.#clock, acquireTimeoutMs, 'split-brain: take the lease', attempt);
      if (lock === undefined) return { type: 'down', reason: 'lease_lost' };
      if (this.#closed.signal.aborted) await lock.release();
      else this.#lock = lock;
      return lock.isValid() ? { type: 'survive' } : { type: 'down', reason: 'lease_unavailable' };
    } catch (error) {
      this.#cluster.system.logger.warn(`split-brain: the lease could not be asked for: ${String(error)}`, error);
      return { type: 'down', reason: 'lease_unavailable' };
    }
  }

  #waitForWord(asker: NodeId, situation: Situation, waitMs: number, signal: AbortSignal): Promise<Verdict> {
    const { acquireTimeoutMs, answerTimeoutMs } = this.#options;
    const seen = fingerprint(situation);
    return settleWithin<Verdict>(signal, 'split-brain: arbitrate', (resolve) => {
      const look = () => {
        const word = this.#told.get(asker);
        if (word === undefined || !sameFingerprint(word.situation, seen)) return;
        resolve(word.won ? { type: 'survive' } : { type: 'down', reason: 'lease_lost' });
      };
      const giveUp = () => resolve({ type: 'down', reason: 'no_verdict' });
      const timer = this.#clock.setTimer(waitMs + acquireTimeoutMs + answerTimeoutMs, giveUp);
      this.#onTold = look;
      look();
      return () => {
        timer.cancel();
        this.#onTold = undefined;
      };
    });
  }

  /** Again and again while the lease is held: others may come to see what this node sees later. */
  #tell(situation: Situation, won: boolean): void {
    if (won && this.#lock?.isValid() !== true) return;
    const payload = encodeOutcome({ situation: fingerprint(situation), won });
    for (const { node } of situation.reachable) {
      if (node.id !== situation.self) this.#cluster.transport.send(node.id, messageKind.SPLIT_BRAIN, payload);
    }
    if (won) this.#telling = this.#clock.setTimer(TELL_EVERY_MS, () => this.#tell(situation, won));
  }
}

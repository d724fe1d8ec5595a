import type { NodeId } from '@quorate/core';
import type { SwimCore } from './core.ts';
import type { Deadline } from './deadlines.ts';
import type { PingRequest } from './messages.ts';
import type { Destination } from './types.ts';

/** The most pings under way for others. */
const MAX_RELAYED = 256;
// Lifeguard: before who asked gives up.
const NACK_SHARE = 0.8;

interface Relayed {
  readonly origin: Destination;
  readonly sequence: number;
  readonly target: NodeId;
  readonly nack: Deadline;
}

/** Pings on behalf of others, and says so when nothing comes back. */
export class Relay {
  readonly #core: SwimCore;
  readonly #ping: (to: Destination, sequence: number) => void;
  readonly #relayed = new Map<number, Relayed>();

  constructor(core: SwimCore, ping: (to: Destination, sequence: number) => void) {
    this.#core = core;
    this.#ping = ping;
  }

  request({ sequence, target, run, address }: PingRequest, origin: Destination): void {
    const { settings, deadlines, now } = this.#core;
    if (this.#relayed.size >= MAX_RELAYED) return;
    const own = this.#core.nextSequence();
    const windowMs = Math.max(1, settings.probeDeadlineMs - settings.probeTimeoutMs);
    const nack = deadlines.set(now + windowMs * NACK_SHARE, () => this.#nack(own));
    // Kept beyond the nack: an answer that comes late is passed on as well.
    this.#core.after(settings.probeDeadlineMs, () => this.#relayed.delete(own));
    this.#relayed.set(own, { origin, sequence, target, nack });
    this.#ping({ id: target, incarnation: run, address }, own);
  }

  /** True if it was an answer for another. */
  acknowledged(own: number, sender: NodeId, loopDelayMs: number): boolean {
    const relayed = this.#relayed.get(own);
    if (relayed === undefined) return false;
    if (relayed.target !== sender) return true;
    this.#relayed.delete(own);
    relayed.nack.cancel();
    this.#core.send(relayed.origin, [Object.freeze({ type: 'ack', sequence: relayed.sequence, loopDelayMs })]);
    return true;
  }

  #nack(own: number): void {
    const relayed = this.#relayed.get(own);
    if (relayed === undefined) return;
    this.#core.send(relayed.origin, [Object.freeze({ type: 'nack', sequence: relayed.sequence })]);
  }
}

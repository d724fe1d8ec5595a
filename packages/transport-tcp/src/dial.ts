import { type Address, Backoff, ClusterError, formatAddress, type Timer, toClusterError } from '@quorate/core';
import { type Gatekeeper, Handshake, type HandshakeResult } from './handshake.ts';
import type { LinkSet } from './link-set.ts';

export type DialResult = HandshakeResult;

/** Makes connections out, one attempt at a time, and the delays between attempts. */
export class Dialler {
  readonly #gate: Gatekeeper;
  readonly #links: LinkSet;

  constructor(gate: Gatekeeper, links: LinkSet) {
    this.#gate = gate;
    this.#links = links;
  }

  backoff(): Backoff {
    const { minMs, maxMs } = this.#gate.settings.reconnect;
    return new Backoff(this.#gate.context.random, { baseMs: minMs, maxMs });
  }

  jitter(maxMs: number): number {
    return this.#gate.context.random.next() * maxMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#gate.context.clock.setTimer(delayMs, callback);
  }

  /** One attempt, to the end of its handshake. Disposing the result gives it up. */
  dial(address: Address, done: (result: DialResult) => void): Disposable {
    const controller = new AbortController();
    const link = this.#links.make(address);
    const handshake = new Handshake(this.#gate, link, address, (result) => {
      // A connection that is still being made is given up; for one that was made this is nothing.
      controller.abort();
      done(result);
    });
    void this.#connect(address, handshake, controller.signal);
    return {
      [Symbol.dispose]: () => handshake.drop(new ClusterError('ABORTED', `gave up ${formatAddress(address)}`)),
    };
  }

  async #connect(address: Address, handshake: Handshake, signal: AbortSignal): Promise<void> {
    try {
      const { link } = handshake;
      const { context, guard } = this.#gate;
      const { security } = guard;
      const socket = await context.net.connect(address, link.handler, { signal, security });
      link.attach(socket);
      guard.check(socket.secured);
      handshake.greet();
    } catch (error) {
      handshake.drop(toClusterError(error, 'DISCONNECTED', `connect to ${formatAddress(address)}`));
    }
  }
}
